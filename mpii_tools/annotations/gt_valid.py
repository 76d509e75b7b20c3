"""The validation annotations as HRNet's and pytorch-pose's evaluators have them: `gt_valid.mat`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.reading import UNPLACED, Reading
from mpii_tools.annotations.valid_list import names_by_row
from mpii_tools.formats.arrays import numeric
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, People

# The file's names for the joints, in MPII's order.
NAMES = [
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor",
    "neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri",
]  # fmt: skip


def read_gt_valid_mat(path: str | os.PathLike, stored: dict[str, object] | None = None) -> Reading:
    """The people of `dataset_joints`, `jnt_missing` (16, N), `pos_gt_src` (16, 2, N), `headboxes_src` (2, 2, N).

    The file holds neither center nor scale (NaN) nor image names: those come from `valid_images.txt` beside it if
    that has a line per person, else they are `row1`, `row2`, ... Only `jnt_missing` makes a joint missing: 13 joints
    of 10 people have a coordinate zeroed without a flag and count, as they do in the evaluators that read this file;
    `notes` names those people.

    Args:
        path: the .mat file.
        stored: its variables, if it has been loaded already.

    Raises:
        PoseError: not a .mat file with these arrays.
    """
    path = Path(path)
    stored = load_mat(path) if stored is None else stored
    raw = numeric(path, stored, "pos_gt_src", (16, 2, None))
    count = raw.shape[2]
    missing = numeric(path, stored, "jnt_missing", (16, count)).T != 0
    box = numeric(path, stored, "headboxes_src", (2, 2, count))
    labels = stored.get("dataset_joints")
    if not isinstance(labels, list) or sorted(map(str, labels)) != sorted(NAMES):
        raise PoseError(f"{path}: 'dataset_joints' names {labels}; expected {NAMES} in any order")
    order = [labels.index(name) for name in NAMES]
    points, missing = raw.transpose(2, 0, 1)[:, order], missing[:, order]

    names, list_notes = names_by_row(path.parent, count)
    people = People(
        names,
        np.where(missing[..., None], np.nan, points) - 1.0,
        head_size=HEAD_SIZE_PER_DIAGONAL * np.linalg.norm(box[1] - box[0], axis=0),
    )
    unplaced = (~np.isfinite(points).all(axis=2) & ~missing).any(axis=1)
    zeroed = ((points == 0).any(axis=2) & ~missing).any(axis=1)
    ids = people.person_ids
    faults = {UNPLACED: ids[unplaced].tolist()}
    notes = {"people with a zeroed coordinate that is not flagged missing": ids[zeroed].tolist(), **list_notes}
    return Reading(people, "gt_valid.mat of HRNet and pytorch-pose", faults, notes)
