"""COCO keypoints (`person_keypoints_*.json`), and other datasets in their form."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, escape_name, name_fault
from heads.skeleton import COCO17, Skeleton
from mpii_tools.annotations.labels import UNTOLD, missing_points, name_entry, read_entries, read_numbers, read_points
from mpii_tools.annotations.placement import ELSEWHERE, check_boxes, find_elsewhere
from mpii_tools.annotations.reading import NOT_AS, Findings, Reading, build_reading, merge
from mpii_tools.annotations.splits import split_by_name
from mpii_tools.formats.coco_images import as_ids, image_key, image_names, image_of, index_images, plain_id
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL
from mpii_tools.skeletons import check_extras, fit_edges, guess_skeleton

CROWD = "people left out: a crowd (iscrowd is 1)"
NO_CROWD = ("0", "0.0", "false", *UNTOLD)
NO_JOINT = "people left out: no labeled joint (num_keypoints is 0)"
MALFORMED = f"{NOT_AS} COCO has them (annotation ids)"
ZEROED = "people with a labeled joint at 0, 0, taken as missing"
GUESSED = "joints of {} of no known skeleton; their tree is guessed: {} (or give --skeleton FILE)"


def read_coco(
    path: str | os.PathLike, stored: dict[str, Any], skeleton: Skeleton | None = None, category: str | None = None
) -> Reading:
    """The people of `images`, `annotations` and `categories`.

    The joints are those of the categories' `keypoints`: a known skeleton if it has these names, in any order; else a
    tree along their `skeleton`, as far as it fits. Coordinates are 0-based already. A joint is missing if its flag is
    0, or if it is at (0, 0) or not a number; 1 is occluded, 2 visible. Center and scale are those of the `bbox` (x, y,
    width, height on pixel edges, but see `check_boxes`), so that the crop is 1.25 of its longer side around its center;
    without one they are MPII's own if the file has them, as mmpose's MPII-TRB does, else NaN. `area` is OKS's. Crowds
    and people without a joint are left out and noted. A `headbox` (x1, y1, x2, y2), as MPII-TRB has it, gives the head
    size as MPII's does; COCO has none. Split: `splits.split_by_name`. `person_ids` count an image's people in order.
    The ids of images and categories are kept, and the size that an image had when it was labeled.

    Args:
        path: the file, for messages.
        stored: its contents.
        skeleton: of a file that names no keypoints, in their order; None for COCO's.
        category: name or id of the one to read; None for all.

    Raises:
        PoseError: no lists of these names, no such category, categories with different keypoints, or nobody in it.
    """
    path, stored = Path(path), {"categories": [], **stored} if skeleton else stored
    entries, categories = (_list_objects(path, stored, key) for key in ("annotations", "categories"))
    category, kept = select_category(path, categories, category, [entry.get("category_id") for entry in entries])
    entries = [entry for entry, keep in zip(entries, kept, strict=True) if keep]
    skeleton = skeleton or COCO17  # of keypoints without names
    names, joints, notes = _read_names(path, category, entries, skeleton)
    kinds = [CROWD if str(entry.get("iscrowd") or 0).lower() not in NO_CROWD
             else NO_JOINT if entry.get("num_keypoints", 1) == 0 else "" for entry in entries]  # fmt: skip
    left_out = {kind: [name_entry(place, entries[place]) for place, of in enumerate(kinds) if of == kind]
                for kind in (CROWD, NO_JOINT)}  # fmt: skip
    images = _list_objects(path, stored, "images")
    read = partial(_read_person, names=image_names(images), index=index_images(images), joints=joints)
    people = [entry for entry, kind in zip(entries, kinds, strict=True) if not kind]
    if not people:
        empty = "all are crowds or without a labeled joint" if entries else "the list of annotations is empty"
        raise PoseError(f"{path}: nobody to read: {empty}; give a keypoints file")
    columns, malformed = read_entries(path, people, read, "COCO", "a file in its form")
    images, marked, boxes, area, head, places, sizes, *ids = map(np.array, columns)
    skeleton, order, guessed = arrange_joints(path, category, names, marked, skeleton)
    image_ids, category_ids = (as_ids(column.tolist()) for column in ids)
    ours = {"area": area, "head_size": head, "image_ids": image_ids, "category_ids": category_ids}
    faults, notes = {MALFORMED: malformed}, merge(notes, guessed, left_out)
    reading = build_marked(images, marked, order, boxes, sizes, faults, notes, places, skeleton=skeleton, **ours)
    people = replace(reading.people, split=split_by_name(path, reading.people.images, reading.people.center))
    exempt = _read_exempt([(entry, kind) for entry, kind in zip(entries, kinds, strict=True) if kind], read, order)
    listed = sorted(stored["images"], key=lambda image: str(image.get("id")).zfill(20))
    image_ids = {escape_name(image["file_name"]): plain_id(image.get("id"))
                 for image in listed if isinstance(image.get("file_name"), str)}  # fmt: skip
    return replace(reading, people=people, image_ids=image_ids, exempt=exempt)


def build_marked(
    images: Sequence[str],
    marked: np.ndarray,
    order: list[int],
    boxes: np.ndarray,
    sizes: np.ndarray,
    faults: Findings,
    notes: Findings,
    places: np.ndarray | None = None,
    **columns: object,
) -> Reading:
    """N people of COCO's columns, but for those without a joint, who are noted.

    Args:
        marked: (N, J, 3) x, y, flag of the file's keypoints.
        order: of the K joints among them, -1 for a derived one, which nobody has.
        boxes: (N, 4) x, y, width, height, NaN without one.
        sizes: (N, 2) of the images.
        places: (N, 3) MPII's center and scale of those without a box.
        columns: further ones of `People`.
    """
    marked = np.pad(marked, ((0, 0), (0, 1), (0, 0)))[:, order]
    points, flags, missing = marked[..., :2], marked[..., 2], missing_points(marked[..., :2])
    labeled = (flags != 0) & ~missing
    boxes, center, scale, box_notes = check_boxes(boxes, sizes)
    if places is not None:
        unboxed = np.isnan(scale)
        center[unboxed], scale[unboxed] = places[unboxed, :2], places[unboxed, 2]
    elsewhere, empty = find_elsewhere(np.where(labeled[..., None], points, np.nan), boxes), ~labeled.any(axis=1)
    found = {**box_notes, ELSEWHERE: elsewhere, ZEROED: (missing & (flags != 0)).any(axis=1), NO_JOINT: empty}
    columns |= {"center": center, "scale": scale, "image_size": sizes}
    columns["visible"] = np.where(labeled & np.isin(flags, (1, 2)), flags - 1, -1)
    reading = build_reading("COCO keypoints", images, points, labeled, faults, found, first_pixel=0, **columns)
    return replace(reading, people=reading.people.select(~empty), notes=merge(notes, reading.notes))


def _read_exempt(entries: Iterable[tuple[dict, str]], read: Callable[[dict], tuple], order: list[int]) -> list[dict]:
    """Those left out for a reason, in `Reading`'s form, as far as they have an image and a box."""
    exempt = []
    for entry, reason in entries:
        with suppress(TypeError, ValueError, LookupError, OverflowError, AttributeError):
            image, marked, box, area, *_ = read({"keypoints": [0] * 3 * sum(at >= 0 for at in order)} | entry)
            marked, area = np.pad(marked, ((0, 1), (0, 0)))[order], box[2] * box[3] if np.isnan(area) else area
            labeled = (marked[:, 2] > 0) & ~missing_points(marked[:, :2])
            keypoints = np.where(labeled[:, None], marked, 0).ravel().tolist()
            row = {"image": escape_name(image), "iscrowd": int(reason == CROWD), "num_keypoints": int(labeled.sum())}
            exempt += [row | {"keypoints": keypoints, "bbox": box.tolist(), "area": float(area)}] if area > 0 else []
    return exempt


