"""How a command's table of arguments is written and declared, and the arguments that several commands share."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field
from pathlib import Path
from typing import Any

from checkpoints import TIME_UP, PoseError, is_main_rank
from ief.training import options as training

Namespace = argparse.Namespace  # what a command is given
Argument = tuple[str, dict[str, Any], str]  # spellings, what argparse is told, the group that `-h` shows it in

FILE, FOLDER, PATH = ({"type": Path, "metavar": name} for name in ("FILE", "DIR", "PATH"))
INTEGER, NUMBER, TEXT = {"type": int, "metavar": "N"}, {"type": float, "metavar": "X"}, {"metavar": "TEXT"}
FLAG = {"action": "store_true"}
KINDS = {bool: {"action": argparse.BooleanOptionalAction}, tuple: {**NUMBER, "nargs": "+"}, int: INTEGER, float: NUMBER}
OF_TRAINING = {name: field for name, field in training.OPTIONS.items() if name not in training.OF_PREPARE}


def argument(
    names: str, kind: dict[str, Any], help: str, default: Any = None, group: str = "", **more: Any
) -> Argument:
    """A row of a command's table.

    Args:
        names: spellings of the option, with spaces between them, or the name of a positional argument.
        kind: how argparse reads the value, such as `FILE`.
        help: what it is, and its range; a default is added, unless the text has one.
        default: of the value.
        group: heading of `-h` below which it stands; empty for the common one.
        more: what argparse is told besides.
    """
    if default is not None:
        more |= {"default": default}
        help += "" if "default" in help or not str(default) else f" (default: {default})"
    return names, {**kind, **more, "help": help}, group


def declare(parser: argparse.ArgumentParser, arguments: Iterable[Argument]) -> None:
    """Add the rows of a table to a parser."""
    groups: dict[str, argparse._ActionsContainer] = {"": parser}
    for names, told, group in arguments:
        if group not in groups:
            groups[group] = parser.add_argument_group(group)
        groups[group].add_argument(*names.split(), **told)


def list_options(options: Mapping[str, Field], default: str = "default", group: str = "") -> list[Argument]:
    """A row for each option, name -> field; each is None unless it is given. A preset's default is called `paper`."""
    rows = []
    for name, field in options.items():
        kind, choices = training.option_type(field), "|".join(field.metadata["choices"])
        notes = [training.describe_range(field)] if kind in (int, float, tuple) else []
        notes += [] if field.default in (None, "") else [f"{default}: {training.format_value(field.default)}"]
        text = f"{field.metadata['help']} ({', '.join(notes)})" if notes else field.metadata["help"]
        told = KINDS.get(kind, {"metavar": choices or "NAME"})  # not argparse's choices, which print the whole usage
        rows.append(argument(training.spell_flag(name), told, text.replace("%", "%%"), group=group))
    return rows


DEVICE = argument("--device", {"metavar": "NAME"}, "cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
FIRST = "the first pixel in other programs' predictions (default: 0 in .npz and COCO results, 1 in .h5, .mat and .npy)"
FIRST_PIXEL = argument("--first-pixel", {"type": int, "choices": (0, 1)}, FIRST)
LIMITS = "of Akhter and Black's jointAngleModel_v2.mat, staticPose.mat, for 3D poses' Illegal Angle (default: without)"
ANGLE_LIMITS = argument("--angle-limits", FOLDER, LIMITS)


def list_training(options: Mapping[str, Field]) -> list[Argument]:
    """What every training takes; `options` are those of the run."""
    stop = f"save and exit with status {TIME_UP} when the time is up; the same command resumes (default: no limit)"
    return [
        argument("--run", FOLDER, "run folder; an unfinished one resumes", required=True),
        argument("--config", FILE, "take every option that is not given here from a run's config.json"),
        *list_options(options),
        argument("--dry-run", FLAG, "print steps, epochs, hours, memory and disk, by ten timed steps; train nothing"),
        DEVICE,
        argument("--checkpoint-seconds", NUMBER, "between checkpoints, what a kill can cost", 60.0, metavar="S"),
        argument("--stop-after", NUMBER, stop, metavar="MINUTES"),
        *list_options(OF_TRAINING, "paper", "changes to the preset"),
    ]


COMPARISON = [  # what a comparison of runs takes: no method, which is what differs
    *list_training({name: field for name, field in training.RUN_OPTIONS.items() if name != "method"}),
    argument("--minutes", NUMBER, "for all trainings here, instead of --epochs: as many each as the speed allows"),
]


def read_options(args: argparse.Namespace, options: Iterable[str]) -> dict[str, object]:
    """Those of the options that were given, by name."""
    return {name: value for name in options if (value := getattr(args, name, None)) is not None}


def read_run(args: Namespace) -> tuple[training.RunConfig, dict[str, object]]:
    """What the arguments describe: a run, and what it takes of the machine and the time, as `ief.workflow` names it.

    Raises:
        PoseError: for a value that no run can have, or no data.
    """
    check_budget(getattr(args, "minutes", None), args.epochs)
    given = read_options(args, [*training.RUN_OPTIONS, *OF_TRAINING])
    config = training.change_config(training.read_config(args.config), **given)
    refuse({"give --data, the folder that `ief prepare` wrote": not config.data})
    args.batch_size_in_force = config.options.batch_size  # which the message about too little memory names
    return config, {name: getattr(args, name) for name in ("device", "stop_after", "checkpoint_seconds", "dry_run")}


def check_budget(minutes: float | None, epochs: float | None) -> None:
    """Raises PoseError when a budget is given in minutes and in epochs, or in minutes that are none."""
    refuse({
        "give either --minutes or --epochs": None not in (minutes, epochs),
        f"--minutes {minutes}: must be above 0": minutes is not None and not minutes > 0,
    })  # fmt: skip


def refuse(wrong: Mapping[str, object]) -> None:
    """Raises PoseError by the first message whose value is true: what a command is given does not go together."""
    for message in filter(wrong.get, wrong):
        raise PoseError(message)


def print_files(files: Sequence[Path]) -> None:
    """Say what was written: one of a training's processes does."""
    if files and is_main_rank():
        print("wrote " + "\n      ".join(map(str, files)))
