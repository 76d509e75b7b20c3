"""MPII's own annotation file: MATLAB structs, `RELEASE` in full or a bare `annolist`."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.reading import Reading
from mpii_tools.annotations.release import Release, read_rects, unpack_release
from mpii_tools.annotations.splits import is_validation
from mpii_tools.annotations.valid_list import find_listed, read_valid_list, write_valid_list
from mpii_tools.formats.arrays import listed
from mpii_tools.formats.mat_struct import EMPTY, cell, get, records, save_mat, struct, text
from mpii_tools.people import People, group_rows

FIELDS = ["x1", "y1", "x2", "y2", "annopoints", "scale", "objpos"]
TEST_FIELDS, ACTIVITY = ["scale", "objpos"], ["cat_name", "act_name", "act_id"]
MAX_RECT = 255  # MPII counts rects in bytes
VERSION = "12"
TWICE = "people with a joint labelled twice, the last counts"
MALFORMED = "people left out: a field is not as MPII has it"


def read_mpii_mat(path: Path, stored: dict[str, object]) -> Reading:
    """The people of MPII's .mat: the full `RELEASE`, or an `annolist` alone (one labelled person or more per entry).

    From RELEASE: every test rect (joints it lacks are NaN), and the train rects that have a labelled joint, scale and
    objpos. Split: 'test' if img_train is 0; 'valid' in the images that `valid_images.txt` beside the file lists, or,
    without that list, for Tompson's 2,958 people; 'train' otherwise, also beside one of Tompson's people (whom
    `ief prepare` then leaves out, see `splits`). `scored` is single_person.

    From a bare annolist: split ''; image names from its own `image` field, from `valid_images.txt` beside it if
    that has a line per entry, else made from RELEASE_img_index or the row.

    Args:
        path: the .mat file.
        stored: its variables.

    Returns:
        Reading; its faults and notes name what was left out, `image#rect`, and the reason.

    Raises:
        PoseError: neither variable in it, a RELEASE that is not MPII's, or not one rect that is.
    """
    if "RELEASE" in stored:
        return _people_of_release(path, unpack_release(path, stored))
    if "annolist" in stored:
        return _people_of_annolist(path, stored)
    raise PoseError(f"{path}: no variable 'RELEASE' or 'annolist', only {listed(stored)}; give MPII's annotation file")


def _people_of_release(path: Path, release: Release) -> Reading:
    rects = read_rects(path, release.annorects, release.images)
    people, train = rects.people, release.train[rects.entry]
    ids, labelled, placed = people.person_ids, people.annotated.any(axis=1), rects.placed
    listed, faults, notes = read_valid_list(path.parent), {}, {}
    if listed is not None:
        valid, faults, notes = find_listed(np.array(release.images, dtype=np.str_), listed)
        valid = train & valid[rects.entry]
    else:
        valid = train & labelled & is_validation(people.images, people.center)
    whole = ~np.isin(np.arange(len(ids)), list(rects.malformed))
    keep = placed & (labelled | ~train)

    faults = {
        MALFORMED: [f"{ids[row]}: {fault}" for row, fault in rects.malformed.items()],
        "people left out: no joint labelled": ids[train & ~labelled & whole].tolist(),
        "people left out: labelled, but without scale or objpos": ids[train & labelled & ~placed].tolist(),
        "test rects left out: no scale or objpos": ids[~train & ~placed & whole].tolist(),
        TWICE: ids[rects.repeated].tolist(),
        **faults,
    }
    notes = {
        **notes,
        "images without any rect": np.delete(release.images, rects.entry).tolist(),
        "people without head size: no head box": ids[keep & train & np.isnan(people.head_size)].tolist(),
        f"version of the file; this reader knows {VERSION}": [v for v in [release.version] if v not in ("", VERSION)],
    }
    split = np.where(train, np.where(valid, "valid", "train"), "test")
    people = replace(people, split=split, scored=release.is_single(rects)).select(keep)
    return Reading(people, "MPII .mat: RELEASE", faults, notes)


def _people_of_annolist(path: Path, stored: dict[str, object]) -> Reading:
    try:
        entries = records(stored["annolist"])
    except ValueError as error:
        raise PoseError(f"{path}: 'annolist' is {error}; give MPII's annotation file") from error
    rects = read_rects(path, [get(entry, "annorect") for entry in entries], _entry_names(path, stored, entries))
    people, number = rects.people, np.asarray(stored.get("RELEASE_person_index", EMPTY)).ravel()
    if len(number) == len(entries) == len(people):
        people = replace(people, person_ids=[f"{i}#{r}" for i, r in zip(people.images, number, strict=True)])
    whole = ~np.isin(np.arange(len(people)), list(rects.malformed))
    faults = {
        MALFORMED: [f"{people.person_ids[row]}: {fault}" for row, fault in rects.malformed.items()],
        TWICE: people.person_ids[rects.repeated].tolist(),
    }
    return Reading(people.select(whole), "MPII .mat: annolist", faults)


def _entry_names(path: Path, stored: dict[str, object], entries: list[dict[str, object]]) -> list[str]:
    """An image name for each entry of a bare annolist: the best source that has one for every entry."""
    sources = (
        image_names(path, entries),
        read_valid_list(path.parent) or [],
        [f"image{index}" for index in np.asarray(stored.get("RELEASE_img_index", EMPTY)).ravel()],
        [f"row{row + 1}" for row in range(len(entries))],
    )
    return next(names for names in sources if len(names) == len(entries))


def image_names(path: Path, entries: list[dict[str, object]]) -> list[str]:
    """The `image.name` of the entries that have one. Raises PoseError for one that is not text."""
    try:
        return [text(get(image, "name")) for entry in entries for image in records(get(entry, "image"))[:1]]
    except ValueError as error:
        raise PoseError(f"{path}: an entry's image.name is {error}; get the file again") from error


def write_mpii_mat(path: str | os.PathLike, people: People, head_boxes: np.ndarray | None = None) -> None:
    """Writes people as MPII's `RELEASE`: annolist, img_train, single_person, act, video_list; pixels 1-based.

    `person_ids` `image#r` decide which rect of its image a person becomes; a number nobody has becomes an empty rect.
    Test people keep scale and objpos only, as in MPII. Derived joints are not written.
    RELEASE knows train and test alone, so the validation images are listed in `valid_images.txt` beside the file,
    which is written too (and replaces one that is there).

    Args:
        path: the .mat file.
        people: (N people); an image's people must share one split. Split '' counts as train.
        head_boxes: (N, 4) x1, y1, x2, y2 in 0-based image pixels; None for none.

    Raises:
        PoseError: an image in two splits, joints other than MPII's, or a path that cannot be written.
    """
    if people.joint_names != MPII.names:
        raise PoseError(
            f"{path}: MPII's file holds MPII's 16 joints, not {len(people.joint_names)} others; leave those out"
        )
    boxes = np.full((len(people), 4), np.nan) if head_boxes is None else np.asarray(head_boxes, np.float64)
    if boxes.shape != (len(people), 4):
        raise PoseError(f"{path}: head boxes of shape {boxes.shape}; expected ({len(people)}, 4)")
    annolist, train, single, valid = [], [], [], []
    for image, rows in group_rows(people.images).items():
        split, *others = set(people.split[rows].tolist())
        if others:
            raise PoseError(f"{path}: image {image} has people in '{split}' and '{others[0]}'; MPII splits by image")
        hidden = split == "test"
        row_of = _numbered(path, people, image, rows)
        rects = [
            _rect(people, row_of[number], boxes, hidden) if number in row_of else {}
            for number in range(1, max(row_of) + 1)
        ]
        name, annorect = struct([{"name": image}], ["name"]), struct(rects, TEST_FIELDS if hidden else FIELDS)
        annolist.append({"image": name, "annorect": annorect})
        scored = [number for number, row in sorted(row_of.items()) if people.scored[row]]
        single.append(np.array([scored], np.uint8) if scored else EMPTY)
        train.append(not hidden)
        valid += [image] if split == "valid" else []
    release = {
        "annolist": struct(annolist, ["image", "annorect", "frame_sec", "vididx"]),
        "img_train": np.array([train], np.uint8),
        "version": VERSION,
        "single_person": cell(single),
        "act": struct([{"cat_name": "", "act_name": "", "act_id": -1}] * len(annolist), ACTIVITY).T,
        "video_list": EMPTY,
    }
    save_mat(path, {"RELEASE": release})
    write_valid_list(Path(path).parent, valid)


def _numbered(path: str | os.PathLike, people: People, image: str, rows: list[int]) -> dict[int, int]:
    """The rect's number -> the row, for the people `rows` of one image."""
    row_of: dict[int, int] = {}
    for row in rows:
        digits = str(people.person_ids[row]).removeprefix(f"{image}#")
        number = int(digits) if digits.isdecimal() and int(digits) > 0 else len(row_of) + 1
        if number in row_of or number > MAX_RECT:
            raise PoseError(
                f"{path}: person {people.person_ids[row]} cannot be rect {number} of its image; "
                f"give each person a number of its own from 1 to {MAX_RECT}"
            )
        row_of[number] = row
    return row_of


