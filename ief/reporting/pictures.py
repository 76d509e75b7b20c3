"""Pictures of predictions: the poses drawn on the images, for people to look at before they read numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checkpoints.errors import PoseError
from evaluation.report.side_view import beside, side_view
from evaluation.report.skeletons import close_up, draw_arrows, draw_poses, within
from evaluation.report.tables import Cell
from ief.reporting.finished_run import FinishedRun
from ief.reporting.scoring import choose_measure, person_errors
from mpii_tools.crops import apply_affine
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People

PANELS = 3  # people in a row of the movement figure


def draw_people(
    people: People,
    poses: np.ndarray,
    load_image: LoadImage,
    rows: Sequence[int],
    side: int = 320,
    before: np.ndarray | None = None,
    left_out: list[str] | None = None,
) -> list[tuple[int, np.ndarray]]:
    """Close-ups of some people with predicted (colored) and true (thin white) skeletons; in 3D a side view beside.

    A joint predicted beyond the image's edge is not drawn: nothing in the image tells whether it is right.

    Args:
        poses: (N, K, D) predictions of all of `people`, x and y in image pixels.
        load_image: an image by name.
        rows: the people to draw.
        side: of each picture in pixels.
        before: (N, K, D) poses that `poses` came from, for arrows from there; None draws none.
        left_out: gets a line, with its reason, for each image that is missing or corrupt.

    Returns:
        (row, (side, side, 3) uint8 RGB) of each person whose image could be read; (side, 2 side + 1, 3) of 3D poses.
    """
    pictures = []
    for row in rows:
        image = load_or_leave_out(people, row, load_image, left_out)
        if image is None:
            continue
        gt, pose = people.joints[row], within(poses[row, :, :2], image)
        piece, affine = close_up(image, np.concatenate([gt, pose]), side)
        moved = [joints @ affine[:, :2].T + affine[:, 2] for joints in (pose, gt)]
        picture = draw_poses(piece, moved[0], moved[1], skeleton=people.skeleton)
        if before is not None:
            picture = draw_arrows(picture, apply_affine(affine, before[row])[:, :2], moved[0])
        if poses.shape[-1] == 3:
            whole = apply_affine(affine, poses[row])
            picture = beside(picture, side_view(whole, side, side, skeleton=people.skeleton))
        pictures.append((row, picture))
    return pictures


def load_or_leave_out(people: People, row: int, load_image: LoadImage, left_out: list[str] | None) -> np.ndarray | None:
    """A person's image; None, and a line in `left_out`, if it is missing or corrupt."""
    try:
        return load_image(str(people.images[row]))
    except PoseError as error:
        if left_out is not None:
            left_out.append(f"picture of {people.person_ids[row]}: {error}")
        return None


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


def moved_people(run: FinishedRun, people: People) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Poses before, after and true, and captions, of those whom stage 1 helps most, in the middle, and harms most."""
    if "stage1" not in run.poses:
        nobody = np.zeros((0, len(people.joint_names), 2))
        return nobody, nobody, nobody, []
    before, after = run.poses["stage0"], run.poses["stage1"]
    change = person_errors(after, people) - person_errors(before, people)
    order = np.argsort(change)[: np.isfinite(change).sum()].tolist()
    middle = len(order) // 2 - PANELS // 2
    enough = len(order) >= 3 * PANELS
    rows = [*order[:PANELS], *order[middle : middle + PANELS], *order[-PANELS:][::-1]] if enough else order
    unit = choose_measure(people).unit
    captions = [f"{Cell(change[row], digits=2, signed=True)} {unit}".replace("-", "\N{MINUS SIGN}") for row in rows]
    return before[rows], after[rows], np.where(people.annotated[rows][..., None], people.joints[rows], np.nan), captions


def drawn_people(
    run: FinishedRun, people: People | None, load_image: LoadImage | None, left_out: list[str] | None
) -> list[tuple[str, np.ndarray]]:
    """Captioned close-ups of the worst and the median people of a run's last stage."""
    if people is None or load_image is None or run.last not in run.poses:
        return []
    errors = person_errors(run.poses[run.last], people)
    labels = worst_and_median(errors)
    before = run.poses.get("stage0") if run.last != "stage0" else None
    unit = choose_measure(people).unit
    pictures = draw_people(people, run.poses[run.last], load_image, list(labels), before=before, left_out=left_out)
    return [
        (f"{labels[row]}: {people.person_ids[row]}, {errors[row]:.2f} {unit}", picture) for row, picture in pictures
    ]
