"""Pictures of predictions: the poses drawn on the images, for people to look at before they read numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checkpoints.errors import PoseError
from evaluation.report.skeletons import close_up, draw_arrows, draw_poses
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People


def draw_people(
    people: People,
    poses: np.ndarray,
    load_image: LoadImage,
    rows: Sequence[int],
    side: int = 320,
    before: np.ndarray | None = None,
    left_out: list[str] | None = None,
) -> list[tuple[int, np.ndarray]]:
    """Close-ups of some people with predicted (colored) and true (thin white) skeletons.

    A joint predicted beyond the image's edge is not drawn: nothing in the image tells whether it is right.

    Args:
        poses: (N, K, 2) predictions of all of `people`, image pixels.
        load_image: an image by name.
        rows: the people to draw.
        side: of each picture in pixels.
        before: (N, K, 2) poses that `poses` came from, for arrows from there; None draws none.
        left_out: gets a line, with its reason, for each image that is missing or corrupt.

    Returns:
        (row, (side, side, 3) uint8 RGB) of each person whose image could be read.
    """
    pictures = []
    for row in rows:
        try:
            image = load_image(str(people.images[row]))
        except PoseError as error:
            if left_out is not None:
                left_out.append(f"picture of {people.person_ids[row]}: {error}")
            continue
        gt, pose = people.joints[row], within(poses[row], image)
        piece, affine = close_up(image, np.concatenate([gt, pose]), side)
        moved = [joints @ affine[:, :2].T + affine[:, 2] for joints in (pose, gt)]
        picture = draw_poses(piece, moved[0], moved[1])
        if before is not None:
            picture = draw_arrows(picture, before[row] @ affine[:, :2].T + affine[:, 2], moved[0])
        pictures.append((row, picture))
    return pictures


def within(joints: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The joints (K, 2), image pixels, with NaN for those outside the image (H, W, 3)."""
    height, width = image.shape[:2]
    inside = ((joints >= -0.5) & (joints <= (width - 0.5, height - 0.5))).all(axis=-1)
    return np.where(inside[:, None], joints, np.nan)


def spread_rows(errors: np.ndarray, count: int) -> list[int]:
    """`count` rows spread evenly from the best to the worst of (N,) errors; NaN errors are passed over."""
    order = np.argsort(errors)[: np.isfinite(errors).sum()]
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)].tolist()


def worst_and_median(errors: np.ndarray, count: int = 6) -> dict[int, str]:
    """Row -> label of the `count` worst of (N,) errors, then of as many around the median; NaN is passed over.

    Nobody is both: of few people the worst are taken first.
    """
    order = np.argsort(errors)[: np.isfinite(errors).sum()].tolist()
    worst, others = order[::-1][:count], order[: max(0, len(order) - count)]
    first = max(0, min(len(order) // 2 - count // 2, len(others) - count))
    median = others[first : first + count]
    labels = {row: f"worst {place}" if place > 1 else "worst" for place, row in enumerate(worst, start=1)}
    return labels | {row: f"median {place}" for place, row in enumerate(median, start=1)}
