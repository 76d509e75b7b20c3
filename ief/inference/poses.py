"""What a prediction is, the poses of one image's people, and the camera that takes them from pixels to mm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from ief.inference.boxes import to_array
from mpii_tools.cameras import back_project
from mpii_tools.people import box_squares
from mpii_tools.results.coco import to_coco
from mpii_tools.results.predictions import UNKNOWN_STAGE, Predictions


@dataclass(frozen=True)
class ImageCamera:
    """One camera for all images, and how far from it their people are.

    Attributes:
        parameters: focal lengths fx, fy and principal point cx, cy in image pixels.
        root_depth: distance of everybody's root (the pelvis) from the camera along its axis, mm.
        distortion: k1, k2, k3, p1, p2 of `mpii_tools.cameras`.

    Raises:
        PoseError: a number that is not finite, or a focal length or depth that is not above 0.
    """

    parameters: Sequence[float]
    root_depth: float
    distortion: Sequence[float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not np.isfinite([*self.parameters, self.root_depth, *self.distortion]).all():
            raise PoseError("camera: a number is not finite; give fx fy cx cy in pixels and the root's depth in mm")
        if not min(*self.parameters[:2], self.root_depth) > 0:
            raise PoseError("camera: focal lengths and the root's depth must be above 0")

    @property
    def scale(self) -> float:
        """Image pixels per mm at the root's depth."""
        return self.parameters[0] / self.root_depth


