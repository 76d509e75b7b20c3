"""MPII as other programs keep it: JSON of HRNet and mmpose, and of pytorch-pose (of the Convolutional Pose Machines);
Newell's HDF5 (of the stacked hourglass); the evaluators' `gt_valid.mat`."""

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
from mpii_tools.annotations.splits import name_rows, split_by_name
from mpii_tools.formats.arrays import as_array, numeric
from mpii_tools.formats.content import load_json
from mpii_tools.people import CENTER_SHIFT, HEAD_SIZE_PER_DIAGONAL, HEAD_SIZE_PER_SCALE, text_array

HRNET_FILES = ("train.json", "valid.json", "test.json")
TRAINVAL = "trainval.json"  # both of the first two, read where they are not there
MALFORMED = NOT_AS + " {} has them (entries counted from 0)"
ZEROED = "people with joints at 0, 0 and no joints_vis: taken as missing"
WIDENED = 1.25  # what Newell multiplied scale by
# gt_valid.mat's names for the joints, in MPII's order.
NAMES = [
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor",
    "neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri",
]  # fmt: skip


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


def read_newell_h5(path: Path, stored: dict[str, object]) -> Reading:
    """The people of Newell's file: `part`, `center`, `scale`, and optionally `imgname`, `person`, `normalize`.

    `center` and `scale` hold +15 * scale in y and * 1.25; both are undone, exactly but for rounding. (The file of
    his training code has them raw: there `normalize` is 25 * `scale` instead of 20, which tells the two apart.)
    Coordinates were cut to integers on the way in, towards zero, and stay so. A joint at exactly 0, 0 is missing.
    `visible` 1 means not marked occluded. `normalize` is the head size. Split: `splits.split_by_name`.

    Image names come from `imgname`, else from `valid_images.txt` beside the file if it has a line per person,
    else they are `row1`, `row2`, ...

    Args:
        path: the file.
        stored: its arrays.

    Raises:
        PoseError: a file without these arrays.
    """
    for name in {"scale", "normalize", "person"} & set(stored):  # MATLAB's vectors have two axes
        stored[name] = np.ravel(stored[name]) if np.ndim(stored[name]) == 2 else stored[name]
    part = numeric(path, stored, "part", (None, 16, 2))
    count = len(part)
    center = numeric(path, stored, "center", (count, 2))
    scale = numeric(path, stored, "scale", (count,))
    head = numeric(path, stored, "normalize", (count,)) if "normalize" in stored else None
    raw = head is not None and abs(np.nanmedian(head / scale) - HEAD_SIZE_PER_SCALE) < 1.0
    if not raw:
        scale = scale / WIDENED
        center = center - np.stack([np.zeros(count), CENTER_SHIFT * scale], axis=1)

    missing = (part == 0).all(axis=2)
    seen = numeric(path, stored, "visible", missing.shape) > 0 if "visible" in stored else -1
    names, notes = (_image_names(path, stored, count), {}) if "imgname" in stored else name_rows(path.parent, count)
    images, ids = text_array(names), None
    if "person" in stored:
        rect = np.nan_to_num(numeric(path, stored, "person", (count,))).astype(int) + 1
        ids = [f"{image}#{number}" for image, number in zip(images, rect, strict=True)]
    return build_reading(
        "Newell's HDF5",
        images,
        part,
        ~missing,
        {},
        notes,
        person_ids=ids,
        center=center - 1.0,
        scale=scale,
        head_size=head,
        split=split_by_name(path, images, center - 1.0),
        visible=np.where(missing, -1, seen),
    )


def _image_names(path: Path, stored: dict[str, np.ndarray], people: int) -> list[str]:
    """The file names that `imgname` holds. Raises PoseError if it has not one per person."""
    names = stored["imgname"]
    names = np.array(names, dtype=object) if isinstance(names, list) else as_array(names)
    try:
        if names.ndim == 1 and names.dtype.kind in "SO":
            images = [name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist()]
        else:  # character codes, padded with 0
            rows = numeric(path, stored, "imgname", (people, None))
            images = ["".join(chr(int(code)) for code in row if code > 0) for row in rows]
    except (ValueError, OverflowError) as error:
        raise PoseError(f"{path}: 'imgname' holds no file names ({error}); expected text") from error
    if len(images) != people:
        raise PoseError(f"{path}: 'imgname' has {len(images)} names for {people} people; expected one per person")
    return images


def read_gt_valid_mat(path: Path, stored: dict[str, object]) -> Reading:
    """The people of `dataset_joints`, `jnt_missing` (16, N), `pos_gt_src` (16, 2, N), `headboxes_src` (2, 2, N).

    The file holds neither center nor scale (NaN) nor image names: those come from `valid_images.txt` beside it if
    that has a line per person, else they are `row1`, `row2`, ... Only `jnt_missing` makes a joint missing: 13 joints
    of 10 people have a coordinate zeroed without a flag and count, as they do in the evaluators that read this file;
    `notes` names those people.

    Args:
        path: the .mat file.
        stored: its variables.

    Raises:
        PoseError: a file without these arrays.
    """
    raw = numeric(path, stored, "pos_gt_src", (16, 2, None))
    count = raw.shape[2]
    missing = numeric(path, stored, "jnt_missing", (16, count)).T != 0
    box = numeric(path, stored, "headboxes_src", (2, 2, count))
    labels = stored.get("dataset_joints")
    if not isinstance(labels, list) or sorted(map(str, labels)) != sorted(NAMES):
        raise PoseError(f"{path}: 'dataset_joints' names {labels}; expected {NAMES} in any order")
    order = [labels.index(name) for name in NAMES]
    points, missing = raw.transpose(2, 0, 1)[:, order], missing[:, order]

    names, notes = name_rows(path.parent, count)
    notes["people with a zeroed coordinate that is not flagged missing"] = ((points == 0).any(axis=2) & ~missing).any(
        axis=1
    )
    head_size = HEAD_SIZE_PER_DIAGONAL * np.linalg.norm(box[1] - box[0], axis=0)
    return build_reading(
        "gt_valid.mat of HRNet and pytorch-pose", names, points, ~missing, {}, notes, head_size=head_size
    )
