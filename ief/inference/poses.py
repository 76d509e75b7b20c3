"""What a prediction is, the poses of one image's people, and the camera that takes them from pixels to mm."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from checkpoints import PoseError, import_extra, write_bytes
from heads.skeleton import Skeleton
from ief.inference.pixels import read_image
from mpii_tools.cameras import back_project
from mpii_tools.people import box_squares
from mpii_tools.results.coco import to_coco
from mpii_tools.results.predictions import UNKNOWN_STAGE, Predictions

if TYPE_CHECKING:
    import pandas
    import supervision

ELLIPSE = 4.605  # 90 % of chi-square with two degrees of freedom


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
class Pose:
    """One person's pose; `pose["r_wrist"]` is a joint.

    Attributes:
        joints: (K, D) as in `Poses`.
        scores: (K,) in 0..1, NaN where there is none.
        box: (4,) x1 y1 x2 y2 where the person was looked for.
        shown: (K,) bool, whether a joint's score is high enough to be drawn.
        names: of the K joints.
    """

    joints: np.ndarray
    scores: np.ndarray
    box: np.ndarray
    shown: np.ndarray
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> np.ndarray:
        """(D,) a joint by its name. Raises KeyError, with the names there are."""
        if name not in self.names:
            raise KeyError(f"no joint {name!r}; there are {', '.join(self.names)}")
        return self.joints[self.names.index(name)]


@dataclass(frozen=True, repr=False, eq=False)
class Poses:
    """Poses of the P people of one image; `poses[0]["r_wrist"]` is a joint of the first.

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
        min_score: joints with a score below are marked as not shown, and not drawn.
        source: what was predicted, a path or an array, so that it can be drawn on; None if it is not kept.
        sigma: (P, K, 2) standard deviations of x and y, image pixels; NaN where there are no scores, and of exported
            models; None is all NaN.
    """

    joints: np.ndarray
    skeleton: Skeleton
    boxes: np.ndarray
    scores: np.ndarray
    box_scores: np.ndarray
    rows: np.ndarray
    image: str = ""
    time_s: float = np.nan
    min_score: float = 0.0
    source: object = None
    sigma: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.joints)

    def __getitem__(self, person: int) -> Pose:
        """One person's pose, so that poses can be iterated over, too. Raises IndexError beyond the last."""
        return Pose(self.joints[person], self.scores[person], self.boxes[person], self.shown[person], self.names)

    def __repr__(self) -> str:
        people = "1 person" if len(self) == 1 else f"{len(self)} people"
        unit = "x, y in image pixels" if self.joints.shape[-1] == 2 else "x, y in image pixels, z in mm from the root"
        shown = f", {self.shown.sum()} shown" if self.shown.size and not self.shown.all() else ""
        return f"Poses of {people} in {self.image or 'an array'}: {len(self.names)} joints each{shown}, {unit}"

    @property
    def shown(self) -> np.ndarray:
        """(P, K) bool: joints that are finite and whose score, where there is one, is not below `min_score`."""
        return np.isfinite(self.joints[..., :2]).all(axis=-1) & ~(self.scores < self.min_score)

    @property
    def covariance(self) -> np.ndarray:
        """(P, K, 2, 2) of each joint's x and y in image pixels squared, from `sigma`; x and y are independent."""
        sigma = np.full((*self.joints.shape[:2], 2), np.nan) if self.sigma is None else self.sigma
        return np.where(np.eye(2, dtype=bool), sigma[..., None] ** 2, np.where(np.isnan(sigma[..., None]), np.nan, 0))

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

    def draw(self, image: object = None, scale: float | np.ndarray | None = None, ellipses: bool = False) -> np.ndarray:
        """The image with everybody's skeleton on it, (H, W, 3) uint8 RGB, as a new array.

        Poses in 3D are shown from the side as well, in a panel at the image's right (`evaluation.report.side_view`).

        A joint beyond the image's edge, or one that is not `shown`, is left out.

        Args:
            image: what `PosePredictor` takes; None for the image that was predicted.
            scale: of poses in 3D, image pixels per mm at the root, one or (P,): the focal length over the root's depth.
                None estimates it from the pose.
            ellipses: beneath, where each joint lies with a chance of 90 % if errors are normal; none without a sigma.

        Raises:
            PoseError: no image, or one that cannot be read.
        """
        from evaluation.report.side_view import add_side_view
        from evaluation.report.skeletons import draw_ellipses, draw_poses, drop_outside

        image = self.source if image is None else image
        if image is None:
            raise PoseError(f"{self.image or 'poses'}: the image is not kept; give it, a path or an array")
        pixels = read_image(image, self.image or "image")
        joints = np.where(self.shown[..., None], self.joints, np.nan)
        if ellipses and self.sigma is not None:
            pixels = draw_ellipses(pixels, joints[..., :2], np.sqrt(ELLIPSE) * self.sigma, self.skeleton)
        if joints.shape[-1] == 3:
            return add_side_view(pixels, joints, self.skeleton, scale)
        return draw_poses(pixels, drop_outside(joints, pixels), skeleton=self.skeleton)

    def save(self, path: str | os.PathLike, image: object = None) -> Path:
        """Write `draw`'s picture as a JPEG, or a PNG by the path's ending. Raises PoseError as `draw` does."""
        from evaluation.report.skeletons import to_jpeg, to_png

        encode = to_png if Path(path).suffix.lower() == ".png" else to_jpeg
        return write_bytes(path, encode(self.draw(image)))

    def show(self, image: object = None) -> None:
        """Open `draw`'s picture in the system's viewer; a notebook shows poses by itself."""
        from PIL import Image

        Image.fromarray(self.draw(image)).show()

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: the picture, if the image is kept."""
        from evaluation.report.skeletons import to_png

        return None if self.source is None else to_png(self.draw())

    def to_frame(self) -> "pandas.DataFrame":
        """A pandas table with a row per person and joint: image, person, joint, x, y (and z), score, shown.

        Raises:
            PoseError: pandas is not installed.
        """
        pandas = import_extra("pandas", "frame")
        count, joints = self.joints.shape[:2]
        columns = {
            "image": self.image,
            "person": np.repeat(self.rows, joints),
            "joint": self.names * count,
            **dict(zip("xyz", self.joints.reshape(-1, self.joints.shape[-1]).T, strict=False)),
            "score": self.scores.ravel(),
            "shown": self.shown.ravel(),
        }
        return pandas.DataFrame(columns)

    def to_supervision(self) -> "supervision.KeyPoints":
        """supervision's KeyPoints, for its annotators and trackers. Raises PoseError if it is not installed."""
        supervision = import_extra("supervision", "supervision")
        scores = self.scores.astype(np.float32)
        return supervision.KeyPoints(
            xy=self.joints[..., :2].astype(np.float32),
            keypoint_confidence=None if np.isnan(scores).any() else scores,
            visible=self.shown,
            class_id=np.zeros(len(self), dtype=int),
        )

    def to_coco(self, image_id: int | None = None) -> list[dict]:
        """One COCO keypoint result per person, of the form that `mpii_tools.results.coco.to_coco` describes.

        Args:
            image_id: of the image in COCO's annotations; None for the number that its name is, else 1.
        """
        image_id = image_id.item() if isinstance(image_id, np.generic) else image_id  # which json refuses
        return to_coco(join_poses([self], self.skeleton), None if image_id is None else {self.image: image_id})


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
    shown = np.concatenate([one.shown for one in poses]) if any(one.min_score > 0 for one in poses) else None
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
        shown=None if shown is None else shown.astype(np.float64),
    )
