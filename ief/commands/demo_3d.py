"""`ief demo --dimensions 3`: people with depth in a studio and people without it elsewhere, in one training.

The studio's people are labeled in 3D, but few, as those of motion capture are; elsewhere everybody looks different and
has 2D labels alone (Section 4 of the paper). As those are drawn, their depth is known: it is scored, never trained on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ief.commands import train
from ief.commands.demo_budget import MINUTES_3D, REPORTING, fitted, say
from ief.training.presets import Preset
from ief.training.run_config import RunConfig
from ief.training.stopping import Stopping

if TYPE_CHECKING:
    import numpy as np

    from mpii_tools.depth.table import Depth
    from mpii_tools.people import People
    from mpii_tools.prepared.read import PreparedSplit
    from mpii_tools.synthetic.dataset import SyntheticData

SHOWN = 8  # people in the picture of those who were never labeled in depth


def run(args: argparse.Namespace, preset: Preset, started: float) -> None:
    """Draw both kinds of people, prepare, train one stage, predict, evaluate, report.

    Args:
        args: of `ief demo`.
        preset: how to train.
        started: when the command began, on the clock of `time.monotonic`.
    """
    from ief.model.device import choose_device
    from ief.reporting.scoring import print_summary, score_run
    from ief.training.config import StageConfig
    from ief.training.trainer import train_stage
    from mpii_tools.prepared.read import load_prepared
    from mpii_tools.synthetic.dataset import write_synthetic

    out, device = args.out, choose_device(args.device)
    say(f"Synthetic people in 3D, one stage of {preset.backbone} at {preset.size} px; half of each batch has no depth.")
    say("1. drawing seven subjects in a studio, and people elsewhere who are never labeled in depth")
    studio = write_synthetic(out / "studio", args.images, args.images // 3, seed=args.seed, kind="studio")
    elsewhere = write_synthetic(out / "elsewhere", args.images // 2, args.images // 6, seed=args.seed, kind="wild")
    say("2. preparing crops")
    preparing = time.monotonic()
    folders = [prepare_people(data, out, preset) for data in (studio, elsewhere)]
    reporting = REPORTING * (time.monotonic() - preparing)
    valid, others = (load_prepared(folder, "valid") for folder in folders)
    say("3. training")
    options = RunConfig(str(folders[0]), also=str(folders[1]), stages=1, weights="none", seed=args.seed, preset="demo",
                        options=preset)  # fmt: skip
    with Stopping().listening() as stopping:
        data, also = (load_prepared(folder, "train") for folder in folders)
        config = StageConfig(0, data, out / "run", preset, seed=args.seed, also=also, device=device, stopping=stopping,
                             run_config=options, validation=train.validation(options))  # fmt: skip
        if args.epochs is None:
            minutes = args.minutes or MINUTES_3D
            config = fitted(config, 1, minutes, started + 60 * minutes - reporting, len(valid) + len(others))
        train_stage(config)
    say(f"4. predicting and evaluating: {len(valid):,} images of two subjects who were not trained on")
    print_summary(score_run(config.run, valid, device))
    say(f"and {len(others):,} people elsewhere, of whose kind nobody was labeled in depth")
    depth = depth_of(elsewhere, others.people)
    poses = score_others(out, others, depth, config.run, args.device)
    say("5. report and pictures")
    page = report(out, valid, data, studio)
    picture = picture_others(out / "report" / "never-labeled-in-depth.jpg", others.people, depth, poses, elsewhere)
    taken = (time.monotonic() - started) / 60
    say(f"report {page}\npictures {picture}\n{taken:.1f} minutes")


def prepare_people(data: SyntheticData, out: Path, preset: Preset) -> Path:
    """The folder of one dataset's crops, with depth if the people have it."""
    from mpii_tools.depth.files import load_depth
    from mpii_tools.images.sources import open_images
    from mpii_tools.people_file import load_people
    from mpii_tools.prepared.write import CropSpec, prepare

    name, people = data.annotations.parent.name, load_people(data.annotations)
    folder, depth = out / f"prepared-{name}", load_depth(data.annotations, people)
    prepare(people, open_images(data.images), folder, name, CropSpec(preset.size, preset.margin), depth=depth)
    return folder


def depth_of(data: SyntheticData, people: People) -> Depth:
    """The ground truth of the depth of some people that training does not see."""
    from mpii_tools.depth.files import load_depth
    from mpii_tools.people_file import load_people

    return load_depth(data.truth, load_people(data.truth)).of(people.person_ids.tolist())


def score_others(out: Path, others: PreparedSplit, depth: Depth, run: Path, device: str | None) -> np.ndarray:
    """Predict people elsewhere, print and write their scores to `elsewhere.json`; the last poses (N, K, 3)."""
    from checkpoints.files import write_text
    from evaluation.metrics.json_format import scores_to_json
    from evaluation.report.tables import summary_table
    from ief.inference.predictor import PosePredictor
    from ief.reporting.scoring import save_poses, score_poses, stage_names

    poses, scores = PosePredictor.load(run, device).predict_split(others)
    save_poses(out / "elsewhere-predictions", others, poses, scores)
    found = {
        name: score_poses(pose, others.people, depth, intervals=True)[3]
        for name, pose in zip(stage_names(len(poses)), poses, strict=True)
    }
    print(summary_table(found).text())
    metrics = {name: scores_to_json(score) for name, score in found.items()}
    write_text(out / "elsewhere.json", json.dumps(metrics, indent=1))
    return poses[-1]


def report(out: Path, valid: PreparedSplit, training: PreparedSplit, studio: SyntheticData) -> Path:
    """The HTML page of the run on the studio's validation people."""
    from ief.reporting.report import write_report
    from mpii_tools.images.decode import image_loader
    from mpii_tools.images.sources import open_images

    lead = (
        f"Synthetic people: {len(training):,} with depth to train on and half as many without, {len(valid):,} to "
        "validate. "
        "None of it is Human3.6M."
    )
    return write_report(
        [out / "run"], out / "report", "One stage on synthetic people in 3D", lead, people=valid.people,
        training=training.people, load_image=image_loader(open_images(studio.images)),
        depth=valid.depth, training_depth=training.depth,
    )  # fmt: skip


def picture_others(path: Path, people: People, depth: Depth, poses: np.ndarray, data: SyntheticData) -> Path:
    """Front and side views of people from the best to the worst predicted, with the ground truth thin beneath."""
    from checkpoints.files import write_bytes
    from evaluation.report.skeletons import grid, to_jpeg
    from ief.reporting.pictures import draw_front_and_side, spread_rows
    from ief.reporting.scoring import person_errors
    from mpii_tools.images.decode import image_loader
    from mpii_tools.images.sources import open_images

    load_image = image_loader(open_images(data.images))
    pictures = [
        draw_front_and_side(load_image(str(people.images[row])), poses[row], people, depth, row)
        for row in spread_rows(person_errors(poses, people, depth), SHOWN)
    ]
    return write_bytes(path, to_jpeg(grid(pictures, 2)))
