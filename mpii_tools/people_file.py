"""People on disk: one .npz, an array per column."""

from __future__ import annotations

import os

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.npz import load_arrays, save_arrays
from mpii_tools.people import COLUMNS, People

KINDS = {
    "images": "U", "person_ids": "U", "joints": "f", "center": "f", "scale": "f", "head_size": "f", "split": "U",
    "scored": "b", "visible": "i", "derived": "b", "joint_names": "U",
}  # fmt: skip
STORED = {"center": "centre"}  # the column's name in the files, which prepared folders of any age share


def save_people(path: str | os.PathLike, people: People) -> None:
    """Writes every column of `people` and the joint names. Raises PoseError if `path` cannot be written."""
    columns = {STORED.get(name, name): getattr(people, name) for name in COLUMNS}
    save_arrays(path, {**columns, "joint_names": np.array(people.joint_names, dtype=np.str_)})


def load_people(path: str | os.PathLike) -> People:
    """The people that `save_people` wrote, equal in every bit.

    Raises:
        PoseError: a corrupt or foreign file, columns that do not fit together, or a person_id that appears twice.
    """
    columns = load_arrays(path, {STORED.get(name, name): kind for name, kind in KINDS.items()}, "people")
    columns |= {name: columns.pop(stored) for name, stored in STORED.items()}
    names = tuple(columns.pop("joint_names").ravel().tolist())
    try:
        people = People(**columns, joint_names=names)
    except PoseError as error:
        raise PoseError(f"{path}: {error}; make it again") from error
    ids, counts = np.unique(people.person_ids, return_counts=True)
    if (counts > 1).any():
        raise PoseError(f"{path}: person '{ids[counts > 1][0]}' appears more than once; keep one")
    return people
