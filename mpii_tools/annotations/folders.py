"""Annotations that are a folder: HRNet's `annot`, and what `ief prepare` wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import read_text
from mpii_tools.annotations.reading import Reading, merge
from mpii_tools.depth.files import load_depth
from mpii_tools.depth.table import join_depths
from mpii_tools.people import People, join_people
from mpii_tools.people_file import load_people

HRNET_FILES = ("train.json", "valid.json", "test.json")
TRAINVAL = "trainval.json"  # both of the first two, read where they are not there
PREPARED = "prepared.json"


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
    if not names:
        return None
    readings = [read(folder / name) for name in names]
    people = number_again(join_people([reading.people for reading in readings]))
    faults, notes = (merge(*(getattr(reading, kind) for reading in readings)) for kind in ("faults", "notes"))
    return Reading(people, f"folder of {', '.join(names)}", faults, notes)


def read_prepared_people(folder: Path) -> Reading | None:
    """The people of every split that `ief prepare` wrote to `folder`; None if it wrote none there.

    Raises:
        PoseError: a folder that is not whole.
    """
    path = folder / PREPARED
    if not path.is_file():
        return None
    try:
        splits = list(json.loads(read_text(path))["splits"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); run `ief prepare` again") from error
    if not splits:
        raise PoseError(f"{path}: has no split; run `ief prepare` again")
    parts = [load_people(folder / f"{split}.npz") for split in map(str, splits)]
    if any(part.skeleton != parts[0].skeleton for part in parts):
        raise PoseError(f"{folder}: its splits {', '.join(map(str, splits))} have different joints; prepare them again")
    people = number_again(join_people(parts))
    depths = [load_depth(folder / f"{split}.npz", part) for split, part in zip(splits, parts, strict=True)]
    depth = None if None in depths else join_depths(depths, people.person_ids)
    return Reading(people, f"people of a prepared folder: {', '.join(map(str, splits))}", depth=depth)


def number_again(people: People) -> People:
    """The people, those of an image counted again if a person_id would appear twice."""
    if len(set(people.person_ids.tolist())) < len(people):
        return replace(people, person_ids=None)
    return people
