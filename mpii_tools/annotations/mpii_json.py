"""MPII as one JSON list: as HRNet and mmpose read it, and pytorch-pose's, of the Convolutional Pose Machines."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.labels import describe, missing_points, read_entries, read_flags, read_numbers, read_points
from mpii_tools.annotations.placement import FROM_BOX, check_boxes
from mpii_tools.annotations.reading import NOT_AS, Reading, build_reading, join_readings
from mpii_tools.annotations.splits import split_by_name
from mpii_tools.formats.content import load_json
from mpii_tools.people import HEAD_SIZE_PER_SCALE

HRNET_FILES = ("train.json", "valid.json", "test.json")
TRAINVAL = "trainval.json"  # both of the first two, read where they are not there
MALFORMED = NOT_AS + " {} has them (entries counted from 0)"
ZEROED = "people with joints at 0, 0 and no joints_vis: taken as missing"


def read_mpii_json(path: Path, entries: Any) -> Reading:
    """The people of an HRNet/mmpose JSON: `image`, `center`, `scale`, and (not for test) `joints`, `joints_vis`.

    An entry may have a `bbox` (x, y, width, height) in place of center and scale, or joints alone: then both are NaN.
    A joint is missing if its joints_vis is 0 or null or its coordinates are -1, -1; in files without joints_vis, and
    without a third number per joint in its place, also at 0, 0. `joints_vis` means "labelled", so occlusion is unknown;
    it takes the forms of `labels.read_flags`. Head size is 25 * scale, as MPII made scale from it: that holds to
    1e-13 px for all 2,958 validation people, and to 2e-5 px after the JSON's rounding of scale to 6 decimals. The
    rect's number in its image is not in the file: person_ids count the people of an image in order. Split:
    `splits.split_by_name`.

    Args:
        path: the file.
        entries: its contents.

    Returns:
        Reading; an entry that is not as HRNet has it is left out and named among the faults. Center and scale are NaN
        if they are missing, null or -1 in the file; the notes name the people whose are made from a box.

    Raises:
        PoseError: not a JSON list of people, or not one entry that is as HRNet has it; the message has the first fault.
    """
    if not isinstance(entries, list) or not entries:
        raise PoseError(f"{path}: found {describe(entries)}, not a list of people; give HRNet's train.json, ...")
    columns, malformed = read_entries(path, entries, _person, "HRNet", "a file of HRNet or mmpose")
    names, place, box, joints, labelled, zeroed = map(np.array, columns)
    place[(place[:, 2] == -1) | (place[:, 0] == -1) | ~np.isfinite(place).all(axis=1)] = np.nan
    box, center, scale, box_notes = check_boxes(box)
    boxed = np.isnan(place[:, 2]) & np.isfinite(box).all(axis=1)
    place[boxed] = np.column_stack([center + 1.0, scale])[boxed]
    return build_reading(
        "HRNet/mmpose JSON",
        names,
        joints,
        labelled,
        {MALFORMED.format("HRNet"): malformed},
        {**box_notes, FROM_BOX: boxed, ZEROED: zeroed},
        center=place[:, :2] - 1.0,
        scale=place[:, 2],
        head_size=np.where(boxed | (place[:, 2] <= 0), np.nan, HEAD_SIZE_PER_SCALE * place[:, 2]),
        split=split_by_name(path, names, place[:, :2] - 1.0),
    )


def read_hrnet_folder(folder: Path) -> Reading | None:
    """The people of HRNet's `train.json`, `valid.json` and `test.json`, as far as they are there; None without one."""
    names = [name for name in HRNET_FILES if (folder / name).is_file()]
    if not {"train.json", "valid.json"} & set(names) and (folder / TRAINVAL).is_file():
        names = [TRAINVAL, *names]
    form = f"folder of {', '.join(names)}"
    readings = [replace(read_mpii_json(folder / name, load_json(folder / name)), format=form) for name in names]
    return join_readings(readings, renumber=True) if names else None


