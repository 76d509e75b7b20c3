"""MPII as one JSON list, the format that HRNet and mmpose read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.labels import missing_points, read_flags, read_points
from mpii_tools.annotations.placement import FROM_BOX, crop_of_boxes
from mpii_tools.annotations.reading import UNPLACED, Reading
from mpii_tools.annotations.tompson_split import split_by_name
from mpii_tools.formats.json_file import load_json
from mpii_tools.people import HEAD_SIZE_PER_SCALE, People

ZEROED = "people with joints at 0, 0 and no joints_vis: taken as missing"


def read_mpii_json(path: str | os.PathLike, entries: Any = None) -> Reading:
    """The people of an HRNet/mmpose JSON: `image`, `center`, `scale`, and (not for test) `joints`, `joints_vis`.

    An entry may have a `bbox` (x, y, width, height) in place of center and scale, or joints alone: then both are NaN.
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
        if they are missing, null or -1 in the file; the notes name the people whose are made from a box.

    Raises:
        PoseError: not a JSON list of people, or not one entry that is as HRNet has it; the message has the first fault.
    """
    path = Path(path)
    rows, malformed = _rows(path, load_json(path) if entries is None else entries)
    names, place, box, joints, labelled, zeroed = (np.array(column) for column in zip(*rows, strict=True))
    place[(place[:, 2] == -1) | (place[:, 0] == -1) | ~np.isfinite(place).all(axis=1)] = np.nan
    boxed = np.isnan(place[:, 2]) & (box[:, 2:] > 0).all(axis=1)
    center, scale = crop_of_boxes(np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1))
    place[boxed] = np.column_stack([center + 1.0, scale])[boxed]
    unplaced = (labelled & ~np.isfinite(joints).all(axis=2)).any(axis=1)
    people = People(
        names,
        np.where(labelled[..., None], joints, np.nan) - 1.0,
        center=place[:, :2] - 1.0,
        scale=place[:, 2],
        head_size=np.where(boxed | (place[:, 2] <= 0), np.nan, HEAD_SIZE_PER_SCALE * place[:, 2]),
        split=split_by_name(path, names, place[:, :2] - 1.0),
    )
    faults = {
        "people left out: not as HRNet has them (entries counted from 0)": malformed,
        UNPLACED: people.person_ids[unplaced].tolist(),
    }
    notes = {FROM_BOX: people.person_ids[boxed].tolist(), ZEROED: people.person_ids[zeroed].tolist()}
    return Reading(people, "HRNet/mmpose JSON", faults, notes)


def _rows(path: Path, entries: Any) -> tuple[list[tuple], list[str]]:
    """What `_person` finds in each entry, and what is wrong with the others. Raises PoseError if no entry is right."""
    if not isinstance(entries, list) or not entries:
        raise PoseError(
            f"{path}: expected a JSON list of people, found {_describe(entries)}; give HRNet's train.json, ..."
        )
    rows, malformed = [], []
    for index, entry in enumerate(entries):
        try:
            rows.append(_person(entry))
        except (TypeError, ValueError, OverflowError) as error:
            malformed.append(f"entry {index}: {error}")
    if not rows:
        raise PoseError(
            f"{path}: not one of its {len(entries):,} entries is as HRNet has it, first {malformed[0]}; "
            "give a file of HRNet or mmpose"
        )
    return rows, malformed


def _person(entry: object) -> tuple[str, list[float], list[float], np.ndarray, np.ndarray, bool]:
    """Image, [x, y, scale], box [x, y, width, height], 1-based joints (16, 2), labelled (16,), any unflagged at 0, 0.

    NaN for what is not there. The caller catches TypeError, ValueError.
    """
    if not isinstance(entry, dict):
        raise TypeError(f"expected an object, found {_describe(entry)}")
    if "image" not in entry:
        raise ValueError("no 'image'")
    if not isinstance(entry["image"], str):
        raise TypeError(f"'image' is {_describe(entry['image'])}, not a file name")
    here = {key for key in ("center", "scale", "bbox", "joints") if entry.get(key) is not None}
    missing = next((key for key in ("center", "scale") if key not in here), None)
    if missing and not here & {"bbox", "joints"}:
        raise ValueError(f"no '{missing}'")
    center = _numbers(entry["center"], (2,), "center") if "center" in here else np.full(2, np.nan)
    scale = _numbers(entry["scale"], (), "scale") if "scale" in here else np.array(np.nan)
    place = [*center.tolist(), scale.item()]
    box = _numbers(entry["bbox"], (4,), "bbox").tolist() if "bbox" in here else [np.nan] * 4
    if "joints" not in here:
        return entry["image"], place, box, np.full((len(MPII), 2), np.nan), np.zeros(len(MPII), bool), False
    points, flags = read_points(entry["joints"], len(MPII), "joints")
    if entry.get("joints_vis") is not None:
        flags = read_flags(entry["joints_vis"], len(MPII), "joints_vis")
    if flags is not None:
        return entry["image"], place, box, points, (np.nan_to_num(flags) != 0) & ~(points == -1).all(axis=1), False
    labelled = np.isfinite(points).all(axis=1) & ~missing_points(points)  # nothing says which are: not those at 0, 0
    return entry["image"], place, box, points, labelled, bool((points == 0).all(axis=1).any())


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