def _rect(people: People, row: int, boxes: np.ndarray, hidden: bool) -> dict[str, object]:
    """The fields of one person's rect; of a `hidden` one scale and objpos alone."""
    rect: dict[str, object] = {}
    if np.isfinite(people.scale[row]):
        rect["scale"] = people.scale[row]
    if np.isfinite(people.center[row]).all():
        rect["objpos"] = struct([dict(zip("xy", people.center[row] + 1.0, strict=True))], ["x", "y"])
    if hidden:
        return rect
    if np.isfinite(boxes[row]).all():
        rect.update(zip(("x1", "y1", "x2", "y2"), boxes[row] + 1.0, strict=True))
    if (annotated := np.isfinite(people.joints[row]).all(axis=-1) & ~people.derived[row]).any():
        point = points(people.joints[row], np.flatnonzero(annotated), people.visible[row])
        rect["annopoints"] = struct([{"point": point}], ["point"])
    return rect


def points(joints: np.ndarray, which: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """MPII's 1xP struct of points: x, y in 1-based pixels, id 0-based, is_visible if `visible` is given.

    Args:
        joints: (K, 2) 0-based image pixels.
        which: (P,) the joints to write.
        visible: (K,) 1, 0 or -1 for unknown, which becomes [].
    """
    rows = [{"x": joints[k, 0] + 1.0, "y": joints[k, 1] + 1.0, "id": np.uint8(k)} for k in which.tolist()]
    if visible is None:
        return struct(rows, ["x", "y", "id"])
    for row, k in zip(rows, which.tolist(), strict=True):
        row["is_visible"] = np.uint8(visible[k]) if visible[k] >= 0 else EMPTY
    return struct(rows, ["x", "y", "id", "is_visible"])
