"""MPII as pytorch-pose's `mpii_annotations.json` has it, the form of the Convolutional Pose Machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.labels import missing_points, read_points
from mpii_tools.annotations.reading import UNPLACED, Reading
from mpii_tools.people import HEAD_SIZE_PER_SCALE, make_people, number_occurrences

MALFORMED = "people left out: not as pytorch-pose has them (entries counted from 0)"


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
    path, rows, malformed = Path(path), [], []
    for place, entry in enumerate(entries):
        try:
            rows.append(_person(entry))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            malformed.append(f"entry {place}: {error}")
    if not rows:
        raise PoseError(f"{path}: not one entry is as pytorch-pose has it, first {malformed[0]}; give its MPII file")
    images, rects, points, flags, center, scale, valid = (np.array(column) for column in zip(*rows, strict=True))
    missing = missing_points(points)
    scale = np.where(scale > 0, scale, np.nan)
    ids = [f"{image}#{rect}" for image, rect in zip(images.tolist(), rects.tolist(), strict=True)]
    people = make_people(
        images,
        np.where(missing[..., None], np.nan, points) - 1.0,
        person_ids=ids if (rects > 0).all() and len(set(ids)) == len(ids) else number_occurrences(images),
        center=center - 1.0,
        scale=scale,
        head_size=HEAD_SIZE_PER_SCALE * scale,
        split=np.where(valid, "valid", "train"),
        visible=np.where(missing, -1, flags > 0),
    )
    unplaced = (~missing & ~np.isfinite(points).all(axis=-1)).any(axis=1)
    faults = {MALFORMED: malformed, UNPLACED: people.person_ids[unplaced].tolist()}
    return Reading(people, "MPII JSON of pytorch-pose", faults)


def _person(entry: Any) -> tuple[str, int, np.ndarray, np.ndarray, np.ndarray, float, bool]:
    """Image, rect, (16, 2) points, (16,) flags, center, scale, whether it validates. The caller catches errors."""
    if not isinstance(entry, dict) or not isinstance(entry.get("img_paths"), str):
        raise TypeError("'img_paths' is not a file name")
    points, flags = read_points(entry["joint_self"], len(MPII), "joint_self")
    center = np.array(entry["objpos"], dtype=np.float64)
    if center.shape != (2,):
        raise ValueError(f"'objpos' has numbers of shape {center.shape}, not (2,)")
    rect = float(entry.get("people_index") or 0)
    flags = np.full(len(MPII), -1.0) if flags is None else flags
    whole = int(rect) if rect.is_integer() and 0 < rect < 1e6 else 0
    scale, valid = float(entry["scale_provided"]), bool(float(entry.get("isValidation") or 0))
    return entry["img_paths"], whole, points, flags, center, scale, valid
