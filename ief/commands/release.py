"""`ief release`: a run that is good enough -> weights for everybody, in half precision, with a model card."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands.options import add_device
from ief.training.presets import PRESETS, flag, shown

if TYPE_CHECKING:
    from evaluation.report.material import Run

EXAMPLE = """ief release --run runs/all --out checkpoints/released --license "research use only (Leeds Sports Pose)\""""
LEAST = 55.0  # % PCKh@0.5 of the last stage


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add(
        "--run",
        type=Path,
        required=True,
        metavar="DIR",
        help="finished run, scored on its validation people",
    )
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write, without a release; `ief predict` takes checkpoints/released unless told otherwise",
    )
    add("--license", required=True, metavar="TEXT", help="license of the training data, for the model card")
    add(
        "--least",
        type=float,
        default=LEAST,
        metavar="X",
        help=f"PCKh@0.5 in %% that the last stage must reach on the validation people (default: {LEAST:g})",
    )
    add("--images", type=int, default=200, metavar="N", help="images to draw, to look for failures on (default: 200)")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Check the run's scores, write its stages in half precision, measure what that changed, write the card."""
    import numpy as np

    from checkpoints.files import write_bytes, write_text
    from ief.inference.predictor import predict_cascade
    from ief.model.device import choose_device
    from ief.model.release import release_stages
    from ief.model.run_folder import load_cascade, stage_file
    from ief.reporting.model_card import PICTURE, Rounding, draw_test_people, failures_picture, model_card
    from ief.reporting.runs import load_run
    from ief.reporting.scoring import score

    finished, device = load_run(args.run, args.run.resolve().name, None), choose_device(args.device)
    check(args, finished)
    before = load_cascade(args.run).to(device)
    files, size = release_stages(args.run, args.out), before.stages[0].design.size
    with tempfile.TemporaryDirectory() as folder:
        drawn, load_image = draw_test_people(Path(folder), args.images, size)
        poses, rounded = (predict_cascade(cascade, drawn) for cascade in (before, load_cascade(args.out).to(device)))
        moved = np.linalg.norm((rounded - poses)[-1], axis=-1) * (size / drawn.people.crop_side)[:, None]
        sizes = [(stage_file(args.run, index).stat().st_size, file.stat().st_size) for index, file in enumerate(files)]
        rounding = Rounding(tuple(sizes), float(np.nanmax(moved)), size, len(drawn))
        files.append(write_bytes(args.out / PICTURE, failures_picture(drawn.people, rounded[-1], load_image)))
        scores = score(rounded[-1], drawn.people, intervals=True)
    card = model_card(finished, args.license, changed_options(finished.record["preset"]), scores, rounding)
    files.append(write_text(args.out / "README.md", card))
    print("wrote " + "\n      ".join(f"{file} ({file.stat().st_size / 1e6:.2f} MB)" for file in files))
    print(f"float16 moved no joint of {rounding.people} drawn people by more than {rounding.moved:.3f} px of the input")


def check(args: argparse.Namespace, finished: Run) -> None:
    """Raises PoseError for a run that is not to be released, or for options that no release can have."""
    from evaluation.metrics.measures import PCKH
    from evaluation.report.tables import cell
    from heads.skeleton import MPII

    scores = finished.stages[finished.last][2]
    measure, found = scores.measure.title, scores.mean_pckh
    if args.images < 1:
        raise PoseError(f"--images {args.images}: must be 1 or more")
    if not finished.record:
        raise PoseError(f"{args.run}: has no trained stage; finish it with `ief train` first")
    if finished.skeleton.names != MPII.names:
        names = ", ".join(finished.skeleton.names[:3])
        raise PoseError(f"{args.run}: places joints {names}, ...; a release places MPII's, so choose another run")
    if scores.measure != PCKH:
        raise PoseError(
            f"{args.run}: scored by {measure}, as no validation person has a head size; a release is judged by "
            f"{PCKH.title}, so choose another run"
        )
    if found.value is None or not found.value >= args.least:
        raise PoseError(
            f"{args.run}: {measure} of {finished.last} is {cell(found)} %, released from {args.least:g} on; train it "
            "longer, or give another --least"
        )


def changed_options(preset: dict) -> dict[str, str]:
    """Flag -> value of the options of a training that differ from the preset `paper`."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in preset.items()}
    paper = asdict(PRESETS["paper"])
    return {flag(name): shown(value) for name, value in values.items() if paper.get(name) != value}
