"""MPII as one JSON list, the format that HRNet and mmpose read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file
from heads.skeleton import MPII
from mpii_tools.annotations.labels import missing_points, read_flags, read_points
from mpii_tools.annotations.reading import UNPLACED, Reading
from mpii_tools.annotations.tompson_split import split_by_name
from mpii_tools.people import HEAD_SIZE_PER_SCALE, make_people


def load_json(path: str | os.PathLike) -> Any:
    """A JSON file's value. Raises PoseError if it is missing or not whole."""
    path = require_file(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise PoseError(f"{path}: not a whole JSON file ({error}); copy it again") from error


def read_mpii_json(path: str | os.PathLike, entries: Any = None) -> Reading:
    """The people of an HRNet/mmpose JSON: `image`, `center`, `scale`, and (not for test) `joints`, `joints_vis`.

    A joint is missing if its joints_vis is 0 or null or its coordinates are -1, -1; in files without joints_vis, and
    without a third number per joint in its place, also at 0, 0. `joints_vis` means "labelled", so occlusion is unknown;
    it takes the forms of `labels.read_flags`. Head size is 25 * scale, as MPII made scale from it: that holds to
    1e-13 px for all 2,958 validation people, and to 2e-5 px after the JSON's rounding of scale to 6 decimals. The
    rect's number in its image is not in the file: person_ids count the people of an image in order. Split:
    `tompson_split.split_by_name`.

    Args:
        path: the file.
        entries: its contents, if they have been loaded already.

    Returns:
        Reading; an entry that is not as HRNet has it is left out and named among the faults. Center and scale are NaN
        if they are -1 in the file.

    Raises:
        PoseError: not a JSON list of people, or not one entry that is as HRNet has it; the message has the first fault.
    """
    path, entries = Path(path), load_json(path) if entries is None else entries
    if not isinstance(entries, list) or not entries:
        raise PoseError(
            f"{path}: expected a JSON list of people, found {_describe(entries)}; give HRNet's train.json, ..."
        )
    entries_read, malformed = [], []
    for index, entry in enumerate(entries):
        try:
            entries_read.append(_person(entry))
        except (TypeError, ValueError, OverflowError) as error:
            malformed.append(f"entry {index}: {error}")
    if not entries_read:
        raise PoseError(
            f"{path}: not one of its {len(entries):,} entries is as HRNet has it, first {malformed[0]}; "
            "give a file of HRNet or mmpose"
        )
    images, places, joints, labelled, zeroed = (list(column) for column in zip(*entries_read, strict=True))

    place, joints, labelled = np.array(places), np.array(joints), np.array(labelled)
    place[(place[:, 2] <= 0) | (place[:, 0] == -1) | ~np.isfinite(place).all(axis=1)] = np.nan
    unplaced = (labelled & ~np.isfinite(joints).all(axis=2)).any(axis=1)
    names = np.array(images, dtype=np.str_)
    people = make_people(
        names,
        np.where(labelled[..., None], joints, np.nan) - 1.0,
        center=place[:, :2] - 1.0,
        scale=place[:, 2],
        head_size=HEAD_SIZE_PER_SCALE * place[:, 2],
        split=split_by_name(path, names, place[:, :2] - 1.0),
    )
    faults = {
        "people left out: not as HRNet has them (entries counted from 0)": malformed,
        UNPLACED: people.person_ids[unplaced].tolist(),
    }
    notes = {"people with joints at 0, 0 and no joints_vis: taken as missing": people.person_ids[list(zeroed)].tolist()}
    return Reading(people, "HRNet/mmpose JSON", faults, notes)


def _person(entry: object) -> tuple[str, list[float], np.ndarray, np.ndarray, bool]:
    """Image name, [x, y, scale], 1-based joints (16, 2), labelled (16,), whether unflagged joints are at 0, 0.

    The caller catches TypeError, ValueError.
    """
    if not isinstance(entry, dict):
        raise TypeError(f"expected an object, found {_describe(entry)}")
    for key in ("image", "center", "scale"):
        if key not in entry:
            raise ValueError(f"no '{key}'")
    if not isinstance(entry["image"], str):
        raise TypeError(f"'image' is {_describe(entry['image'])}, not a file name")
    center, scale = _numbers(entry["center"], (2,), "center"), _numbers(entry["scale"], (), "scale")
    place = [*center.tolist(), scale.item()]
    if "joints" not in entry:
        return entry["image"], place, np.full((len(MPII), 2), np.nan), np.zeros(len(MPII), bool), False
    points, flags = read_points(entry["joints"], len(MPII), "joints")
    if entry.get("joints_vis") is not None:
        flags = read_flags(entry["joints_vis"], len(MPII), "joints_vis")
    if flags is None:  # nothing says which joints are missing, so those at 0, 0 are
        zeroed = (points == 0).all(axis=1)
        return entry["image"], place, points, np.isfinite(points).all(axis=1) & ~missing_points(points), zeroed.any()
    return entry["image"], place, points, (np.nan_to_num(flags) != 0) & ~(points == -1).all(axis=1), False


def _numbers(value: object, shape: tuple[int, ...], name: str) -> np.ndarray:
    """JSON numbers as float64 of `shape`. Raises ValueError for anything else."""
    try:
        array = np.array(value)
    except ValueError:  # lists of unequal lengths
        array = np.array(None)
    if array.dtype.kind not in "iufb":
        raise ValueError(f"'{name}' is {_describe(value)}, not {'numbers' if shape else 'a number'}")
    if array.shape != shape:
        raise ValueError(f"'{name}' has numbers of shape {array.shape}, not {shape}")
    return array.astype(np.float64)


def _describe(value: object) -> str:
    """A JSON value's kind, in JSON's words."""
    if value in ([], {}):
        return "an empty list" if value == [] else "an empty object"
    return {dict: "an object", list: "a list of other things", str: "text", type(None): "null"}.get(
        type(value), "a number"
    )
