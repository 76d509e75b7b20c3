"""`ief demo`: the whole line on synthetic people, from drawing them to a report and a submission."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands import demo_3d, train
from ief.commands.demo_budget import LEAST, MINUTES, MINUTES_3D, REPORTING, fitted, say
from ief.commands.options import add_device
from ief.training.presets import PRESETS, get_preset
from ief.training.run_config import RunConfig
from ief.training.stopping import Stopping

if TYPE_CHECKING:
    import torch

    from mpii_tools.images.sources import ImageFiles
    from mpii_tools.people import People
    from mpii_tools.prepared.read import PreparedSplit
    from mpii_tools.synthetic.dataset import SyntheticData

EXAMPLE = """ief demo --out demo
         ief demo --dimensions 3 --out demo3d"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write; an unfinished one resumes"
    )
    parser.add_argument(
        "--images",
        type=int,
        default=1200,
        metavar="N",
        help="training images, 30 or more, and a third as many to validate; in 3D half as many again without depth "
        "(default: 1200)",
    )
    parser.add_argument(
        "--dimensions",
        type=int,
        default=2,
        choices=(2, 3),
        help="2 for both stages on MPII-like people; 3 for one stage on people with and without depth (default: 2)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="time for all of it: the machine's speed is measured, and as many epochs are trained as fit, from "
        f"{LEAST:g} to {PRESETS['demo'].epochs:g} (default: {MINUTES:g}, in 3D {MINUTES_3D:g})",
    )
    parser.add_argument(
        "--epochs", type=float, metavar="X", help="times a stage sees each person, above 0 (default: by --minutes)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the people and of training (default: 0)"
    )
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Draw, prepare, train, predict, evaluate, report, submit."""
    started = time.monotonic()
    if args.images < 30:
        raise PoseError(f"--images {args.images}: the demo needs at least 30")
    train.check_budget(args.minutes, args.epochs)
    preset = get_preset("demo", epochs=args.epochs)
    if args.dimensions == 3:
        demo_3d.run(args, replace(preset, origin_share=0.0), started)  # the preset's share was chosen in 2D
        return
    from ief.model.device import choose_device
    from ief.reporting.scoring import print_gains, print_summary, score_run
    from ief.training.config import StageConfig
    from ief.training.trainer import train_stage
    from mpii_tools.annotations.mpii_mat import read_mpii_mat
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.read import load_prepared
    from mpii_tools.prepared.write import CropSpec, prepare
    from mpii_tools.synthetic.dataset import write_synthetic

    out, prepared = args.out, args.out / "prepared"
    say(f"Synthetic upright people, {preset.backbone} at {preset.size} px: two cores learn them in a few minutes.")
    say("1. drawing people and writing them as an MPII dataset")
    counts = (args.images, args.images // 3, args.images // 30)
    source = write_synthetic(out / "data", *counts, args.seed, upright=True)  # any pose takes longer to learn
    say("2. preparing crops")
    images, preparing = open_images(source.images), time.monotonic()
    people, spec = read_mpii_mat(source.annotations).people, CropSpec(preset.size, preset.margin)
    prepare(people, images, prepared, "synthetic", spec)
    reporting, valid = REPORTING * (time.monotonic() - preparing), load_prepared(prepared, "valid")
    say("3. training both stages")
    options = RunConfig(str(prepared), weights="none", seed=args.seed, preset="demo", options=preset)
    with Stopping().listening() as stopping:
        config = StageConfig(0, load_prepared(prepared, "train"), out / "run", preset, seed=args.seed,
                             device=choose_device(args.device), stopping=stopping, run_config=options,
                             validation=train.validation(options))  # fmt: skip
        if args.epochs is None:
            minutes = args.minutes or MINUTES
            config = fitted(config, options.stages, minutes, started + 60 * minutes - reporting, len(valid))
        for index in range(options.stages):
            train_stage(replace(config, index=index))
    say("4. predicting and evaluating")
    print_summary(score_run(config.run, valid, config.device))
    print_gains(config.run, valid.people)
    say("5. report, pictures and submission")
    page = report(out, valid, config.data.people, images)
    submission = submit(out, source, config.device)
    taken = (time.monotonic() - started) / 60
    say(f"report {page}\npictures {out / 'report' / 'people.jpg'}\nsubmission {submission}\n{taken:.1f} minutes")


def report(out: Path, valid: PreparedSplit, training: People, images: ImageFiles) -> Path:
    """The HTML page, twelve people from the best to the worst predicted, and the method on whom stage 1 helps most."""
    import numpy as np

    from checkpoints.files import write_bytes
    from evaluation.report.skeletons import grid, to_jpeg
    from ief.model.run_folder import load_cascade
    from ief.reporting.method import method_picture
    from ief.reporting.pictures import draw_people, spread_rows
    from ief.reporting.report import write_report
    from ief.reporting.scoring import load_poses, person_errors
    from mpii_tools.images.decode import image_loader

    people, run = valid.people, out / "run"
    stages = load_poses(run, people)
    poses = stages["stage1"]
    gain = person_errors(stages["stage0"], people) - person_errors(poses, people)
    gain[~people.annotated.all(axis=1)] = np.nan
    picture = method_picture(load_cascade(run), valid, int(np.nanargmax(gain)))
    write_bytes(out / "report" / "method.jpg", picture)
    load_image = image_loader(images)
    pictures = draw_people(people, poses, load_image, spread_rows(person_errors(poses, people), 12))
    write_bytes(out / "report" / "people.jpg", to_jpeg(grid([picture for _, picture in pictures], 4)))
    lead = f"Synthetic people: {len(training):,} to train on, {len(people):,} to validate. None of it is MPII."
    title = "Two stages on synthetic people"
    return write_report([run], out / "report", title, lead, people=people, training=training,
                        load_image=load_image)  # fmt: skip


def submit(out: Path, source: SyntheticData, device: torch.device) -> Path:
    """Predict the test people, write MPII's file, read it back and score it against the ground truth."""
    from ief.inference.predictor import PosePredictor
    from ief.model.run_folder import load_cascade
    from ief.reporting.scoring import save_poses, score
    from mpii_tools.people_file import load_people
    from mpii_tools.prepared.read import load_prepared
    from mpii_tools.results.matching import align
    from mpii_tools.results.predictions import read_predictions
    from mpii_tools.results.submission import read_submission, write_submission

    test = load_prepared(out / "prepared", "test")
    predictor = PosePredictor.of(load_cascade(out / "run").to(device))
    predictions = save_poses(out / "run", test, *predictor.predict_split(test))
    path = out / "pred_keypoints_mpii.mat"
    write_submission(source.annotations, read_predictions(predictions), path)
    gt = load_people(source.truth)
    result = score(align(read_submission(path), gt).joints, gt)
    say(f"submission read back: PCKh@0.5 {result.mean_pckh.value:.1f} on {len(gt)} test people")
    return path
