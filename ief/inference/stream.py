"""From images to poses in order: threads read, decode and crop ahead while the network works on full batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from ief.inference.boxes import box_fault, box_matrices, check_boxes, whole_image
from ief.inference.networks import Network
from ief.inference.poses import Poses
from mpii_tools.crops import apply_affine, invert_affine
from mpii_tools.images.decode import cut_crops, decode_image

THREADS = 16  # at most, to decode and crop in; OpenCV lets the others run meanwhile
# (H, W, 3) uint8 RGB -> people found: boxes (P, 4) and scores (P,).
FindPeople = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class ImagePeople:
    """An image and the people of it to predict.

    Attributes:
        image: its file, or (H, W, 3) uint8 RGB. A file is turned as its EXIF data ask, as viewers and browsers do.
        boxes: (P, 4) x1 y1 x2 y2; None for one person who fills the image, or for those that a detector finds.
        box_scores: (P,) the detector's; None if nobody said.
        name: in results and messages.
    """

    image: Path | np.ndarray
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None
    name: str = "image"


@dataclass(frozen=True)
class Cut:
    """The crops of an image's people.

    Attributes:
        crops: (P, n, n, 3) uint8 RGB.
        boxes, box_scores, rows: as in `Poses`.
        left_out: a line for each person, or for the image, that cannot be used.
    """

    name: str
    crops: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray
    rows: np.ndarray
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of one image.

    Attributes:
        name: the image's.
        poses: of the people that could be predicted.
        left_out: a line, with its reason, for each that could not, or for the image.
    """

    name: str
    poses: Poses
    left_out: list[str]


def stream(
    network: Network, images: Iterable[ImagePeople], batch_size: int, find_people: FindPeople | None = None
) -> Iterator[Outcome]:
    """The poses of each image, in order; what cannot be read is told in its outcome and ends nothing.

    Args:
        batch_size: crops per call of the network; people of several images share one.
        find_people: finds the people of images without boxes.
    """
    waiting: deque[Cut] = deque()
    crops: list[np.ndarray] = []
    poses: list[np.ndarray] = []
    scores: list[np.ndarray] = []

    def predict(count: int) -> None:
        found, sure = network(np.stack(crops[:count]))
        poses.extend(found[-1])
        scores.extend(sure)
        del crops[:count]

    def finished() -> Iterator[Outcome]:
        while waiting and len(waiting[0].crops) <= len(poses):
            cut = waiting.popleft()
            count = len(cut.crops)
            yield outcome(cut, poses[:count], scores[:count], network)
            del poses[:count], scores[:count]

    for cut in cut_ahead(images, network.size, batch_size, find_people):
        waiting.append(cut)
        crops.extend(cut.crops)
        while len(crops) >= batch_size:
            predict(batch_size)
        yield from finished()
    if crops:
        predict(len(crops))
    yield from finished()


def outcome(cut: Cut, poses: list[np.ndarray], scores: list[np.ndarray], network: Network) -> Outcome:
    """The poses (K, D) of a cut's people, x, y in crop pixels, as those of its image."""
    joints = np.array(poses).reshape(len(poses), len(network.skeleton), network.dimensions)
    joints = apply_affine(invert_affine(box_matrices(cut.boxes, network.size)), joints)
    scores = np.array(scores).reshape(len(poses), len(network.skeleton))
    found = Poses(joints, network.skeleton, cut.boxes, scores, cut.box_scores, cut.rows, cut.name)
    return Outcome(cut.name, found, cut.left_out)


def cut_ahead(images: Iterable[ImagePeople], size: int, ahead: int, find_people: FindPeople | None) -> Iterator[Cut]:
    """`cut_image` of each image, in order; threads work up to 2 `ahead` images ahead."""
    waiting: deque = deque()
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1), "images") as pool:
        try:
            for people in images:
                waiting.append(pool.submit(cut_image, people, size, find_people))
                if len(waiting) > 2 * ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # whoever reads this may stop early
            for future in waiting:
                future.cancel()


def cut_image(people: ImagePeople, size: int, find_people: FindPeople | None = None) -> Cut:
    """The crops of one image's people; whoever or whatever cannot be used is told in `left_out`."""
    try:
        return _cut(people, size, find_people)
    except PoseError as error:
        line = str(error) if people.name in str(error) else f"{people.name}: {error}"
        none = np.zeros((0, 4))
        return Cut(people.name, np.zeros((0, size, size, 3), np.uint8), none, none[:, 0], np.zeros(0, int), [line])


def _cut(people: ImagePeople, size: int, find_people: FindPeople | None) -> Cut:
    # A file is decoded in full: a JPEG's own reduction, which `prepare` uses for its speed, moves joints by a pixel.
    image, name, scores = load_image(people), people.name, people.box_scores
    height, width = image.shape[:2]
    if people.boxes is not None:
        boxes = check_boxes(people.boxes, name)
    elif find_people is None:
        boxes = whole_image(width, height)
    else:
        boxes, scores = find_people(image)
        if not len(boxes):
            raise PoseError(f"{name}: the detector finds nobody in it")
    scores = np.full(len(boxes), np.nan) if scores is None else np.asarray(scores, dtype=np.float64)
    faults = [box_fault(box, width, height) for box in boxes]
    rows = np.array([row for row, fault in enumerate(faults) if not fault], dtype=int)
    left_out = [f"{name}: person {row + 1}: {fault}" for row, fault in enumerate(faults) if fault]
    crops = cut_crops(image, box_matrices(boxes[rows], size), size)
    return Cut(name, crops, boxes[rows], scores[rows], rows, left_out)


def load_image(people: ImagePeople) -> np.ndarray:
    """(H, W, 3) uint8 RGB: an array as it is, a file turned as its EXIF data ask. Raises PoseError, naming it."""
    if isinstance(people.image, np.ndarray):
        return check_array(people.image, people.name)
    return decode_image(read_bytes(people.image), str(people.image), upright=True)


def check_array(image: np.ndarray, name: str) -> np.ndarray:
    """The image itself. Raises PoseError, naming it, if it is not (H, W, 3) uint8 with a pixel or more."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise PoseError(f"{name}: an array of {image.dtype} {image.shape}; give (height, width, 3) uint8 RGB")
    return np.ascontiguousarray(image)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises PoseError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror}); check the path") from error