def _person(entry: dict) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Image, [x, y, scale], box [x, y, width, height], 1-based joints (16, 2), labelled (16,), any unflagged at 0, 0.

    NaN for what is not there. The caller catches TypeError, ValueError.
    """
    if not isinstance(image := entry.get("image"), str):
        raise ValueError(f"'image' is {describe(image)}, not a file name")
    known = [key for key in ("center", "scale", "bbox", "joints") if entry.get(key) is not None]
    if not {"bbox", "joints"} & set(known) and known != ["center", "scale"]:
        raise ValueError(f"no '{'scale' if 'center' in known else 'center'}'")
    place = np.append(read_numbers(entry.get("center"), (2,), "center"), read_numbers(entry.get("scale"), (), "scale"))
    points, flags = np.full((len(MPII), 2), np.nan), None
    if "joints" in known:
        points, flags = read_points(entry["joints"], len(MPII), "joints")
        if entry.get("joints_vis") is not None:
            flags = read_flags(entry["joints_vis"], len(MPII), "joints_vis")
    zeroed = flags is None and bool((points == 0).all(axis=1).any())
    if flags is None:  # nothing says which are labelled: not those at 0, 0
        flags = np.isfinite(points).all(axis=1) & ~missing_points(points)
    labelled = (np.nan_to_num(flags) != 0) & ~(points == -1).all(axis=1)
    return image, place, read_numbers(entry.get("bbox"), (4,), "bbox"), points, labelled, zeroed


def read_pytorch_pose_json(path: str | os.PathLike, entries: list[Any]) -> Reading:
    """The people of a list of `img_paths`, `objpos`, `scale_provided`, `joint_self` (16, 3) and `isValidation`.

    Pixels are 1-based. A joint at (0, 0) is missing; the third number is 1 if it is visible. The others of an image
    (`joint_others`) have entries of their own and are not read from there. `people_index` is the rect's number in its
    image, which makes `image#rect`; without it people are counted. Head size is 25 * scale, as for HRNet's JSON.

    Args:
        path: the file, for messages.
        entries: its contents.

    Raises:
        PoseError: not one entry that is as pytorch-pose has it; the message has the first fault.
    """
    columns, malformed = read_entries(path, entries, _pytorch_pose_person, "pytorch-pose", "its MPII file")
    images, rects, points, flags, center, scale, valid = map(np.array, columns)
    missing, scale = missing_points(points), np.where(scale > 0, scale, np.nan)
    ids = [f"{image}#{rect}" for image, rect in zip(images.tolist(), rects.tolist(), strict=True)]
    return build_reading(
        "MPII JSON of pytorch-pose",
        images,
        points,
        ~missing,
        {MALFORMED.format("pytorch-pose"): malformed},
        {},
        person_ids=ids if (rects > 0).all() and len(set(ids)) == len(ids) else None,
        center=center - 1.0,
        scale=scale,
        head_size=HEAD_SIZE_PER_SCALE * scale,
        split=np.where(valid, "valid", "train"),
        visible=np.where(missing, -1, flags > 0),
    )


def _pytorch_pose_person(entry: dict) -> tuple[str, int, np.ndarray, np.ndarray, np.ndarray, float, bool]:
    """Image, rect, (16, 2) points, (16,) flags, center, scale, whether it validates. The caller catches errors."""
    if not isinstance(entry.get("img_paths"), str):
        raise TypeError("'img_paths' is not a file name")
    points, flags = read_points(entry["joint_self"], len(MPII), "joint_self")
    center, scale = read_numbers(entry["objpos"], (2,), "objpos"), float(entry["scale_provided"])
    rect = float(entry.get("people_index") or 0)
    rect = int(rect) if rect.is_integer() and 0 < rect < 1e6 else 0
    flags = np.full(len(MPII), -1.0) if flags is None else flags
    return entry["img_paths"], rect, points, flags, center, scale, bool(float(entry.get("isValidation") or 0))
