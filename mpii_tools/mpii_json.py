"""MPII as one JSON list, the form that HRNet and mmpose read."""

from __future__ import annotations

import json
import os

import numpy as np

from heads.errors import BadInput
from heads.skeleton import MPII
from mpii_tools.files import require_file
from mpii_tools.notes import Reading
from mpii_tools.people import make_people
from mpii_tools.tompson_split import split_by_name

# The form has no head size. In MPII scale was made from it: head size = 25 * scale holds to 1e-13 px for all 2,958
# validation persons, and to 2e-5 px after the JSON's rounding of scale to 6 decimals.
HEAD_SIZE_PER_SCALE = 25.0


def read_mpii_json(path: str | os.PathLike) -> Reading:
    """The people of an HRNet/mmpose JSON: `image`, `center`, `scale`, and (not for test) `joints`, `joints_vis`.

    A joint is missing where joints_vis is 0 or its coordinates are -1, -1. `joints_vis` says "labelled", so
    occlusion is unknown. Head size is 25 * scale. The rect's number in its image is not in the form: person_ids
    count the persons of an image as they come. Split: `tompson_split.split_by_name`.

    Returns:
        Reading; its notes name persons without centre or scale (-1 in the file) and without a joint.

    Raises:
        BadInput: no JSON list of persons; the entry at fault is named.
    """
    path = require_file(path)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadInput(f"{path}: not a whole JSON file ({error}); copy it again") from error
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{path}: expected a JSON list of persons, found {_describe(entries)}")
    images, places, joints = [], [], []
    for index, entry in enumerate(entries):
        try:
            image, place, points = _person(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{path}: person {index} (counted from 0) is not as HRNet has it: {error}") from error
        images.append(image)
        places.append(place)
        joints.append(points)

    place = np.array(places)
    unplaced = (place[:, 2] <= 0) | (place[:, 0] == -1) | ~np.isfinite(place).all(axis=1)
    place[unplaced] = np.nan
    names = np.array(images, dtype=np.str_)
    people = make_people(
        names,
        np.array(joints) - 1.0,
        centre=place[:, :2] - 1.0,
        scale=place[:, 2],
        head_size=HEAD_SIZE_PER_SCALE * place[:, 2],
        split=split_by_name(path, names, place[:, :2] - 1.0),
    )
    ids, unlabelled = people.person_ids, ~people.annotated.any(axis=1)
    notes = {
        "persons without centre or scale": ids[unplaced].tolist(),
        "persons without a labelled joint": ids[unlabelled & (people.split != "test")].tolist(),
    }
    return Reading(people, "HRNet/mmpose JSON", notes)


def _person(entry: object) -> tuple[str, list[float], np.ndarray]:
    """Image name, [x, y, scale] and 1-based joints (16, 2), NaN where missing. The caller catches the errors."""
    if not isinstance(entry, dict):
        raise TypeError(f"expected an object, found {_describe(entry)}")
    for key in ("image", "center", "scale"):
        if key not in entry:
            raise ValueError(f"no '{key}'")
    if not isinstance(entry["image"], str):
        raise TypeError(f"'image' is {_describe(entry['image'])}, not a file name")
    place = np.array([*entry["center"], entry["scale"]], dtype=np.float64)
    if place.shape != (3,):
        raise ValueError(f"'center' has {len(place) - 1} numbers, not 2")
    if "joints" not in entry:
        return entry["image"], place.tolist(), np.full((len(MPII), 2), np.nan)
    points = np.array(entry["joints"], dtype=np.float64)
    labelled = np.array(entry.get("joints_vis", [1] * len(MPII)), dtype=np.float64)
    if points.shape != (len(MPII), 2) or labelled.shape != (len(MPII),):
        raise ValueError(f"joints {points.shape} and joints_vis {labelled.shape}, not (16, 2) and (16,)")
    missing = (labelled == 0) | (points == -1).all(axis=1)
    return entry["image"], place.tolist(), np.where(missing[:, None], np.nan, points)


def _describe(value: object) -> str:
    return f"an empty {type(value).__name__}" if value in ([], {}) else f"a {type(value).__name__}"
