"""Standing people: a frontal pose in the image, and one in three dimensions before a camera."""

import numpy as np

from heads.skeleton import MPII
from mpii_tools.cameras import Camera
from mpii_tools.synthetic.pose_prior import HEAD_LENGTH, VECTORS, joints_from_vectors, load_prior
from mpii_tools.synthetic.studio import look_at, place_body

LENS = np.array([573.0, 573.0, 250.0, 250.0])
# Arms and legs hang, head and spine are upright, the right side is on the body's right.
STANDING = np.array([[1.0 if v in ("hips", "shoulders") else 0.0,
                      {"spine": 1.0, "neck": 1.0, "head": 1.0, "hips": 0.0, "shoulders": 0.0}.get(v, -1.0), 0.0]
                     for v in VECTORS])  # fmt: skip
ASIDE = {"hip": 12, "knee": 12, "ankle": 12, "shoulder": 20, "elbow": 25, "wrist": 25}
HEIGHT = {
    "pelvis": 0, "thorax": -60, "upper_neck": -70, "head_top": -70 - HEAD_LENGTH, "hip": 0, "knee": 50, "ankle": 100,
    "shoulder": -60, "elbow": -25, "wrist": 5,
}  # fmt: skip


def stand(shoulders: float = 20.0) -> np.ndarray:
    """(16, 2) a frontal standing pose in units of scale about the pelvis; a negative `shoulders` shows the back."""
    pose = []
    for name in MPII.names:
        side, kind = {"r_": -1, "l_": 1}.get(name[:2], 0), name.removeprefix("r_").removeprefix("l_")
        aside = abs(shoulders) if kind == "shoulder" else ASIDE.get(kind, 0)
        pose.append((side * aside * np.sign(shoulders), HEIGHT[kind]))
    return np.array(pose, dtype=float)


def see_from_ahead(heading: float, size: float = 1.0, directions: np.ndarray = STANDING) -> np.ndarray:
    """(16, 3) a standing person four meters before a camera, camera coordinates; heading 0 looks at the camera."""
    pose = joints_from_vectors(directions[None] * size * load_prior("pose_prior_3d")["lengths"][:, None])
    position = np.array([0.0, 1000.0, 4000.0])
    camera = Camera(look_at(position, np.array([0.0, 1000.0, 0.0])), position, LENS, np.zeros(5))
    return camera.to_camera(place_body(pose, np.array([heading]), np.zeros((1, 2)))[0])
