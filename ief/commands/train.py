"""`ief train`: prepared data -> trained stages, predictions of the validation split and their scores."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands.options import add_device, add_options, given
from ief.training.presets import OF_PREPARE, OPTIONS
from ief.training.run_config import RUN_OPTIONS, RunConfig, changed, read_config
from ief.training.stopping import TIME_UP, Stopping
from mpii_tools.skeletons import mirror_note

if TYPE_CHECKING:
    from checkpoints.pretrained import PretrainedWeights
    from ief.model.fine_tuning import PretrainedStage
    from ief.training.config import StageConfig
    from ief.training.validation import Validation

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

        files = [train_stage(replace(stage_config, index=index)) for index in stages]
        if not stage_config.dist.is_main:
            return
        if "valid" in read_description(config.data)["splits"]:
            print_summary(score_run(args.run, load_prepared(config.data, "valid"), stage_config.device))
            files += [*sorted(args.run.glob("predictions-valid*.npz")), args.run / "metrics.json"]
        else:
            print(f"{config.data}: has no validation split, so nothing was validated or scored", file=sys.stderr)
        print_end(args.run, config.data, files)


def print_end(run: Path, data: str, files: Sequence[Path]) -> None:
    """What a training wrote, and the commands that come next."""
    print("wrote " + "\n      ".join(map(str, files)))
    if (run / "metrics.json") in files:
        print(f"next: ief report {run} --data {data} --out {run / 'report'}")
    print(f"next: ief predict --run {run} IMAGE --out {run / 'poses'}")


def chosen(args: argparse.Namespace, options: dict) -> RunConfig:
    """The run that the arguments describe: --config's, with the options that were given."""
    config = changed(read_config(args.config), given(args, options), given(args, OF_TRAINING))
    if not config.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    return config


def check_budget(minutes: float | None, epochs: float | None) -> None:
    """Raises PoseError when a budget is given in minutes and in epochs, or in minutes that are none."""
    if minutes is not None and epochs is not None:
        raise PoseError("give either --minutes or --epochs")
    if minutes is not None and not minutes > 0:
        raise PoseError(f"--minutes {minutes}: must be above 0")


def chosen_stage(stage: str) -> int:
    """The number that --stage gives. Raises PoseError if it gives none."""
    if not stage.isdecimal():
        raise PoseError(f"--stage {stage}: must be a stage's number, 0, 1, ..., or both")
    return int(stage)


@contextmanager
def training(args: argparse.Namespace, config: RunConfig) -> Iterator[StageConfig]:
    """Stage 0's configuration of a run, with its ranks joined and signals heard until the `with` ends.

    Raises:
        PoseError: when the data are not prepared; and as `check_launch` and `validation` do.
    """
    from ief.model.device import choose_device
    from ief.training.config import StageConfig
    from ief.training.determinism import deterministic_algorithms
    from ief.training.distributed import check_launch, init_distributed
    from mpii_tools.prepared.read import load_prepared

    args.batch_size_in_force = config.options.batch_size  # which the message about too little memory names
    check_launch()
    device = choose_device(args.device)
    with (
        Stopping(args.stop_after).listening() as stopping,
        deterministic_algorithms(config.deterministic),
        init_distributed(device) as dist,
    ):
        data = load_prepared(config.data, "train")
        note = mirror_note(data.people.skeleton) if config.options.flip else ""
        if note and dist.is_main:
            print(f"{config.data}: {note}", file=sys.stderr)
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
            validation=validation(config),
            tensorboard=config.tensorboard,
            also=load_prepared(config.also, "train") if config.also else None,
        )


def validation(config: RunConfig) -> Validation | None:
    """How a run is validated as it trains; None for not at all.

    Raises:
        PoseError: when the best weights are to be kept and nothing is validated, or TensorBoard is not installed.
    """
    from ief.inference.predictor import predict_cascade
    from ief.reporting.scoring import mpjpe_of, score
    from ief.training.tensorboard import check_installed
    from ief.training.validation import Validation
    from mpii_tools.prepared.read import load_prepared, read_description

    if config.tensorboard:
        check_installed()
    split, never = "valid" in read_description(config.data)["splits"], config.validate_every == 0
    if config.options.keep == "best" and (never or not split):
        reason = "--validate-every 0 validates nothing" if split else f"{config.data} has no validation split"
        raise PoseError(f"--keep best: {reason}; --keep last needs none")
    if never or not split:
        return None
    return Validation(load_prepared(config.data, "valid"), predict_cascade, score, mpjpe_of, config.validate_every)


def pretrained(config: RunConfig) -> tuple[PretrainedWeights | PretrainedStage, ...]:
    """What --weights names, for stages 0, 1, ..."""
    from checkpoints.pretrained import download_pretrained_weights
    from ief.model.fine_tuning import load_weights

    if config.weights == "none":
        return ()
    if config.weights == "imagenet":
        return (download_pretrained_weights(config.options.backbone),)
    return load_weights(config.weights, config.stride)
