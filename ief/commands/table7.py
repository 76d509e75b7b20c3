"""`ief table7`: five methods x every stage under one budget, then the report."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from heads.methods import METHODS
from ief.commands import train
from ief.training.run_config import RUN_OPTIONS

if TYPE_CHECKING:
    from ief.training.config import StageConfig
    from mpii_tools.prepared.read import PreparedSplit

EXAMPLE = """ief table7 --data data/mpii --run runs/table7 --preset swift --epochs 20
on a machine lent for ten minutes at a time: add --minutes 60 --stop-after 9, and repeat until the status is 0"""
OPTIONS = {name: field for name, field in RUN_OPTIONS.items() if name != "method"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except the method and the stage."""
    train.configure_training(parser, OPTIONS)
    add_minutes(parser)


def add_minutes(parser: argparse.ArgumentParser) -> None:
    """Declare --minutes."""
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
    from ief.training.budget import epochs_within
    from mpii_tools.prepared.read import load_prepared

    valid = load_prepared(config.data, "valid")
    with train.training(args, config) as first:
        if args.minutes is not None:
            epochs = epochs_within(args.minutes, len(METHODS), config.stages, first, args.run / "budget.json")
            config = replace(config, options=replace(config.options, epochs=epochs))
        configs = {
            args.run / method: replace(
                first, method=method, run=args.run / method, preset=config.options,
                run_config=replace(config, method=method),
            )
            for method in METHODS
        }  # fmt: skip
        compare(configs, valid, args.run / "report", f"Five methods, {config.stages} stages")


def compare(configs: Mapping[Path, StageConfig], valid: PreparedSplit, out: Path, title: str, **drawn: object) -> None:
    """`train_and_score`, then `report`, which `drawn` goes to."""
    train_and_score(configs, valid)
    first = next(iter(configs.values()))
    if first.dist.is_main:
        report(list(configs), valid, first.data, out, title, **drawn)


def train_and_score(configs: Mapping[Path, StageConfig], valid: PreparedSplit) -> None:
    """Train every stage of some runs, the first stages of all first, and score them; what is done is skipped.

    Args:
        configs: run folder -> its first stage, whose `run_config` says how many stages there are.
        valid: the people to score.
    """
    from ief.reporting.scoring import score_run
    from ief.training.trainer import train_stage

    for index in range(max(config.run_config.stages for config in configs.values())):
        for config in configs.values():
            if index < config.run_config.stages:
                train_stage(replace(config, index=index))
    for run, config in configs.items():
        if config.dist.is_main and not (run / "metrics.json").exists():  # the last file of a score
            config.stopping.check()
            score_run(run, valid, config.device)


def report(
    runs: Sequence[Path], valid: PreparedSplit, training: PreparedSplit, out: Path, title: str, **drawn: object
) -> None:
    """Write the report of scored runs and print where it is.

    Args:
        valid: the people that were scored. training: those that the runs learned from.
        out: folder of the report. title: of its page.
        drawn: what else `write_report` takes: `load_image`, `angle_limits`.
    """
    from ief.reporting.report import write_report

    print(write_report(runs, out, title, people=valid.people, training=training.people, depth=valid.depth,
                       training_depth=training.depth, **drawn))  # fmt: skip
