"""MPII's own annotation file: MATLAB structs, `RELEASE` in full or a bare `annolist`, with all their irregularities."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.reading import Findings, Reading
from mpii_tools.annotations.splits import find_listed, is_validation, read_valid_list, write_valid_list
from mpii_tools.formats.arrays import listed
from mpii_tools.formats.mat_file import EMPTY, make_cell, make_struct, number, records, save_mat, text
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, People, group_rows, text_array

JOINTS = len(MPII)
UNLABELED = [np.nan, np.nan, -1.0]  # x, y, is_visible
BOX = ["x1", "y1", "x2", "y2"]
TEST_FIELDS, ACTIVITY = ["scale", "objpos"], ["cat_name", "act_name", "act_id"]
MAX_RECT = 255  # MPII counts rects in bytes
VERSION = "12"
TWICE = "people with a joint labelled twice, the last counts"
MALFORMED = "people left out: a field is not as MPII has it"


@dataclass(frozen=True)
class Rects:
    """R rects.

    Attributes:
        entry: (R,) index of the image in annolist.
        people: R people `image#r`, r the 1-based position in the image, NaN for what a rect lacks; `scored` are those
            that single_person lists; the head size is 0.6 * the head box's diagonal.
        whole: (R,) bool, rects whose fields are MPII's; the others have no values in `people`.
        faults: what is wrong with the others; and people with a joint that is labelled twice (the last one counts).
    """

    entry: np.ndarray
    people: People
    whole: np.ndarray
    faults: Findings

    @property
    def placed(self) -> np.ndarray:
        """(R,) bool: rects with objpos and a scale, which can be cropped."""
        return np.isfinite(self.people.center).all(axis=1) & (self.people.scale > 0)


@dataclass(frozen=True)
class Release:
    """MPII's `RELEASE`, unpacked.

    Attributes:
        images: I file names.
        annorects: I values as `mat_file` gives them: a list of rects, or an empty matrix.
        train: (I,) bool, img_train.
        version: of the annotations; MPII's is '12'.
        rects: those of all images.
    """

    images: list[str]
    annorects: list[object]
    train: np.ndarray
    version: str
    rects: Rects


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
    if "RELEASE" not in stored:
        return _people_of_annolist(path, stored)
    release = read_release(path, stored)
    rects, images = release.rects, text_array(release.images)
    people, train = rects.people, release.train[rects.entry]
    ids, labelled, placed = people.person_ids, people.annotated.any(axis=1), rects.placed
    if (names := read_valid_list(path.parent)) is not None:
        valid, faults, notes = find_listed(images, names)
        valid = valid[rects.entry]
    else:
        valid, faults, notes = labelled & is_validation(people.images, people.center), {}, {}
    keep = placed & (labelled | ~train)
    faults = {
        **rects.faults,
        "people left out: no joint labelled": ids[train & ~labelled & rects.whole].tolist(),
        "people left out: labelled, but without scale or objpos": ids[train & labelled & ~placed].tolist(),
        "test rects left out: no scale or objpos": ids[~train & ~placed & rects.whole].tolist(),
        **faults,
    }
    notes = {
        **notes,
        "images without any rect": np.delete(images, rects.entry).tolist(),
        "people without head size: no head box": ids[keep & train & np.isnan(people.head_size)].tolist(),
        f"version of the file; this reader knows {VERSION}": [v for v in [release.version] if v not in ("", VERSION)],
    }
    people = replace(people, split=np.where(train, np.where(valid, "valid", "train"), "test"))
    return Reading(people.select(keep), "MPII .mat: RELEASE", faults, notes)


def _people_of_annolist(path: Path, stored: dict[str, object]) -> Reading:
    if "annolist" not in stored:
        raise PoseError(
            f"{path}: no variable 'RELEASE' or 'annolist', only {listed(stored)}; give MPII's annotation file"
        )
    try:
        entries = records(stored["annolist"])
    except ValueError as error:
        raise PoseError(f"{path}: 'annolist' is {error}; give MPII's annotation file") from error
    names = (  # the best source that has one for every entry
        image_names(path, entries),
        read_valid_list(path.parent) or [],
        [f"image{index}" for index in np.asarray(stored.get("RELEASE_img_index", EMPTY)).ravel()],
        [f"row{row + 1}" for row in range(len(entries))],
    )
    rects = read_rects(
        path,
        [entry.get("annorect", EMPTY) for entry in entries],
        next(source for source in names if len(source) == len(entries)),
        numbers=np.asarray(stored.get("RELEASE_person_index", EMPTY)).ravel(),
    )
    return Reading(rects.people.select(rects.whole), "MPII .mat: annolist", rects.faults)


def read_release(path: Path, stored: dict[str, object]) -> Release:
    """The parts of a loaded `RELEASE`. Raises PoseError if one is missing or their lengths differ, as `read_rects`."""
    try:
        (release,) = records(stored["RELEASE"])
        entries = records(release["annolist"])
        images = [text(records(entry["image"])[0]["name"]) for entry in entries]
        train = np.asarray(release["img_train"]).ravel().astype(bool)
        single = [set(np.asarray(value, dtype=np.int64).ravel().tolist()) for value in release["single_person"]]
    except (KeyError, ValueError, IndexError, TypeError, OverflowError) as error:
        raise PoseError(f"{path}: not MPII's RELEASE ({error!r}); expected annolist, img_train, ...") from error
    if not len(images) == len(train) == len(single):
        raise PoseError(
            f"{path}: RELEASE has {len(images)} images in annolist, {len(train)} in img_train, "
            f"{len(single)} in single_person; expected one number, so get the file again"
        )
    annorects = [entry.get("annorect", EMPTY) for entry in entries]
    version = str(release.get("version", ""))
    return Release(images, annorects, train, version, read_rects(path, annorects, images, single))


def read_rects(
    path: Path,
    annorects: Sequence[object],
    images: Sequence[str],
    single: Sequence[set[int]] | None = None,
    numbers: Sequence[object] = (),
) -> Rects:
    """Every rect of every image, whatever fields it has, in whatever order they and its points come.

    Args:
        path: for the error message.
        annorects: one value per image: a list of rects, or an empty matrix.
        images: their names.
        single: for each image the 1-based rects that the benchmark scores; None for all.
        numbers: of the rects in their images, if each image has one rect and one number; else their positions.

    Raises:
        PoseError: if not one of the rects is MPII's; the message has the first fault.
    """
    rows, malformed = [], {}
    for index, annorect in enumerate(annorects):
        try:
            rects = records(annorect)
        except ValueError as error:
            raise PoseError(f"{path}: annolist({index + 1}).annorect: {error}; get the file again") from error
        for position, rect in enumerate(rects, start=1):
            values = [np.nan] * 7, [UNLABELED] * JOINTS, False
            try:
                values = _read_rect(rect)
            except (KeyError, ValueError, IndexError) as error:
                fault = f"no field {error}" if isinstance(error, KeyError) else error
                malformed[len(rows)] = f"annolist({index + 1}).annorect({position}): {fault}"
            rows.append((index, position, *values))
    if malformed and len(malformed) == len(rows):
        raise PoseError(f"{path}: none of its {len(rows):,} rects is MPII's; first {malformed[0]}; get it again")
    entry, position, fields, points, repeated = zip(*rows, strict=True) if rows else ((),) * 5
    numbers = numbers if len(numbers) == len(annorects) == len(rows) else position
    fields, points = np.array(fields).reshape(-1, 7), np.array(points).reshape(-1, JOINTS, 3)
    people = People(
        images=[images[index] for index in entry],
        joints=points[..., :2] - 1.0,
        person_ids=[f"{images[index]}#{place}" for index, place in zip(entry, numbers, strict=True)],
        center=fields[:, 5:] - 1.0,
        scale=fields[:, 4],
        head_size=HEAD_SIZE_PER_DIAGONAL * np.hypot(fields[:, 2] - fields[:, 0], fields[:, 3] - fields[:, 1]),
        scored=[single is None or place in single[index] for index, place in zip(entry, position, strict=True)],
        visible=points[..., 2],
    )
    ids = people.person_ids
    faults = {
        MALFORMED: [f"{ids[row]}: {fault}" for row, fault in malformed.items()],
        TWICE: ids[np.array(repeated, bool)].tolist(),
    }
    return Rects(np.array(entry, int), people, ~np.isin(np.arange(len(ids)), list(malformed)), faults)


def _read_rect(rect: dict[str, object]) -> tuple[list[float], list[list[float]], bool]:
    """[x1, y1, x2, y2, scale, x, y], each joint's [x, y, is_visible], and whether one is there twice.

    Raises ValueError or KeyError.
    """
    objpos = records(rect.get("objpos", EMPTY))
    center = [objpos[0]["x"], objpos[0]["y"]] if objpos else [EMPTY, EMPTY]
    fields = [number(value) for value in [*(rect.get(name, EMPTY) for name in (*BOX, "scale")), *center]]
    points, repeated = [UNLABELED] * JOINTS, False
    for point in (p for a in records(rect.get("annopoints", EMPTY)) for p in records(a.get("point", EMPTY))):
        x, y, joint, visible = map(number, (point["x"], point["y"], point["id"], point.get("is_visible", EMPTY)))
        if joint not in range(JOINTS):
            raise ValueError(f"a point of id {joint:g}; MPII's ids are 0 to {JOINTS - 1}")
        if not (np.isfinite(x) and np.isfinite(y)):
            raise ValueError(f"point {joint:g} is at ({x:g}, {y:g})")
        repeated |= points[int(joint)] is not UNLABELED
        points[int(joint)] = [x, y, visible if visible in (0, 1) else -1]
    return fields, points, repeated


def image_names(path: Path, entries: list[dict[str, object]]) -> list[str]:
    """The `image.name` of the entries that have one. Raises PoseError for one that is not text."""
    try:
        return [text(image.get("name", EMPTY)) for entry in entries for image in records(entry.get("image", EMPTY))[:1]]
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
        raise PoseError(f"{path}: holds MPII's 16 joints, not {len(people.joint_names)} others; leave those out")
    boxes = np.full((len(people), 4), np.nan) if head_boxes is None else head_boxes
    annolist, train, single, valid = [], [], [], []
    for image, rows in group_rows(people.images).items():
        split, *others = set(people.split[rows].tolist())
        if others:
            raise PoseError(f"{path}: image {image} has people in '{split}' and '{others[0]}'; MPII splits by image")
        row_of, hidden = _number_rects(path, people, image, rows), split == "test"
        rects = [
            _make_rect(people, row_of[number], boxes, hidden) if number in row_of else {}
            for number in range(1, max(row_of) + 1)
        ]
        fields = TEST_FIELDS if hidden else [*BOX, "annopoints", *TEST_FIELDS]
        annolist.append({"image": {"name": image}, "annorect": make_struct(rects, fields)})
        scored = [number for number, row in sorted(row_of.items()) if people.scored[row]]
        single.append(np.array([scored], np.uint8) if scored else EMPTY)
        train.append(not hidden)
        valid += [image] if split == "valid" else []
    release = {
        "annolist": make_struct(annolist, ["image", "annorect", "frame_sec", "vididx"]),
        "img_train": np.array([train], np.uint8),
        "version": VERSION,
        "single_person": make_cell(single),
        "act": make_struct([{"cat_name": "", "act_name": "", "act_id": -1}] * len(annolist), ACTIVITY).T,
        "video_list": EMPTY,
    }
    save_mat(path, {"RELEASE": release})
    write_valid_list(Path(path).parent, valid)


def _number_rects(path: str | os.PathLike, people: People, image: str, rows: list[int]) -> dict[int, int]:
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


def _make_rect(people: People, row: int, boxes: np.ndarray, hidden: bool) -> dict[str, object]:
    """The fields of one person's rect; of a `hidden` one scale and objpos alone."""
    numbers = {"scale": people.scale[row]} | ({} if hidden else dict(zip(BOX, boxes[row] + 1.0, strict=True)))
    rect: dict[str, object] = {name: number for name, number in numbers.items() if np.isfinite(number)}
    if np.isfinite(people.center[row]).all():
        rect["objpos"] = dict(zip("xy", people.center[row] + 1.0, strict=True))
    if len(which := np.flatnonzero(people.annotated[row])) and not hidden:
        rect["annopoints"] = {"point": points(people.joints[row], which, people.visible[row])}
    return rect


def points(joints: np.ndarray, which: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """MPII's 1xP struct of points: x, y in 1-based pixels, id 0-based, is_visible if `visible` is given.

    Args:
        joints: (K, 2) 0-based image pixels.
        which: (P,) the joints to write.
        visible: (K,) 1, 0 or -1 for unknown, which becomes [].
    """
    fields = {"x": joints[which, 0] + 1.0, "y": joints[which, 1] + 1.0, "id": which.astype(np.uint8)}
    if visible is not None:
        fields["is_visible"] = [np.uint8(flag) if flag >= 0 else EMPTY for flag in visible[which]]
    return make_struct([dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)], [*fields])
