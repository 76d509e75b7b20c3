"""Pictures of predictions: the poses drawn on the photos, for people to look at before they read figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from evaluation.overlays import close_up, draw_poses
from mpii_tools.people import People
from mpii_tools.photos import decode_photo


def draw_people(
    people: People,
    poses: np.ndarray,
    read_image: Callable[[str], bytes],
    rows: Sequence[int],
    side: int = 320,
) -> list[tuple[str, np.ndarray]]:
    """Close-ups of some persons with predicted (coloured) and true (thin white) skeletons.

    Args:
        poses: (N, K, 2) predictions of all of `people`, image pixels.
        read_image: encoded bytes of an image by name.
        rows: the persons to draw.
        side: of each picture in pixels.

    Returns:
        (person id, (side, side, 3) uint8 RGB) of each row.

    Raises:
        BadInput: when a photo is missing or torn.
    """
    pictures = []
    for row in rows:
        photo = decode_photo(read_image(str(people.images[row])), str(people.images[row]))
        extent = np.concatenate([people.joints[row], poses[row]])
        piece, affine = close_up(photo, extent, side)
        moved = [joints @ affine[:, :2].T + affine[:, 2] for joints in (poses[row], people.joints[row])]
        pictures.append((str(people.person_ids[row]), draw_poses(piece, moved[0], moved[1])))
    return pictures


def spread_rows(errors: np.ndarray, count: int) -> list[int]:
    """`count` rows spread evenly from the best to the worst of (N,) errors; NaN errors are passed over."""
    order = np.argsort(errors)[: np.isfinite(errors).sum()]
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)].tolist()
