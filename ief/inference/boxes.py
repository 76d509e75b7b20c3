"""Boxes around people, (P, 4) x1 y1 x2 y2 in image pixels, and the square crops that follow from them.

Edges are those of detectors and COCO: 0 is the image's left or upper edge, half a pixel before the first pixel's
center, so that the whole image is 0 0 width height. A crop is the square around the box's center whose side is 1.25 of
the box's longer side, as MPII's is 1.25 of a person's height.
"""

from collections.abc import Sequence

import numpy as np

from checkpoints import PoseError
from mpii_tools.crops import crop_matrices
from mpii_tools.formats.boxes import find_box_faults
from mpii_tools.people import BOX_MARGIN, CENTER_SHIFT, CROP_SIDE, box_squares

PERSON_SIDE = CROP_SIDE / BOX_MARGIN  # image pixels per unit of MPII's scale
LOST = 0.02  # of the image's shorter side: a pose smaller than this has lost its person


def box_matrices(boxes: np.ndarray, size: int) -> np.ndarray:
    """(P, 2, 3) affines from image pixels, centers at integers, to those of each box's crop (size, size)."""
    return crop_matrices(*box_squares(boxes), size)


def person_boxes(center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(P, 4) the boxes whose crops are those of people with MPII's center (P, 2) and scale (P,): height / 200 px."""
    scale = np.asarray(scale, dtype=np.float64)[:, None]
    middle, half = np.asarray(center) + 0.5 + scale * [0.0, CENTER_SHIFT], PERSON_SIDE / 2 * scale
    return np.concatenate([middle - half, middle + half], axis=1)


def person_box(
    width: int, height: int, center: Sequence[float] | None = None, scale: float | None = None
) -> np.ndarray:
    """(1, 4) the box of one person of MPII's center and scale; what is None is that of one who fills the image."""
    scale = scale or max(width, height) / PERSON_SIDE
    center = center or ((width - 1) / 2, (height - 1) / 2 - CENTER_SHIFT * scale)
    return person_boxes(np.array([center]), np.array([scale]))


def pose_boxes(joints: np.ndarray) -> np.ndarray:
    """(P, 4) the boxes of joints (P, K, 2 or more), image pixels: what a person's next frame is looked for in.

    Head and feet go a little beyond the joints: a tenth of the longer side is added. A NaN joint does not count; a box
    of none is not finite.
    """
    points = joints[..., :2] + 0.5
    low = np.min(points, axis=1, where=np.isfinite(points), initial=np.inf)
    high = np.max(points, axis=1, where=np.isfinite(points), initial=-np.inf)
    room = (high - low).max(axis=1, keepdims=True) / 20
    return np.concatenate([low - room, high + room], axis=1)


def follow_poses(joints: np.ndarray, first: np.ndarray, width: int, height: int) -> np.ndarray:
    """(P, 4) where people are looked for in the next frame: around their poses, or in `first` (P, 4) who has lost it.

    A pose has lost its person where it has left the image, or has shrunk to nothing.

    Args:
        joints: (P, K, 2 or more) image pixels.
        width, height: of the image.
    """
    boxes = pose_boxes(joints)
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    kept = (LOST * min(width, height) <= longer) & (longer <= 2 * max(width, height))
    kept &= np.array(describe_faults(boxes, width, height), dtype=object) == ""
    return np.where(kept[:, None], boxes, first)


def intersect_over_union(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(P,) what box (4,) and each of the others (P, 4) have in common over what they cover together; NaN if empty."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    both, areas = sides.clip(0).prod(axis=-1), (others[:, 2:] - others[:, :2]).prod(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return both / (areas + (box[2:] - box[:2]).prod() - both)


def drop_overlapping(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Rows of boxes (N, 4) without those of which a better one, by scores (N,), has more in common; the best first.

    Args:
        overlap: intersection over union of two boxes above which they are one person's.
    """
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable").tolist():
        if not (intersect_over_union(boxes[row], boxes[kept]) > overlap).any():
            kept.append(row)
    return np.array(kept, dtype=int)


def to_corners(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) x1 y1 x2 y2 of boxes cx cy w h."""
    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def to_array(values: object) -> object:
    """A torch tensor as an array, on any device, with a gradient or not; whatever else as it is."""
    return values.detach().cpu().numpy() if hasattr(values, "requires_grad") else values


def to_floats(values: object, name: str, what: str, wanted: str) -> np.ndarray:
    """Values as float64. Raises PoseError, naming image `name`, what they are and what is wanted, if they are not."""
    try:
        array = np.asarray(to_array(values), dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise PoseError(f"{name}: {what} are no array of numbers ({error}); give {wanted}") from None
    if np.ma.is_masked(values):
        raise PoseError(f"{name}: {what} with masked numbers, which say nothing; leave out their rows")
    return array


def check_boxes(boxes: object, name: str) -> np.ndarray:
    """Boxes as (P, 4) float64. Raises PoseError, naming image `name`, if they are no array of that shape."""
    array = to_floats(boxes, name, "boxes", "(P, 4), x1 y1 x2 y2")
    array = array.reshape(-1, 4) if array.shape == (4,) or not array.size else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise PoseError(f"{name}: boxes of shape {array.shape}; give (P, 4), x1 y1 x2 y2 per person")
    return array


def check_poses(poses: object, shape: tuple[int, int], name: str) -> np.ndarray:
    """Poses (P, K, 2 or D), or a `Poses`, as (P, K, D) float64, a depth that is not there as NaN.

    Raises:
        PoseError: naming image `name`, for no array of that shape (K, D).
    """
    array = to_floats(getattr(poses, "joints", poses), name, "poses", f"(P, {shape[0]}, 2)")
    if array.ndim != 3 or array.shape[1] != shape[0] or array.shape[2] not in (2, shape[1]):
        raise PoseError(f"{name}: poses of shape {array.shape}; give (P, {shape[0]}, 2), x y of each joint per person")
    return np.pad(array, ((0, 0), (0, 0), (0, shape[1] - array.shape[2])), constant_values=np.nan)


def describe_faults(boxes: np.ndarray, width: int, height: int) -> list[str]:
    """What makes each of boxes (P, 4) useless for an image of that size, in words; empty text for a usable one."""
    faults = find_box_faults(boxes, np.array([width, height]))
    off = (boxes[:, 2:] <= 0).any(axis=1) | (boxes[:, :2] >= [width, height]).any(axis=1)
    faults = np.where(off & (faults == ""), f"is off the image of {width} x {height} pixels", faults)
    return [
        f"its box {' '.join(f'{value:g}' for value in box)} {fault}" if fault else ""
        for box, fault in zip(boxes, faults.tolist(), strict=True)
    ]
