"""`ief train`: prepared data -> trained stages, predictions of the validation split and their scores."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands.options import add_device, add_options, given
from ief.training.presets import OF_PREPARE, OPTIONS
from ief.training.run_config import RUN_OPTIONS, RunConfig, changed, read_config
from ief.training.stopping import TIME_UP, Stopping

if TYPE_CHECKING:
    from checkpoints.imagenet import PretrainedWeights
    from ief.training.config import StageConfig

EXAMPLE = """ief train --data data/mpii --run runs/all --preset paper
several GPUs: torchrun --nproc-per-node 8 -- -m ief train --data data/mpii --run runs/all"""
OF_TRAINING = {name: field for name, field in OPTIONS.items() if name not in OF_PREPARE}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--stage",
        default="both",
        metavar="K|both",
        help="train stage K alone, 0 or above (default: both, or all --stages)",
    )
    configure_training(parser, RUN_OPTIONS)


def configure_training(parser: argparse.ArgumentParser, options: dict) -> None:
    """Declare the arguments that every training has; `options` are those of the run."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder; an unfinished one resumes")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="take every option that is not given here from a run's config.json"
    )
    add_options(parser, options)
    add_device(parser)
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds between checkpoints, which is what a kill can cost (default: 60)",
    )
    parser.add_argument(
        "--stop-after",
        type=float,
        metavar="MINUTES",
        help=f"save and exit with status {TIME_UP} when the time is up; the same command resumes (default: no limit)",
    )
    add_options(parser.add_argument_group("changes to the preset"), OF_TRAINING, "paper")


def run(args: argparse.Namespace) -> None:
    """Train the stages that are not trained yet, then predict and score the validation split."""
    config = chosen(args, RUN_OPTIONS)
    stages = [chosen_stage(args.stage)] if args.stage != "both" else range(config.stages)
    with training(args, config) as stage_config:
        from ief.reporting.scoring import print_summary, score_run
        from ief.training.trainer import train_stage
        from mpii_tools.prepared.read import load_prepared, read_description

        for index in stages:
            train_stage(replace(stage_config, index=index))
        if stage_config.dist.is_main and "valid" in read_description(config.data)["splits"]:
            print_summary(score_run(args.run, load_prepared(config.data, "valid"), stage_config.device))


def chosen(args: argparse.Namespace, options: dict) -> RunConfig:
    """The run that the arguments describe: --config's, with the options that were given."""
    config = changed(read_config(args.config), given(args, options), given(args, OF_TRAINING))
    if not config.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    return config


def chosen_stage(stage: str) -> int:
    """The number that --stage gives. Raises PoseError if it gives none."""
    if not stage.isdecimal():
        raise PoseError(f"--stage {stage}: must be a stage's number, 0, 1, ..., or both")
    return int(stage)


@contextmanager
def training(args: argparse.Namespace, config: RunConfig) -> Iterator[StageConfig]:
    """Stage 0's configuration of a run, with its ranks joined and signals heard until the `with` ends.

    Raises:
        PoseError: when the data are not prepared.
    """
    from ief.model.device import choose_device
    from ief.training.config import StageConfig
    from ief.training.determinism import deterministic_algorithms
    from ief.training.distributed import init_distributed
    from mpii_tools.prepared.read import load_prepared

    device = choose_device(args.device)
    with (
        Stopping(args.stop_after).listening() as stopping,
        deterministic_algorithms(config.deterministic),
        init_distributed(device) as dist,
    ):
        data = load_prepared(config.data, "train")
        yield StageConfig(
            index=0,
            data=data,
            run=args.run,
            preset=config.options,
            method=config.method,
            seed=config.seed,
            pretrained=pretrained(config),
            device=device,
            dist=dist,
            checkpoint_seconds=args.checkpoint_seconds,
            deterministic=config.deterministic,
            stopping=stopping,
            run_config=config,
        )


def pretrained(config: RunConfig) -> PretrainedWeights | None:
    """What --weights names."""
    from checkpoints.imagenet import download_pretrained_weights, load_pretrained_weights

    if config.weights == "none":
        return None
    if config.weights == "imagenet":
        return download_pretrained_weights(config.options.backbone)
    return load_pretrained_weights(config.weights, config.stride)