def _list_objects(path: Path, stored: dict[str, Any], key: str) -> list[dict]:
    """The list of objects called `key`. Raises PoseError for anything else."""
    entries = stored.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PoseError(f"{path}: no list of objects '{key}', as COCO's annotations have; give a keypoints file")
    return entries


def select_category(
    path: Path, categories: list[dict], category: str | None, numbers: Sequence[object]
) -> tuple[dict[str, Any], list[bool]]:
    """The category to read, by name or id, and which of people's category ids are its; without one all, whose keypoints
    must be the same."""
    names, kept = ", ".join(str(entry.get("name", entry.get("id")))[:40] for entry in categories), [True] * len(numbers)
    if category is not None:
        categories = [entry for entry in categories if category in (entry.get("name"), image_key(entry.get("id")))]
        if not categories:
            raise PoseError(f"{path}: --category {category}: is none of its categories {names}")
        kept = [image_key(number) == image_key(categories[0].get("id")) for number in numbers]
    categories = [entry for entry in categories if entry.get("keypoints")] or [{}]
    if any(entry.get("keypoints") != categories[0].get("keypoints") for entry in categories):
        raise PoseError(f"{path}: its categories {names} have different keypoints; choose one with --category NAME")
    return categories[0], kept


def _read_names(
    path: Path, category: dict[str, Any], entries: list[dict], skeleton: Skeleton | None
) -> tuple[list[str], int, dict[str, list[str]]]:
    """The names of the category's keypoints, [] without any; how many people have; notes.

    `skeleton` is that of keypoints without names.
    """
    names = category["keypoints"] if isinstance(category.get("keypoints"), list) else []
    lists = [points for entry in entries if isinstance(points := entry.get("keypoints"), list) and points]
    counts = Counter(len(points) * np.size(points[0]) for points in lists)
    points = max(counts, key=counts.get, default=3 * len(names)) // 3
    if not names and points not in (0, len(skeleton)):
        raise PoseError(f"{path}: its people have {points} keypoints without names; name them by --skeleton FILE")
    if not names:
        return [], len(skeleton), {}
    if counts.keys() & {2 * len(names), 3 * len(names)} or not points:
        return names, len(names), {}
    what = f"keypoints of {path} left out: its categories name {len(names)}, its people have {points}"
    return names[:points], len(names[:points]), {what: names[points:]}


