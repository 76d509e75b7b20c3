"""An image and its people: cut into crops for a network, and the poses taken back to the image."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from checkpoints import PoseError
from heads.skeleton import Skeleton
from ief.inference.boxes import box_matrices, check_boxes, describe_faults
from ief.inference.pixels import read_image
from ief.inference.poses import Poses
from ief.inference.score_map import ScoreMap
from mpii_tools.crops import apply_affine, invert_affine
from mpii_tools.formats.boxes import find_form_faults
from mpii_tools.formats.coco_images import PERSON

CROPS = 256  # of one image that are cut at a time
NOBODY = "the detector finds nobody in it"
# (H, W, 3) uint8 RGB -> the people in it: boxes (P, 4) and scores (P,).
FindPeople = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Network(Protocol):
    """Called with crops, gives every stage's poses, the last one's scores and sigma: a cascade, or an exported model.

    Attributes:
        size: side of the crops in pixels.
        skeleton: the tree of the K joints.
        dimensions: D, 2 or 3, of the poses: x, y, and z in mm relative to the root.
        rooted: whether it places every root joint at the center of the crop.
        stage: number of the last stage, -1 if unknown.
        name: what it is, in words.
        score_map: what its scores mean; None if they are as the last stage gives them.
    """

    size: int
    skeleton: Skeleton
    dimensions: int
    rooted: bool
    stage: int
    name: str
    score_map: ScoreMap | None

    def __call__(
        self, crops: np.ndarray, start: np.ndarray | None = None, times: int = 1
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 RGB -> float64 (T, B, K, D) crop pixels, the last stage's last; (B, K) scores or NaN; and
        (B, K, 2) the standard deviations of the last one's x and y, crop pixels or NaN.

        Args:
            start: (B, K, D) crop pixels, the pose that the last stage corrects, NaN for the network's own; None: that.
            times: how often it does.
        """


@dataclass(frozen=True)
class ImagePeople:
    """An image and the people of it to predict.

    Attributes:
        image: its file, or what else `read_image` takes.
        boxes: (P, 4) x1 y1 x2 y2; None for one person who fills the image, or for those that a detector finds.
        box_scores: (P,) the detector's; None if nobody said.
        name: in results and messages.
        image_id, category_id: what the file of boxes calls the image and its people, for COCO results.
        sized: whether that file has the boxes as x y width height, which is noted where another form is likelier.
        start: (P, K, D) image pixels, poses to correct, NaN for joints that nobody placed; None for the network's own.
    """

    image: object
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None
    name: str = "image"
    image_id: int | str | None = None
    category_id: int | str = PERSON
    sized: bool = False
    start: np.ndarray | None = None

    def load(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB. Raises PoseError, naming the image, for what is none."""
        return read_image(self.image, self.name)


@dataclass(frozen=True)
class Outcome:
    """What came of one image.

    Attributes:
        poses: of the people that could be predicted, under the image's name.
        left_out: a line, with its reason, for each that could not, or for the image.
        doubts: a line for each box that was used and may have another form than x y width height.
    """

    poses: Poses
    left_out: list[str]
    doubts: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The image's."""
        return self.poses.image


def map_back(outcome: Outcome, done: list[tuple[np.ndarray, ...]], size: int, min_score: float) -> Outcome:
    """The outcome with its people's poses (K, D), scores (K,) and sigma (K, 2), which are of crop pixels."""
    poses, columns = outcome.poses, zip(*done, strict=True) if done else ((), (), ())
    shapes = poses.joints.shape, poses.scores.shape, (*poses.scores.shape, 2)
    joints, scores, sigma = map(np.reshape, columns, shapes)
    to_image = invert_affine(box_matrices(poses.boxes, size))
    joints, sigma = apply_affine(to_image, joints), sigma * to_image[:, :1, :1]  # a crop is moved and scaled alone
    return replace(outcome, poses=replace(poses, joints=joints, scores=scores, sigma=sigma, min_score=min_score))


def cut_image(
    people: ImagePeople, network: Network, find_people: FindPeople | None = None
) -> tuple[Iterable[np.ndarray], Outcome]:
    """The crops of one image's people, and its outcome before their joints are known.

    The crops are (n, size, size, 3) uint8 RGB, of `CROPS` people at most; further ones are cut when they are asked for.
    """
    from mpii_tools.images.decode import cut_crops  # OpenCV, which preprocessed crops do without

    name, scores, left_out = people.name, people.box_scores, []
    try:
        image = people.load()
        height, width = image.shape[:2]
        if people.boxes is not None:
            boxes = check_boxes(people.boxes, name)
        elif find_people is None:
            boxes = np.array([[0.0, 0.0, width, height]])
        else:
            boxes, scores = find_people(image)
            if not len(boxes):
                raise PoseError(f"{name}: {NOBODY}")
    except PoseError as error:
        left_out, scores = [str(error) if name in str(error) else f"{name}: {error}"], None
        image, boxes, width, height = np.zeros((1, 1, 3), np.uint8), np.zeros((0, 4)), 1, 1
    faults = [""] if people.boxes is None and find_people is None else describe_faults(boxes, width, height)
    left_out += [f"{name}: person {row + 1}: {fault}" for row, fault in enumerate(faults) if fault]
    rows = np.array([row for row, fault in enumerate(faults[: len(boxes)]) if not fault], dtype=int)
    scores, boxes = np.full(len(rows), np.nan) if scores is None else np.asarray(scores, float)[rows], boxes[rows]
    forms = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])[: None if people.sized else 0]
    doubts = [f"{name}: its box {fault}" for fault in find_form_faults(forms, (width, height)).tolist() if fault]
    start = np.full((len(rows), len(network.skeleton), network.dimensions), np.nan)
    if people.start is not None:
        start = apply_affine(box_matrices(boxes, network.size), people.start[rows])
    poses = Poses(start, network.skeleton, boxes, np.full(start.shape[:2], np.nan), scores, rows, name)
    blocks = cut_crops(image, box_matrices(boxes, network.size), network.size, CROPS)
    return blocks if len(boxes) > CROPS else [*blocks], Outcome(poses, left_out, doubts)
