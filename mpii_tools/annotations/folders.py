"""Annotations that are a folder: HRNet's `annot`, and what `ief prepare` wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from checkpoints.errors import PoseError
from mpii_tools.annotations.people_file import DESCRIPTION, load_people, read_description
from mpii_tools.annotations.reading import Reading, join_readings

HRNET_FILES = ("train.json", "valid.json", "test.json")
TRAINVAL = "trainval.json"  # both of the first two, read where they are not there


def read_hrnet_folder(folder: Path, read: Callable[[Path], Reading]) -> Reading | None:
    """The people of HRNet's `train.json`, `valid.json` and `test.json`, those of them that are there.

    Args:
        read: reads one of the files.

    Returns:
        None if there are none.
    """
    names = [name for name in HRNET_FILES if (folder / name).is_file()]
    if not {"train.json", "valid.json"} & set(names) and (folder / TRAINVAL).is_file():
        names = [TRAINVAL, *names]
    readings = [read(folder / name) for name in names]
    return join_readings(readings, f"folder of {', '.join(names)}", renumber=True) if names else None


def read_people_file(path: Path) -> Reading:
    """The people that `save_people` wrote to an .npz, and their depths beside it."""
    return Reading(load_people(path), "people of this project (.npz)")


def read_prepared_people(folder: Path) -> Reading | None:
    """The people of every split that `ief prepare` wrote to `folder`; None if it wrote none there.

    Raises:
        PoseError: a folder that is not whole.
    """
    if not (folder / DESCRIPTION).is_file():
        return None
    splits = list(read_description(folder)["splits"])
    if not splits:
        raise PoseError(f"{folder / DESCRIPTION}: has no split; run `ief prepare` again")
    readings = [read_people_file(folder / f"{split}.npz") for split in splits]
    if any(reading.people.skeleton != readings[0].people.skeleton for reading in readings):
        raise PoseError(f"{folder}: its splits {', '.join(splits)} have different joints; prepare them again")
    return join_readings(readings, f"people of a prepared folder: {', '.join(splits)}", renumber=True)
