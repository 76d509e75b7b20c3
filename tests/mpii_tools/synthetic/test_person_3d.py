"""People drawn from three dimensions: facing, depth and size come from the pose, and the picture shows it."""

import numpy as np
import pytest

from heads.skeleton import MPII
from mpii_tools.synthetic.bodies import draw_body, pose_body
from mpii_tools.synthetic.clothes import draw_look
from mpii_tools.synthetic.motion import place_body
from mpii_tools.synthetic.painting import Canvas
from mpii_tools.synthetic.person import PARTS, draw_person
from mpii_tools.synthetic.person_3d import MM_PER_UNIT, head_sizes, posture_of, unit_pixels
from mpii_tools.synthetic.pose_prior import VECTORS
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d, sample_directions
from mpii_tools.synthetic.shots_3d import studio_shots, wild_shots
from mpii_tools.synthetic.studio import SIZE, Camera, look_at

LENS = np.array([573.0, 573.0, 250.0, 250.0])
# Arms and legs hang, head and spine are upright, the right side is on the body's right.
STANDING = np.array([[1.0 if v in ("hips", "shoulders") else 0.0,
                      {"spine": 1.0, "neck": 1.0, "head": 1.0, "hips": 0.0, "shoulders": 0.0}.get(v, -1.0), 0.0]
                     for v in VECTORS])  # fmt: skip
SHOTS = [*studio_shots(3, {"train": 12, "valid": 4}), *wild_shots(3, {"train": 16})]


def seen_from_ahead(heading, size=1.0, directions=STANDING):
    """A standing person four meters before a camera, camera coordinates; heading 0 looks at the camera."""
    joints = place_body(
        pose_body(directions[None], size * load_prior_3d().lengths), np.array([heading]), np.zeros((1, 2))
    )
    position = np.array([0.0, 1000.0, 4000.0])
    camera = Camera(LENS, np.zeros(5), look_at(position, np.array([0.0, 1000.0, 0.0])), position)
    return camera.to_camera(joints[0])


@pytest.mark.parametrize(
    ("heading", "facing"), [(0, (0, 1)), (np.pi, (0, -1)), (np.pi / 2, (1, 0)), (-np.pi / 2, (-1, 0)),
                            (np.pi / 4, (np.sqrt(0.5), np.sqrt(0.5)))]
)  # fmt: skip
def test_facing_is_where_the_chest_looks(heading, facing):
    """In the image, x grows towards the room's x as this camera sees it from ahead."""
    np.testing.assert_allclose(posture_of(seen_from_ahead(heading)).facing, facing, atol=0.02)


def test_the_right_hand_of_who_looks_at_the_camera_is_on_the_images_left():
    points = seen_from_ahead(0.0)
    assert points[MPII.index("r_wrist"), 0] < points[MPII.index("l_wrist"), 0]


def test_depth_is_towards_the_viewer_in_units_of_scale():
    directions = STANDING.copy()
    directions[VECTORS.index("r_arm")] = 0, 0, 1  # ahead, towards the camera
    points = seen_from_ahead(0.0, directions=directions)
    depth = posture_of(points).depth
    assert depth[MPII.root] == 0
    arm = load_prior_3d().lengths[VECTORS.index("r_arm")] / MM_PER_UNIT
    assert depth[MPII.index("r_elbow")] - depth[MPII.index("r_shoulder")] == pytest.approx(arm)


def test_size_is_that_of_the_bones_in_any_pose():
    assert posture_of(seen_from_ahead(0.3, size=1.1)).size == pytest.approx(1.1)
    bent = sample_directions(np.random.default_rng(0), 1, "SittingDown")[0]
    assert posture_of(seen_from_ahead(0.3, size=0.9, directions=bent)).size == pytest.approx(0.9)


def test_the_common_person_is_as_tall_as_mpiis_scale_says():
    """200 units of scale: from the heels, 85 mm below the ankles, to the top of the head."""
    points = seen_from_ahead(0.0)
    height = np.ptp(points[:, 1]) + 85.0
    assert height / MM_PER_UNIT == pytest.approx(200, rel=0.01)
    tall = height * LENS[0] / points[MPII.root, 2]
    assert head_sizes(points, LENS) == pytest.approx(25.0 / 200.0 * tall, rel=0.01)


@pytest.mark.parametrize("shot", SHOTS[::2], ids=lambda shot: shot.sequence)
def test_every_joint_lies_on_the_person(shot):
    joints = shot.camera.project(shot.points)
    canvas = Canvas(
        np.full((SIZE, SIZE, 3), 0.5, np.float32), np.zeros((SIZE, SIZE), np.int16), np.array([0, 0, 1.0]), 0.5
    )
    unit = float(unit_pixels(shot.points, shot.camera.intrinsics))
    draw_person(canvas, joints, unit, posture_of(shot.points), draw_look(np.random.default_rng(0)))
    x, y = np.rint(joints).astype(int).T
    covered = canvas.owner[y, x] > 0
    assert covered.all(), [MPII.names[k] for k in np.flatnonzero(~covered)]


@pytest.mark.parametrize("toward", [1, -1])
def test_an_arm_before_the_chest_hides_it_and_one_behind_is_hidden(toward):
    """The right forearm across the body, before or behind the trunk."""
    directions = STANDING.copy()
    slant = np.array([0.35, -0.6, 0.7 * toward])
    directions[VECTORS.index("r_arm")] = slant / np.linalg.norm(slant)
    directions[VECTORS.index("r_forearm")] = 1, 0, 0
    points = seen_from_ahead(0.0, directions=directions)
    joints = points[:, :2] / points[:, 2:] * LENS[:2] + LENS[2:]
    canvas = Canvas(
        np.full((SIZE, SIZE, 3), 0.5, np.float32), np.zeros((SIZE, SIZE), np.int16), np.array([0, 0, 1.0]), 0.5
    )
    draw_person(
        canvas, joints, float(unit_pixels(points, LENS)), posture_of(points), draw_look(np.random.default_rng(0))
    )
    ends = joints[[MPII.index("r_elbow"), MPII.index("r_wrist")]]
    x, y = np.rint(ends.mean(axis=0)).astype(int)
    assert PARTS[canvas.owner[y, x] - 1] == ("r_forearm" if toward > 0 else "trunk")


def test_bodies_of_all_sizes_have_units_of_one_length():
    rng = np.random.default_rng(1)
    points = np.stack([seen_from_ahead(0.0)] * 2) * [[[1.0]], [[2.0]]]  # twice as large, twice as far
    near, far = unit_pixels(points, LENS)
    assert near == pytest.approx(2 * far) and draw_body(rng).shape == (len(VECTORS),)