def arrange_joints(
    path: Path, category: dict[str, Any], names: list[str], marked: np.ndarray, skeleton: Skeleton
) -> tuple[Skeleton, list[int], dict[str, list[str]]]:
    """The skeleton of the category's keypoints, the place of each joint among them (`guess_skeleton`), notes.

    Beside `skeleton`, its edges, a category may have `flip_pairs`, written as these, and `sigmas`.

    Args:
        names: of the keypoints; [] for those of `skeleton`.
        marked: (N, J, 3) people's x, y, flag.
    """
    if not names:
        return skeleton, [*range(len(skeleton))], {}
    with name_fault(path, "the keypoints of its categories make no skeleton", "fix them", ValueError):
        if not all(isinstance(name, str) and name and name.isprintable() for name in names):
            raise ValueError("a keypoint without a name")
        drawn, mirrored = (
            None if category.get(key) in UNTOLD else category.get(key) for key in ("skeleton", "flip_pairs")
        )
        edges, unused, first = fit_edges(drawn, len(names), names)
        pairs, strange, _ = fit_edges(mirrored, len(names), names)
        guessed, order, tree = guess_skeleton(names, edges, pairs, _find_middle(marked))
        if isinstance(category.get("sigmas"), list):
            sigmas = read_numbers(category["sigmas"], (len(names),), "sigmas")
            guessed = replace(guessed, sigmas=tuple(np.append(sigmas, sigmas.mean())[order].tolist()))
            check_extras(guessed)
    agreed = {frozenset(guessed.names[joint] for joint in pair) for pair in guessed.flip_pairs}
    strange += [" and ".join(pair) for one, other in pairs if {*(pair := (names[one], names[other]))} not in agreed]
    notes = {
        GUESSED.format(path, f"{tree}, edges counted from {first}" if edges else tree): names if tree else [],
        f"edges of {path} not used: no two of its keypoints, by number or name": unused,
        f"flip pairs of {path} not used: no two of its keypoints, or their names tell others": strange,
    }
    return guessed, order, notes


def _find_middle(marked: np.ndarray) -> int:
    """Which of people's labeled joints (N, K, 3), x y flag, is on average the nearest to the middle of their box."""
    known = np.where((marked[..., 2:] > 0) & ~missing_points(marked[..., :2])[..., None], marked[..., :2], np.nan)
    middle = (np.fmin.reduce(known, axis=1) + np.fmax.reduce(known, axis=1)) / 2
    apart = np.linalg.norm(known - middle[:, None], axis=-1)
    counts = np.isfinite(apart).sum(axis=0)
    return int(np.argmin(np.where(counts > 0, np.nan_to_num(apart).sum(axis=0) / np.maximum(counts, 1), np.inf)))


def _read_sizes(values: Sequence[object]) -> np.ndarray:
    """Numbers above 0, or NaN for all of them if one is none: a size that is 0 or null says nothing."""
    try:
        numbers = read_numbers(values, (len(values),), "size")
    except ValueError:
        return np.full(len(values), np.nan)
    return np.where(((numbers > 0) & (numbers < 1e9)).all(), numbers, np.nan)


def _read_box(value: object, name: str) -> np.ndarray:
    """(4,) numbers, in one list or in two; NaN for nothing. Raises ValueError for anything else."""
    try:
        return read_numbers(np.ravel(value or [np.nan] * 4), (4,), name)
    except ValueError:
        raise ValueError(f"'{name}' is {str(value)[:40]}, not four numbers") from None


def _read_person(entry: dict, names: dict, index: dict, joints: int) -> tuple:
    """Image, (K, 3) x y flag, (4,) box, area, head size, MPII's x, y, scale, the image's size, both ids.

    The caller catches what a bad entry raises.
    """
    image = image_of(entry, names)
    stated = index.get(image_key(entry.get("image_id"))) or index.get(image, {})
    if "keypoints" not in entry:
        raise ValueError("no 'keypoints': take COCO's person_keypoints file, not its instances")
    points, flags = read_points(entry["keypoints"], joints, "keypoints")
    box, head = (_read_box(entry.get(name), name) for name in ("bbox", "headbox"))
    head_size = HEAD_SIZE_PER_DIAGONAL * float(np.linalg.norm(head[:2] - head[2:]))
    area = float(area) if isinstance(area := entry.get("area"), (int, float)) and area > 0 else np.nan
    flags = np.where(np.isfinite(points).all(axis=1), 2.0, 0.0) if flags is None else flags
    center = entry.get("center") if isinstance(entry.get("center"), list) else []
    place = _read_sizes([*center, entry.get("scale")] if len(center) == 2 else [None] * 3)
    size = _read_sizes([stated.get("width"), stated.get("height")])
    ids = plain_id(stated.get("id")), plain_id(entry.get("category_id"))
    return image, np.column_stack([points, flags]), box, area, head_size, place, size, *ids