@dataclass(frozen=True)
class Poses:
    """Poses of the P people of one image.

    Attributes:
        joints: (P, K, D) float64; x, y in image pixels, 0-based, pixel centers at integers; with D = 3 also z in mm,
            how much further from the camera than the root the joint is.
        skeleton: names and parents of the K joints.
        boxes: (P, 4) x1 y1 x2 y2, where each person was looked for; the whole image is 0 0 width height.
        scores: (P, K) in 0..1, how sure the network is of each joint (Li et al., ICCV 2021); NaN unless its last stage
            was trained with `--loss rle`.
        box_scores: (P,) how sure the detector was; NaN if nobody said.
        rows: (P,) each person's row among the boxes given; in a video the person's number, kept from frame to frame.
        image: the image's name, empty for an array.
        time_s: seconds from the beginning of the video that the image is of; NaN if it is of none.
    """

    joints: np.ndarray
    skeleton: Skeleton
    boxes: np.ndarray
    scores: np.ndarray
    box_scores: np.ndarray
    rows: np.ndarray
    image: str = ""
    time_s: float = np.nan

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K joints."""
        return self.skeleton.names

    @property
    def person_ids(self) -> list[str]:
        """`image#1`, `image#2`, ... by the row of the boxes given."""
        return [f"{self.image}#{row + 1}" for row in self.rows.tolist()]

    def in_camera(
        self, camera: np.ndarray, root_depth: float | np.ndarray, distortion: np.ndarray | None = None
    ) -> np.ndarray:
        """The poses in the camera's coordinates: x to the right, y down, z away from it.

        A pose says how far its joints are from its own root in depth, and nothing of how far the root is from the
        camera: that has to be known. Evaluations take the ground truth's.

        Args:
            camera: (4,) focal lengths fx, fy and principal point cx, cy in image pixels, or (P, 4).
            root_depth: distance of the people's roots from the camera along its axis in mm, or (P,) of each one's.
            distortion: (5,) k1, k2, k3, p1, p2 of `mpii_tools.cameras`, or (P, 5); None: no distortion.

        Returns:
            (P, K, 3) mm; NaN where a joint is, or where no ray through the lens leads to its pixel.

        Raises:
            PoseError: poses without depth, arrays of other shapes, or a focal length or depth that is not above 0.
        """
        if self.joints.shape[-1] != 3:
            raise PoseError("poses in 2D have no camera coordinates; predict with a run of people in depth")
        camera = self._repeat("camera", camera, (4,))
        depth = self._repeat("root_depth", root_depth, ())
        distortion = self._repeat("distortion", np.zeros(5) if distortion is None else distortion, (5,))
        if not ((camera[:, :2] > 0).all() and (depth > 0).all()):
            raise PoseError("camera coordinates: focal lengths and root_depth must be above 0")
        return back_project(self.joints[..., :2], depth[:, None] + self.joints[..., 2], camera, distortion)

    def _repeat(self, name: str, values: object, row: tuple[int, ...]) -> np.ndarray:
        """Values of everybody, `row`, or of each person, (P, *row), as the latter."""
        array, shape = np.asarray(values, dtype=np.float64), (len(self), *row)
        if array.shape not in (row, shape) or not np.isfinite(array).all():
            raise PoseError(f"camera coordinates: {name} of shape {array.shape}; give {row} or {shape} finite numbers")
        return np.broadcast_to(array, shape)

    def draw(self, image: object, scale: float | np.ndarray | None = None) -> np.ndarray:
        """The image with everybody's skeleton on it, as a new array (H, W, 3) uint8 RGB.

        Poses in 3D are shown from the side as well, in a panel at the image's right (`evaluation.report.side_view`).

        A joint beyond the image's edge is left out. Raises PoseError for another shape or type of image.

        Args:
            image: (H, W, 3) uint8 RGB, an array, a torch tensor or a Pillow image.
            scale: of poses in 3D, image pixels per mm at the root, one or (P,): the focal length over the root's depth.
                None estimates it from the pose.
        """
        from evaluation.report.skeletons import check_image, draw_poses, drop_outside

        image = check_image(to_image(image, "image"))
        if self.joints.shape[-1] == 3:
            from evaluation.report.side_view import add_side_view

            return add_side_view(image, self.joints, self.skeleton, scale)
        return draw_poses(image, drop_outside(self.joints[..., :2], image), skeleton=self.skeleton)

    def to_coco(self, image_id: int | None = None) -> list[dict]:
        """One COCO keypoint result per person, of the form that `mpii_tools.results.coco.to_coco` describes.

        Args:
            image_id: of the image in COCO's annotations; None for the number that its name is, else 1.
        """
        return to_coco(join_poses([self], self.skeleton), None if image_id is None else {self.image: image_id})


def to_image(image: object, name: str) -> np.ndarray:
    """An array, a torch tensor or a Pillow image as an array. Raises PoseError, naming it and its type, for others."""
    image = np.asarray(image.convert("RGB")) if hasattr(image, "getbands") else to_array(image)
    if image is None:
        raise PoseError(f"{name}: None; was the file read? Give an array (H, W, 3) uint8 RGB or a path")
    if not isinstance(image, np.ndarray):
        raise PoseError(f"{name}: a {type(image).__name__}; give an array (H, W, 3) uint8 RGB or a path")
    return image


def join_poses(
    poses: Sequence[Poses], skeleton: Skeleton, stage: int = UNKNOWN_STAGE, camera: ImageCamera | None = None
) -> Predictions:
    """The people of some images, whose names differ, as predictions; scores that are all unknown are None.

    Args:
        stage: the last stage's number.
        camera: of poses in 3D, for their camera coordinates in mm; None if it is not known.
    """
    joints, boxes, scores, box_scores = (
        np.concatenate([getattr(one, name) for one in poses]) for name in ("joints", "boxes", "scores", "box_scores")
    )
    times = np.array([one.time_s for one in poses for _ in one.rows], dtype=np.float64)
    known = camera and [one.in_camera(camera.parameters, camera.root_depth, camera.distortion) for one in poses]
    return Predictions(
        joints,
        np.array([person for one in poses for person in one.person_ids], dtype=np.str_),
        skeleton.names,
        stage,
        scores if np.isfinite(scores).any() else None,
        crop_center=box_squares(boxes)[0],
        images=np.array([one.image for one in poses for _ in one.rows], dtype=np.str_),
        camera_joints=np.concatenate(known) if known else None,
        boxes=boxes,
        box_scores=box_scores,
        time_s=times if np.isfinite(times).any() else None,
    )
