"""Options that several commands share, most of them from the tables of `ief.training.options`."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import Field
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.stopping import TIME_UP
from ief.training import options as training

OF_TRAINING = {name: field for name, field in training.OPTIONS.items() if name not in training.OF_PREPARE}


def add_options(parser: argparse._ActionsContainer, options: Mapping[str, Field], default: str = "default") -> None:
    """Declare options, name -> field; each is None unless it is given. A preset's default is called `paper`."""
    for name, field in options.items():
        kind, flag = training.option_type(field), training.spell_flag(name)
        notes = [training.describe_range(field)] if kind in (int, float, tuple) else []
        notes += [] if field.default in (None, "") else [f"{default}: {training.format_value(field.default)}"]
        text = f"{field.metadata['help']} ({', '.join(notes)})" if notes else field.metadata["help"]
        text = text.replace("%", "%%")
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, help=text)
        elif kind is tuple:
            parser.add_argument(flag, type=float, nargs="+", metavar="X", help=text)
        else:  # not argparse's choices: a wrong one gets the project's one line, not the whole usage
            metavar = "|".join(field.metadata["choices"]) or {int: "N", float: "X", str: "NAME"}[kind]
            parser.add_argument(flag, type=kind, metavar=metavar, help=text)


def read_options(args: argparse.Namespace, options: Iterable[str]) -> dict[str, object]:
    """Those of the options that were given, by name."""
    return {name: getattr(args, name) for name in options if getattr(args, name) is not None}


def add_training(parser: argparse.ArgumentParser, options: Mapping[str, Field]) -> None:
    """Declare the arguments that every training has; `options` are those of the run."""
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="run folder; an unfinished one resumes")
    config = "take every option that is not given here from a run's config.json"
    add("--config", type=Path, metavar="FILE", help=config)
    add_options(parser, options)
    add_device(parser)
    seconds = "seconds between checkpoints, which is what a kill can cost (default: 60)"
    add("--checkpoint-seconds", type=float, default=60.0, metavar="S", help=seconds)
    stop = f"save and exit with status {TIME_UP} when the time is up; the same command resumes (default: no limit)"
    add("--stop-after", type=float, metavar="MINUTES", help=stop)
    add_options(parser.add_argument_group("changes to the preset"), OF_TRAINING, "paper")


def read_run_config(args: argparse.Namespace, options: Mapping[str, Field]) -> training.RunConfig:
    """What the arguments of `add_training` describe. Raises PoseError for a value that no run can have, or no data."""
    config = training.change_config(training.read_config(args.config), **read_options(args, [*options, *OF_TRAINING]))
    if not config.data:
        raise PoseError("give --data, the folder that `ief prepare` wrote")
    args.batch_size_in_force = config.options.batch_size  # which the message about too little memory names
    return config


def read_runtime(args: argparse.Namespace) -> dict[str, object]:
    """What `add_training` declares of the machine and the time, by the names that `ief.workflow` has for it."""
    return {name: getattr(args, name) for name in ("device", "stop_after", "checkpoint_seconds")}


def add_minutes(parser: argparse.ArgumentParser) -> None:
    """Declare --minutes."""
    minutes = (
        "budget of all trainings on this machine, instead of --epochs: its speed is measured once and every run gets "
        "the same number of epochs"
    )
    parser.add_argument("--minutes", type=float, help=minutes)


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
    first = (
        "what other programs' predictions call the first pixel (default: 0 in .npz and COCO results, 1 in .h5, .mat "
        "and .npy, as in MPII's files)"
    )
    parser.add_argument("--first-pixel", type=int, choices=(0, 1), help=first)


def add_angle_limits(parser: argparse.ArgumentParser) -> None:
    """Declare --angle-limits."""
    limits = (
        "folder of Akhter and Black's joint-angle model (jointAngleModel_v2.mat, staticPose.mat), for the Illegal "
        "Angle of 3D poses (default: without)"
    )
    parser.add_argument("--angle-limits", type=Path, metavar="DIR", help=limits)
