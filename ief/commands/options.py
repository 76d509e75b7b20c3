"""Options that several commands share, most of them from the tables of `ief.training.options`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import Field
from pathlib import Path

from checkpoints.errors import PoseError
from ief.training.options import (
    OF_PREPARE,
    OPTIONS,
    RunConfig,
    change_config,
    flag,
    kind,
    range_of,
    read_config,
    shown,
)
from ief.training.stopping import TIME_UP

OF_TRAINING = {name: field for name, field in OPTIONS.items() if name not in OF_PREPARE}


def add_options(parser: argparse._ActionsContainer, options: Mapping[str, Field], default: str = "default") -> None:
    """Declare options, name -> field; each is None unless it is given.

    Args:
        default: what an option's default value is called: `paper` for a preset's.
    """
    for name, field in options.items():
        of_kind = kind(field)
        notes = [range_of(field)] if of_kind in (int, float, tuple) else []
        notes += [] if field.default in (None, "") else [f"{default}: {shown(field.default)}"]
        text = f"{field.metadata['help']} ({', '.join(notes)})" if notes else field.metadata["help"]
        text = text.replace("%", "%%")
        if of_kind is bool:
            parser.add_argument(flag(name), action=argparse.BooleanOptionalAction, help=text)
        elif of_kind is tuple:
            parser.add_argument(flag(name), type=float, nargs="+", metavar="X", help=text)
        else:
            # Not argparse's choices: a wrong one gets the project's one line, not the whole usage.
            metavar = "|".join(field.metadata["choices"]) or {int: "N", float: "X", str: "NAME"}[of_kind]
            parser.add_argument(flag(name), type=of_kind, metavar=metavar, help=text)


def given(args: argparse.Namespace, options: Iterable[str]) -> dict[str, object]:
    """Those of the options that were given, by name."""
    return {name: getattr(args, name) for name in options if getattr(args, name) is not None}


def add_training(parser: argparse.ArgumentParser, options: Mapping[str, Field]) -> None:
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


def read_run_config(args: argparse.Namespace, options: Mapping[str, Field]) -> RunConfig:
    """The run that the arguments of `add_training` describe: --config's, with the options that were given.

    Raises:
        PoseError: for a value that no run can have, or without data.
    """
    config = change_config(read_config(args.config), **given(args, [*options, *OF_TRAINING]))
    if not config.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    args.batch_size_in_force = config.options.batch_size  # which the message about too little memory names
    return config


def read_runtime(args: argparse.Namespace) -> dict[str, object]:
    """What `add_training` declares of the machine and the time, by the names that `ief.workflow` has for it."""
    return {name: getattr(args, name) for name in ("device", "stop_after", "checkpoint_seconds")}


def add_minutes(parser: argparse.ArgumentParser) -> None:
    """Declare --minutes."""
    parser.add_argument(
        "--minutes",
        type=float,
        help="budget of all trainings on this machine, instead of --epochs: its speed is measured once and every "
        "run gets the same number of epochs",
    )


def check_budget(minutes: float | None, epochs: float | None) -> None:
    """Raises PoseError when a budget is given in minutes and in epochs, or in minutes that are none."""
    if minutes is not None and epochs is not None:
        raise PoseError("give either --minutes or --epochs")
    if minutes is not None and not minutes > 0:
        raise PoseError(f"--minutes {minutes}: must be above 0")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Declare --device."""
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")


def add_first_pixel(parser: argparse.ArgumentParser) -> None:
    """Declare --first-pixel."""
    parser.add_argument(
        "--first-pixel",
        type=int,
        choices=(0, 1),
        help="what other programs' predictions call the first pixel (default: 0 in .npz and COCO results, 1 in .h5, "
        ".mat and .npy, as in MPII's files)",
    )


def add_angle_limits(parser: argparse.ArgumentParser) -> None:
    """Declare --angle-limits."""
    parser.add_argument(
        "--angle-limits",
        type=Path,
        metavar="DIR",
        help="folder of Akhter and Black's joint-angle model (jointAngleModel_v2.mat, staticPose.mat), for the Illegal "
        "Angle of 3D poses (default: without)",
    )
