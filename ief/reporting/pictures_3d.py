"""Figure 3: people in the image and from the side, those whose depth is known and those whose is not."""

from __future__ import annotations

import numpy as np

from evaluation.metrics.inputs import ratio
from evaluation.metrics.mpjpe import joint_errors
from evaluation.report.side_view import front_and_side
from ief.reporting.finished_run import FinishedRun
from ief.reporting.pictures import load_or_leave_out, spread_rows
from ief.reporting.scoring import choose_measure, person_errors
from mpii_tools.depth.table import Depth
from mpii_tools.images.decode import LoadImage
from mpii_tools.people import People

PEOPLE = 6  # with depth, and as many without


def drawn_people_3d(
    run: FinishedRun,
    people: People | None,
    depth: Depth | None,
    load_image: LoadImage,
    left_out: list[str] | None,
) -> list[tuple[str, np.ndarray]]:
    """Captioned pictures of a run's last poses in 3D, from the best to the worst: first those whose depth is known.

    Args:
        left_out: gets a line, with its reason, for each image that is missing or corrupt.

    Returns:
        (caption, (side, 2 side + 1, 3) uint8 RGB); none of a run in 2D, or without people.
    """
    poses = run.poses_3d.get(run.last)
    if people is None or poses is None:
        return []
    flat, measure = person_errors(poses[..., :2], people), choose_measure(people)
    millimeters = np.full(len(people), np.nan) if depth is None else person_errors_3d(poses, people, depth)
    rows = spread_rows(millimeters, PEOPLE)
    captions = {row: f"{people.person_ids[row]}: {millimeters[row]:.0f} mm" for row in rows}
    rows = spread_rows(np.where(np.isfinite(millimeters), np.nan, flat), PEOPLE)
    captions |= {row: f"{people.person_ids[row]}: depth not known, {flat[row]:.2f} {measure.unit}" for row in rows}
    pictures = []
    for row, caption in captions.items():
        image = load_or_leave_out(people, row, load_image, left_out)
        if image is None:
            continue
        pictures.append((caption, draw_person_3d(image, poses[row], people, depth, row)))
    return pictures


def draw_person_3d(image: np.ndarray, pose: np.ndarray, people: People, depth: Depth | None, row: int) -> np.ndarray:
    """The pose (K, 3) of person `row` in the image and from the side, the ground truth thin beneath.

    The side view takes its scale from the person's camera where that is known, else from the pose.

    Returns:
        (side, 2 side + 1, 3) uint8 RGB.
    """
    z = np.full(len(pose), np.nan) if depth is None else depth.z[row]
    gt = np.concatenate([people.joints[row], z[:, None]], axis=-1)
    scale = float(depth.camera[row, 0] / depth.root_depth[row]) if depth and depth.placed[row] else None
    return front_and_side(image, pose, people.skeleton, gt=gt, scale=scale)


def person_errors_3d(poses: np.ndarray, people: People, depth: Depth) -> np.ndarray:
    """(N,) Joint Error in mm of each person's pose (N, K, 3), x, y in image pixels and z in mm; NaN if not known."""
    gt = np.where(people.annotated[..., None], depth.to_camera(depth.beside(people.joints)), np.nan)
    errors = joint_errors(depth.to_camera(poses), gt, people.skeleton.root)
    return ratio(np.nansum(errors, axis=1), np.isfinite(errors).sum(axis=1))
