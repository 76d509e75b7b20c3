"""Options that several commands share, from the tables of `ief.training.presets` and `ief.training.run_config`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path

from ief.training.presets import flag, kind, range_of, shown


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


def given(args: argparse.Namespace, options: Mapping[str, Field]) -> dict[str, object]:
    """Those of the options that were given, by name."""
    values = {name: getattr(args, name) for name in options if getattr(args, name) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


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
