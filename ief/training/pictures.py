"""Pictures of a run for its folder: eight validation people with their poses, and the curves of its training."""

from pathlib import Path

import numpy as np

from checkpoints.console import log
from checkpoints.files import write_atomically, write_bytes
from ief.reporting.scoring import choose_measure, load_predictions
from mpii_tools.crops import apply_affine
from mpii_tools.prepared.read import PreparedSplit

PEOPLE, COLUMNS = 8, 4  # who are drawn, spread over the split
SIDE = 192  # pixels of each picture, at least


def save_pictures(run: Path, data: PreparedSplit) -> list[Path]:
    """Write `people.png`, `curves-loss.png` and `curves-validation.png` of a scored run.

    None without matplotlib or OpenCV, and a line says so.

    Args:
        data: the validation split, which the run's predictions are of.
    """
    try:
        from evaluation.report.curves import thin
        from evaluation.report.plots import line_plot
        from evaluation.report.skeletons import to_png
        from evaluation.report.tables import readable
        from ief.reporting.runs import load_curves
    except ModuleNotFoundError as error:
        log.warning(f"{run}: no pictures of it, as {error.name} is not installed")
        return []
    losses, validations = ({readable(stage): rows for stage, rows in each.items()} for each in load_curves(run))
    figures = {"loss": line_plot({stage: thin(rows) for stage, rows in losses.items()}, "Training", "step", "loss")}
    scored = {stage: [(row[0], row[1]) for row in rows] for stage, rows in validations.items()}
    if scored and all(value is not None for rows in scored.values() for _, value in rows):
        title = f"mean {choose_measure(data.people).title} (%)"
        figures["validation"] = line_plot(scored, "Validation people", "step", title)
    files = [write_atomically(run / f"curves-{name}.png", figure.savefig) for name, figure in figures.items()]
    people = draw_people(data, [*load_predictions(run, data.people).values()][-1].joints)
    return [*files, write_bytes(run / "people.png", to_png(people))]


def draw_people(data: PreparedSplit, poses: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) of some people of a split with their predicted (colored) and true (white) poses.

    Args:
        poses: (N, K, D) image pixels, of all its people.
    """
    from evaluation.report.skeletons import draw_poses, grid

    rows = np.unique(np.linspace(0, len(data) - 1, PEOPLE).astype(int))
    inner, factor = slice(data.border, data.border + data.size), -(-SIDE // data.size)
    predicted, gt = (
        apply_affine(data.to_crop[rows], joints[rows, :, :2]) * factor + (factor - 1) / 2
        for joints in (poses, data.people.joints)
    )
    crops = data.crops[rows, inner, inner].repeat(factor, axis=1).repeat(factor, axis=2)
    return grid([draw_poses(*person) for person in zip(crops, predicted, gt, strict=True)], COLUMNS)
