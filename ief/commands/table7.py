"""`ief table7`: five methods x every stage under one budget, then the report."""

from __future__ import annotations

import argparse
from dataclasses import replace

from heads.methods import METHODS
from ief.commands import train
from ief.training.run_config import RUN_OPTIONS

EXAMPLE = """ief table7 --data data/mpii --run runs/table7 --preset swift --epochs 20
on a machine lent for ten minutes at a time: add --minutes 60 --stop-after 9, and repeat until the status is 0"""
OPTIONS = {name: field for name, field in RUN_OPTIONS.items() if name != "method"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except the method and the stage."""
    train.configure_training(parser, OPTIONS)
    parser.add_argument(
        "--minutes",
        type=float,
        help="budget of all trainings on this machine, instead of --epochs: its speed is measured once and every "
        "method gets the same number of epochs",
    )


def run(args: argparse.Namespace) -> None:
    """Train every method with the same seed, order, weights and budget; what is done is skipped."""
    train.check_budget(args.minutes, args.epochs)
    config = train.chosen(args, OPTIONS)
    from ief.reporting.report import write_report
    from ief.reporting.scoring import score_run
    from ief.training.budget import epochs_within
    from ief.training.trainer import train_stage
    from mpii_tools.prepared.read import load_prepared

    valid = load_prepared(config.data, "valid")
    with train.training(args, config) as first:
        if args.minutes is not None:
            epochs = epochs_within(args.minutes, len(METHODS), config.stages, first, args.run / "budget.json")
            config = replace(config, options=replace(config.options, epochs=epochs))
        configs = {method: replace(config, method=method) for method in METHODS}
        for index in range(config.stages):
            for method, of_method in configs.items():
                run = args.run / method
                train_stage(
                    replace(first, index=index, method=method, run=run, preset=config.options, run_config=of_method)
                )
        if first.dist.is_main:
            runs = [args.run / method for method in METHODS]
            for run in runs:
                if not (run / "metrics.json").exists():  # the last file of a score
                    first.stopping.check()
                    score_run(run, valid, first.device)
            title = f"Five methods, {config.stages} stages"
            print(write_report(runs, args.run / "report", title, people=valid.people, training=first.data.people,
                               depth=valid.depth, training_depth=first.data.depth))  # fmt: skip
