"""`ief demo`: the whole line on synthetic people, from drawing them to a report and a submission."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes
from evaluation.metrics.evaluate import compare, look_up
from evaluation.report.skeletons import grid, to_jpeg
from heads.skeleton import MPII
from ief.inference.predictor import predict_split
from ief.model.run_folder import STAGES, load_cascade
from ief.reporting.pictures import draw_people, spread_rows
from ief.reporting.report import write_report
from ief.reporting.scoring import person_errors, print_summary, save_poses, score, score_run
from ief.training.distributed import choose_device
from ief.training.job import Job
from ief.training.presets import preset_called
from ief.training.stopping import Stopping
from ief.training.training import train_stage
from mpii_tools.annotations.mpii_mat import read_mpii_mat
from mpii_tools.images.sources import ImageFiles, open_images
from mpii_tools.people import People
from mpii_tools.people_file import load_people
from mpii_tools.prepared.read import load_prepared
from mpii_tools.prepared.write import prepare
from mpii_tools.results.predictions import align, read_predictions
from mpii_tools.results.submission import read_submission, write_submission
from mpii_tools.synthetic.dataset import SyntheticData, write_synthetic

EXAMPLE = "ief demo --out demo"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write; an unfinished one goes on"
    )
    parser.add_argument(
        "--images",
        type=int,
        default=1600,
        metavar="N",
        help="training images, besides a third as many to validate (default: 1600)",
    )
    parser.add_argument("--passes", type=float, help="times a stage sees each person (default: the demo preset's)")
    parser.add_argument("--seed", type=int, default=0, help="of people and training (default: 0)")
    parser.add_argument("--device", help="cpu, cuda, ... (default: a GPU where there is one)")


def run(args: argparse.Namespace) -> None:
    """Draw, prepare, train, predict, evaluate, report, submit."""
    started = time.monotonic()
    if args.images < 30:
        raise PoseError(f"--images {args.images}: the demo needs at least 30")
    out, preset = args.out, preset_called("demo", passes=args.passes)
    print(f"Synthetic upright people, {preset.backbone} at {preset.size} px: learnt by two cores in a few minutes.")
    print("1. drawing people and writing them as an MPII dataset")
    counts = (args.images, args.images // 3, args.images // 30)
    source = write_synthetic(out / "data", *counts, args.seed, upright=True)  # any pose takes longer to learn
    print("2. preparing crops")
    images = open_images(source.images)
    prepare(read_mpii_mat(source.annotations).people, images, out / "prepared", "synthetic", preset.size, preset.margin)
    print("3. training both stages")
    with Stopping().listening() as stopping:
        job = Job(load_prepared(out / "prepared", "train"), MPII, "all", out / "run", args.seed, None,
                  choose_device(args.device), checkpoint_seconds=20.0, stopping=stopping)  # fmt: skip
        for index in range(STAGES):
            train_stage(index, job, preset)
    print("4. predicting and evaluating")
    valid = load_prepared(out / "prepared", "valid")
    metrics = score_run(job.run, valid, job.device)
    print_summary(metrics)
    print_gains(job.run, valid.people)
    print("5. report, pictures and submission")
    poses = align(read_predictions(job.run / "predictions-valid.npz"), valid.people).joints
    page = report(out, valid.people, job.data.people, poses, images)
    submission = submit(out, source, job.device)
    minutes = (time.monotonic() - started) / 60
    print(f"report {page}\npictures {out / 'report' / 'people.jpg'}\nsubmission {submission}\n{minutes:.1f} minutes")


def print_gains(run: Path, people: People) -> None:
    """What each stage gains over what came before it, with the paired 95 % interval over people."""
    names = {"mean pose": "-mean_pose", "stage 0": "-stage0", "stage 1": ""}
    poses = {
        name: align(read_predictions(run / f"predictions-valid{suffix}.npz"), people).joints
        for name, suffix in names.items()
    }
    print("Gain over the stage before, paired 95 % interval over people:")
    for before, after in (("mean pose", "stage 0"), ("stage 0", "stage 1")):
        gain = compare(poses[after], poses[before], people.joints, people.head_size, people.scale, people.annotated)
        parts = []
        for what, unit, path in (
            ("PCKh@0.5", "points", ("pckh", "0.5", "groups", "Mean")),
            ("joint error", "px", ("joint_error", "image_px")),
            ("bone error", "px", ("bone_error", "image_px")),
        ):
            value, (low, high) = look_up(gain, *path)
            parts.append(f"{what} {value:+.1f} [{low:+.1f}, {high:+.1f}] {unit}")
        print(f"  {after} - {before}: {', '.join(parts)}")


def report(out: Path, people: People, training: People, poses: np.ndarray, images: ImageFiles) -> Path:
    """The HTML page and one picture of twelve people from the best to the worst predicted."""
    pictures = draw_people(people, poses, images, spread_rows(person_errors(poses, people), 12))
    write_bytes(out / "report" / "people.jpg", to_jpeg(grid([picture for _, picture in pictures], 4)))
    lead = f"Synthetic people: {len(training):,} to train on, {len(people):,} to validate. None of it is MPII."
    title = "Two stages on synthetic people"
    return write_report([out / "run"], out / "report", title, lead, people=people, training=training, read_image=images)


def submit(out: Path, source: SyntheticData, device: torch.device) -> Path:
    """Predict the test people, write the server's file, read it back and score it against the kept truth."""
    test = load_prepared(out / "prepared", "test")
    cascade = load_cascade(out / "run").to(device)
    predictions = save_poses(out / "run", test, predict_split(cascade, test))
    path = out / "submission.mat"
    write_submission(source.annotations, read_predictions(predictions), path)
    truth = load_people(source.truth)
    result = score(align(read_submission(path), truth).joints, truth)
    print(f"submission read back: PCKh@0.5 {result['pckh']['0.5']['groups']['Mean']:.1f} on {len(truth)} test people")
    return path
