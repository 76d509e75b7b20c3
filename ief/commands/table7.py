"""`ief table7`: five methods x every stage under one budget, then the report."""

from __future__ import annotations

import argparse
from dataclasses import replace

from checkpoints.errors import PoseError
from heads.methods import METHODS
from ief.commands import train
from ief.reporting.report import write_report
from ief.reporting.scoring import score_run
from ief.training.budget import passes_within
from ief.training.training import train_stage
from mpii_tools.prepared.read import load_prepared

EXAMPLE = """ief table7 --data data/mpii --run runs/table7 --preset swift --passes 20
on a machine lent for ten minutes at a time: add --minutes 60 --stop-after 9, and repeat until the status is 0"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, the method and the stage aside."""
    train.configure_training(parser)
    parser.add_argument(
        "--minutes",
        type=float,
        help="budget of all trainings on this machine, instead of --passes: its speed is measured once "
        "and every method gets the same number of passes",
    )


def run(args: argparse.Namespace) -> None:
    """Train every method with the same seed, order, weights and budget; what is done is skipped."""
    if args.minutes is not None and args.passes is not None:
        raise PoseError("give either --minutes or --passes")
    if args.minutes is not None and not args.minutes > 0:
        raise PoseError(f"--minutes {args.minutes}: must be above 0")
    preset, stages = train.chosen_preset(args), train.chosen_stages("both", args.stages)
    valid = load_prepared(args.data, "valid")
    with train.training_job(args, preset, "all") as job:
        if args.minutes is not None:
            passes = passes_within(args.minutes, len(METHODS), len(stages), job, preset, args.run / "budget.json")
            preset = replace(preset, passes=passes)
        folders = {method: args.run / method for method in METHODS}
        for index in stages:
            for method, folder in folders.items():
                train_stage(index, replace(job, method=method, run=folder), preset)
        if job.processes.first:
            for folder in folders.values():
                if not (folder / "metrics.json").exists():  # the last file of a score
                    job.stopping.check()
                    score_run(folder, valid, job.device)
            title = f"Five methods, {args.stages} stages"
            runs = list(folders.values())
            print(write_report(runs, args.run / "report", title, people=valid.people, training=job.data.people))
