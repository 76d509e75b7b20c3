"""COCO keypoints (`person_keypoints_*.json`), and other datasets in their form."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from mpii_tools.annotations.labels import missing_points, read_points
from mpii_tools.annotations.placement import crop_of_boxes
from mpii_tools.annotations.reading import UNPLACED, Reading
from mpii_tools.annotations.splits import split_by_name
from mpii_tools.formats.coco_images import as_ids, image_key, image_names, image_of, index_ids, plain_id
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, People
from mpii_tools.skeletons import SKELETONS, guess_skeleton

CROWD = "people left out: a crowd (iscrowd is 1)"
NO_JOINT = "people left out: no labeled joint (num_keypoints is 0)"
MALFORMED = "people left out: not as COCO has them (annotation ids)"
ZEROED = "people with a labeled joint at 0, 0, taken as missing"
GUESSED = "joints of no known skeleton; their tree is guessed from the file (give --skeleton FILE for another)"


def read_coco(path: str | os.PathLike, stored: dict[str, Any]) -> Reading:
    """The people of `images`, `annotations` and `categories`.

    The joints are those of the categories' `keypoints`: a known skeleton if it has these names, in any order; else a
    tree along their `skeleton`. Coordinates are 0-based already. A joint is missing if its flag is 0, or if it is at
    (0, 0) or not a number; 1 is occluded, 2 visible. Center and scale are those of the `bbox` (x, y, width, height on
    pixel edges), so that the crop is 1.25 of its longer side around its center; NaN without one. `area` is OKS's.
    Crowds and people without a joint are left out and noted. A `headbox` (x1, y1, x2, y2), as mmpose's MPII-TRB has it,
    gives the head size as MPII's does; COCO has none. Split: `splits.split_by_name`. `person_ids` count an
    image's people in order. The ids of images and categories are kept.

    Args:
        path: the file, for messages.
        stored: its contents.

    Raises:
        PoseError: no lists of these names, categories with different keypoints, or nobody in it.
    """
    path = Path(path)
    skeleton, order, known = _read_skeleton(path, stored)
    rows, left_out = _read_people(path, stored, order)
    if not rows:
        first = f", first {left_out[MALFORMED][0]}" if left_out[MALFORMED] else ""
        raise PoseError(
            f"{path}: nobody with keypoints in it{first}; give COCO's person_keypoints file, not its instances"
        )
    *columns, image_ids, category_ids = zip(*rows, strict=True)
    images, points, flags, boxes, area, head = map(np.array, columns)
    zeroed, labeled = missing_points(points) & (flags != 0), (flags != 0) & ~missing_points(points)
    joints = np.where(labeled[..., None], points, np.nan)
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    boxes = np.where(usable[:, None], boxes, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        center, scale = crop_of_boxes(boxes)
    people = People(
        images,
        joints,
        center=center,
        scale=scale,
        head_size=head,
        split=split_by_name(path, images, center),
        visible=np.where(labeled & np.isin(flags, (1, 2)), flags - 1, -1),
        area=area,
        skeleton=skeleton,
        image_ids=as_ids(image_ids),
        category_ids=as_ids(category_ids),
    )
    ids, empty = people.person_ids, ~labeled.any(axis=1)
    unplaced = (labeled & ~np.isfinite(points).all(axis=-1)).any(axis=1)
    faults = {MALFORMED: left_out[MALFORMED], UNPLACED: ids[unplaced].tolist()}
    notes = {
        CROWD: left_out[CROWD],
        NO_JOINT: left_out[NO_JOINT] + ids[empty].tolist(),
        ZEROED: ids[zeroed.any(axis=1)].tolist(),
        GUESSED: [] if known else list(skeleton.names),
    }
    return Reading(people.select(~empty), "COCO keypoints", faults, notes)


def _objects(path: Path, stored: dict[str, Any], key: str) -> list[dict]:
    """The list of objects called `key`. Raises PoseError for anything else."""
    entries = stored.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PoseError(f"{path}: no list of objects '{key}', as COCO's annotations have; give a keypoints file")
    return entries


def _read_skeleton(path: Path, stored: dict[str, Any]) -> tuple[Skeleton, list[int], bool]:
    """The skeleton of the categories' keypoints, their order, and whether it is known (`guess_skeleton`)."""
    categories = [entry for entry in _objects(path, stored, "categories") if entry.get("keypoints")]
    if not categories:
        return SKELETONS["coco17"], list(range(17)), True
    names, edges = categories[0]["keypoints"], categories[0].get("skeleton") or []
    if any(entry["keypoints"] != names for entry in categories):
        raise PoseError(f"{path}: its categories have different keypoints; give a file per kind of skeleton")
    try:
        pairs = [(int(one) - 1, int(other) - 1) for one, other in edges]
        if not all(isinstance(name, str) and name and name.isprintable() for name in names):
            raise ValueError("a keypoint without a name")
        if not all(0 <= joint < len(names) for pair in pairs for joint in pair):
            raise ValueError("an edge beyond the keypoints")
        return guess_skeleton(names, pairs)
    except (TypeError, ValueError, OverflowError, PoseError) as error:
        raise PoseError(f"{path}: the keypoints of its categories make no skeleton ({error}); fix them") from error


def _read_people(path: Path, stored: dict[str, Any], order: list[int]) -> tuple[list[tuple], dict[str, list[str]]]:
    """What `_read_person` makes of each annotation, and why the others are left out."""
    images = _objects(path, stored, "images")
    names, id_of = image_names(images), index_ids(images)
    rows, left_out = [], defaultdict(list)
    for place, entry in enumerate(_objects(path, stored, "annotations")):
        label = str(entry.get("id", f"entry {place}"))[:40]
        try:
            if entry.get("iscrowd", 0):
                left_out[CROWD].append(label)
            elif entry.get("num_keypoints", 1) == 0:
                left_out[NO_JOINT].append(label)
            else:
                person = _read_person(entry, names, order)
                image_id = id_of.get(image_key(entry.get("image_id")), id_of.get(person[0]))
                rows.append((*person, image_id, plain_id(entry.get("category_id"))))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            left_out[MALFORMED].append(f"{label}: {error}")
    return rows, left_out


def _read_person(entry: dict, names: dict, order: list[int]) -> tuple:
    """Image, (K, 2) points, (K,) flags, (4,) box, area, head size. The caller catches what a bad entry raises."""
    image = image_of(entry, names)
    if "keypoints" not in entry:
        raise ValueError("no 'keypoints'")
    points, flags = read_points(entry["keypoints"], len(order), "keypoints")
    box, head = (np.array(entry.get(key) or [np.nan] * 4, dtype=np.float64) for key in ("bbox", "headbox"))
    if box.shape != (4,) or head.size != 4:
        raise ValueError(f"'bbox' has numbers of shape {box.shape}, 'headbox' of {head.shape}, not (4,)")
    corners = head.reshape(2, 2)
    head_size = HEAD_SIZE_PER_DIAGONAL * float(np.linalg.norm(corners[1] - corners[0]))
    area = entry.get("area")
    area = float(area) if isinstance(area, (int, float)) and area > 0 else np.nan
    flags = np.where(np.isfinite(points).all(axis=1), 2.0, 0.0) if flags is None else flags
    return image, points[order], flags[order], box, area, head_size
