"""A run that is good enough -> weights for everybody, in half precision, with a model card."""

import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes, write_text
from evaluation.metrics.measures import PCKH
from evaluation.report.material import Run
from evaluation.report.tables import cell
from heads.skeleton import MPII
from ief.inference.predictor import predict_cascade
from ief.model.device import choose_device
from ief.model.release import release_stages
from ief.model.run_folder import load_cascade, stage_file
from ief.reporting.model_card import PICTURE, Rounding, draw_test_people, failures_picture, model_card
from ief.reporting.runs import load_run
from ief.reporting.scoring import score
from ief.training.options import PRESETS, flag, shown


def release(
    run: Path, out: Path, license: str, *, least: float = 55.0, images: int = 200, device: str | None = None
) -> tuple[list[Path], Rounding]:
    """Check a run's scores, write its stages in half precision, measure what that changed, write the card.

    Args:
        run: a finished run, scored on its validation people.
        out: folder to write, without a release.
        license: of the training data, for the card.
        least: PCKh@0.5 in % that the last stage must reach.
        images: how many to draw, to look for failures on.
        device: to predict on; None for a GPU if there is one.

    Returns:
        the files, and what rounding did.

    Raises:
        PoseError: for a run that is not to be released, and as `release_stages` does.
    """
    if images < 1:
        raise PoseError(f"--images {images}: must be 1 or more")
    finished, chosen = load_run(run, run.resolve().name, None), choose_device(device)
    check_releasable(finished, run, least)
    before = load_cascade(run).to(chosen)
    files, size = release_stages(run, out), before.stages[0].design.size
    with tempfile.TemporaryDirectory() as folder:
        drawn, load_image = draw_test_people(Path(folder), images, size)
        poses, rounded = (predict_cascade(cascade, drawn) for cascade in (before, load_cascade(out).to(chosen)))
        moved = np.linalg.norm((rounded - poses)[-1], axis=-1) * (size / drawn.people.crop_side)[:, None]
        sizes = [(stage_file(run, index).stat().st_size, file.stat().st_size) for index, file in enumerate(files)]
        rounding = Rounding(tuple(sizes), float(np.nanmax(moved)), size, len(drawn))
        files.append(write_bytes(out / PICTURE, failures_picture(drawn.people, rounded[-1], load_image)))
        scores = score(rounded[-1], drawn.people, intervals=True)
    card = model_card(finished, license, changed_options(finished.record["preset"]), scores, rounding)
    return [*files, write_text(out / "README.md", card)], rounding


def check_releasable(finished: Run, run: Path, least: float) -> None:
    """Raises PoseError for a run without stages, of other joints than MPII's, or of another or too small a score."""
    scores = finished.stages[finished.last][2]
    measure, pckh, names = scores.measure, scores.mean_pckh, ", ".join(finished.skeleton.names[:3])
    for wrong, what in (
        (not finished.record, "has no trained stage; finish it with `ief train` first"),
        (finished.skeleton.names != MPII.names,
         f"places joints {names}, ...; a release places MPII's, so choose another run"),
        (measure != PCKH, f"scored by {measure.title}, as no validation person has a head size; a release is judged by "
         f"{PCKH.title}, so choose another run"),
        (pckh.value is None or not pckh.value >= least,
         f"{measure.title} of {finished.last} is {cell(pckh)} %, released from {least:g} on; train it longer, or give "
         "another --least"),
    ):  # fmt: skip
        if wrong:
            raise PoseError(f"{run}: {what}")


def changed_options(preset: dict) -> dict[str, str]:
    """Flag -> value of the options of a training that differ from the preset `paper`."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in preset.items()}
    paper = asdict(PRESETS["paper"])
    return {flag(name): shown(value) for name, value in values.items() if paper.get(name) != value}
