"""Whether boxes are those of people in an image's pixels: what another unit, size or form looks like."""

import numpy as np

SHARES = 1.5  # coordinates that are shares of the image are at most 1, and a little more for who is cut off
TINY = 2.0  # image pixels
HUGE = 10.0  # longer sides of the image
BEYOND = 0.05  # of the image, by which a box x y width height ends beyond it before its form is doubted


def find_box_faults(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N,) what makes a box no person's, in words that follow "its box"; empty text for a usable one.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        sizes: (N, 2), or (2,) for all, width and height of the images in pixels; NaN or 0 if unknown.
    """
    sizes = np.where(np.asarray(sizes) > 0, sizes, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        sides = boxes[:, 2:] - boxes[:, :2]
        rows_of = {
            "is not finite": ~np.isfinite(boxes).all(axis=1),
            "is empty: x2 and y2 must be above x1 and y1": ~(sides > 0).all(axis=1),
            "is within 0..1: shares of the image, not pixels": (np.abs(boxes) <= SHARES).all(axis=1),
            f"is under {TINY:g} pixels": (sides < TINY).any(axis=1),
            f"is over {HUGE:g} times as large as its image": sides.max(axis=1, initial=0) > HUGE * sizes.max(axis=-1),
        }
    return np.select(list(rows_of.values()), list(rows_of), default="")


def find_form_faults(boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N,) why a box x, y, width, height may be x1, y1, x2, y2, in words that follow "its box"; empty text for others.

    That is one that ends beyond its image, and that is inside it if it is read the other way.

    Args:
        boxes: (N, 4) as a file has them.
        sizes: (N, 2), or (2,) for all, width and height of the images in pixels; NaN or 0, if unknown, tell nothing.
    """
    sizes = np.where(np.asarray(sizes) > 0, sizes, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        ends = boxes[:, :2] + boxes[:, 2:]
        inside = (boxes[:, :2] >= -1) & (boxes[:, 2:] > boxes[:, :2]) & (boxes[:, 2:] <= sizes + 1)
        doubtful = inside.all(axis=1) & (ends > (1 + BEYOND) * sizes).any(axis=1)
    faults, words = np.full(len(boxes), "", dtype=object), "ends at {:g} {:g}, beyond its image of {:g} x {:g}, {}"
    told = np.hstack([ends, np.broadcast_to(sizes, ends.shape)])[doubtful].tolist()
    faults[doubtful] = [words.format(*numbers, "but inside it as x1 y1 x2 y2") for numbers in told]
    return faults
