"""`ief table7`: five methods x every stage under one budget, then the report."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from heads.pairs import METHODS
from ief.commands import train
from ief.training.run_config import RUN_OPTIONS, RunConfig

if TYPE_CHECKING:
    from ief.training.config import StageConfig
    from ief.training.presets import Preset
    from mpii_tools.prepared.read import PreparedSplit

EXAMPLE = """ief table7 --data data/mpii --run runs/table7 --preset best --epochs 20
drawn people, three seeds: ief table7 --draw 1600 1500 --run runs/drawn --preset demo --weights none --seeds 0 1 2
on a machine lent for ten minutes at a time: add --minutes 60 --stop-after 9, and repeat until the status is 0"""
OPTIONS = {name: field for name, field in RUN_OPTIONS.items() if name != "method"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except the method and the stage."""
    train.configure_training(parser, OPTIONS)
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        metavar="N",
        help="train all of it once by each of these seeds, to RUN/seedN, and compare the means in RUN/results.md, with "
        "confidence intervals over people and over seeds (default: once, by --seed, to RUN)",
    )
    parser.add_argument(
        "--draw",
        type=int,
        nargs=2,
        metavar=("TRAIN", "VALID"),
        help="instead of --data: draw so many images of people in any pose in RUN/people, prepared in RUN/data",
    )
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
    """Train every method, by each seed, with the same order, weights and budget; what is done is skipped."""
    train.check_budget(args.minutes, args.epochs)
    seeds = chosen_seeds(args.seeds, args.seed)
    if args.draw:
        args.data = drawn_data(args)
    config = train.chosen(args, OPTIONS)
    parts = {args.run / f"seed{seed}": replace(config, seed=seed) for seed in seeds} or {args.run: config}
    from ief.reporting.seeds import write_seeds
    from ief.training.budget import epochs_within
    from mpii_tools.prepared.read import load_prepared

    if args.draw:
        draw(args.draw, args.run, config.options)
    valid = load_prepared(config.data, "valid")
    with train.training(args, config) as first:
        if args.minutes is not None:
            trainings = len(METHODS) * len(parts)
            epochs = epochs_within(args.minutes, trainings, config.stages, first, args.run / "budget.json")
            parts = {run: replace(part, options=replace(part.options, epochs=epochs)) for run, part in parts.items()}
        for run, part in parts.items():
            title = f"Five methods, {config.stages} stages" + (f", seed {part.seed}" if seeds else "")
            compare(of_methods(run, part, first), valid, run / "report", title)
        if first.dist.is_main:
            runs = {method: [run / method for run in parts] for method in METHODS}
            print("wrote " + "\n      ".join(map(str, write_seeds(args.run, runs, valid.people))))


def drawn_data(args: argparse.Namespace) -> str:
    """The folder that --draw prepares people in. Raises PoseError when there are other people or several processes."""
    if args.data is not None:
        raise PoseError("give either --data or --draw")
    from ief.training.distributed import check_launch

    if check_launch() > 1:
        raise PoseError("--draw: works in one process alone; then give torchrun the --data that it drew")
    return str(args.run / "data")


def draw(counts: Sequence[int], run: Path, options: Preset) -> None:
    """Draw people to train on and to validate, and prepare them. Raises as `write_synthetic` and `prepare`."""
    from mpii_tools.annotations.mpii_mat import read_mpii_mat
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.write import CropSpec, prepare
    from mpii_tools.synthetic.dataset import write_synthetic

    source = write_synthetic(run / "people", *counts, test=0)
    people, images = read_mpii_mat(source.annotations).people, open_images(source.images)
    prepare(people, images, run / "data", "drawn people", CropSpec(options.size, options.margin))


def chosen_seeds(seeds: list[int] | None, seed: int | None) -> list[int]:
    """Those of --seeds, or none. Raises PoseError for one that is given twice, or beside --seed."""
    if seeds and seed is not None:
        raise PoseError("give either --seed or --seeds")
    if len(set(seeds or ())) < len(seeds or ()):
        raise PoseError(f"--seeds {' '.join(map(str, seeds))}: each once")
    return seeds or []


def of_methods(run: Path, config: RunConfig, first: StageConfig) -> dict[Path, StageConfig]:
    """Run folder below `run` -> first stage of each method, by `config`'s options, on `first`'s data and device."""
    return {
        run / method: replace(
            first,
            method=method,
            run=run / method,
            seed=config.seed,
            preset=config.options,
            run_config=replace(config, method=method),
        )
        for method in METHODS
    }


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
