"""Boxes around people, (P, 4) x1 y1 x2 y2 in image pixels, and the square crops that follow from them.

Edges are those of detectors and COCO: 0 is the image's left or upper edge, half a pixel before the first pixel's
center, so that the whole image is 0 0 width height. A crop is the square around the box's center whose side is 1.25 of
the box's longer side, as MPII's is 1.25 of a person's height.
"""

from collections.abc import Sequence

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.crops import crop_matrices
from mpii_tools.people import BOX_MARGIN, CENTER_SHIFT, CROP_SIDE, box_squares

FARTHEST = 100  # image sides that a box may reach beyond the image: what is farther is no box of it
PERSON_SIDE = CROP_SIDE / BOX_MARGIN  # image pixels per unit of MPII's scale


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

    Head and feet go a little beyond the joints: a tenth of the longer side is added. A NaN joint does not count.
    """
    low, high = np.nanmin(joints[..., :2], axis=1) + 0.5, np.nanmax(joints[..., :2], axis=1) + 0.5
    room = (high - low).max(axis=1, keepdims=True) / 20
    return np.concatenate([low - room, high + room], axis=1)


def check_boxes(boxes: object, name: str) -> np.ndarray:
    """Boxes as (P, 4) float64. Raises PoseError, naming image `name`, if they are no array of that shape."""
    try:
        array = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PoseError(f"{name}: boxes are no array of numbers ({error}); give (P, 4), x1 y1 x2 y2") from None
    array = array.reshape(-1, 4) if array.shape == (4,) or not array.size else array
    if array.ndim != 2 or array.shape[1] != 4:
        raise PoseError(f"{name}: boxes of shape {array.shape}; give (P, 4), x1 y1 x2 y2 per person")
    return array


def box_fault(box: np.ndarray, width: int, height: int) -> str:
    """What makes a box (4,) useless for an image of that size, in words; empty if nothing does."""
    x1, y1, x2, y2 = box.tolist()
    shown = " ".join(f"{value:g}" for value in box)
    if not np.isfinite(box).all():
        return f"its box {shown} is not finite"
    if np.abs(box).max() > FARTHEST * max(width, height):
        return f"its box {shown} is over {FARTHEST} times the image of {width} x {height} pixels"
    if not (x2 > x1 and y2 > y1):
        return f"its box {shown} is empty: x2 and y2 must be above x1 and y1"
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        return f"its box {shown} is off the image of {width} x {height} pixels"
    return ""
