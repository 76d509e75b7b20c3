"""The depth table on disk: `NAME-depth.npz` beside the people's `NAME.npz`, an array per column."""

from __future__ import annotations

import os
from pathlib import Path

from checkpoints.errors import PoseError
from mpii_tools.depth.table import Depth
from mpii_tools.formats.npz import load_arrays, save_arrays
from mpii_tools.people import People

KINDS = {
    "person_ids": "U", "z": "f", "camera": "f", "distortion": "f", "root_depth": "f", "subject": "U", "action": "U",
    "sequence": "U", "frame": "i",
}  # fmt: skip
YOUNGER = {"protocol": "U"}  # older files lack it


def depth_path(people: str | os.PathLike) -> Path:
    """Where the depths of the people of a file are: `valid-depth.npz` for `valid.npz`."""
    path = Path(people)
    return path.with_name(f"{path.stem}-depth{path.suffix}")


def save_depth(people: str | os.PathLike, depth: Depth) -> Path:
    """Write the depths of the people whose file is `people`. Raises PoseError if it cannot be written."""
    path = depth_path(people)
    save_arrays(path, {name: getattr(depth, name) for name in KINDS | YOUNGER})
    return path


def load_depth(path: str | os.PathLike, people: People) -> Depth | None:
    """The depths beside a file of people, a row for each of them; None if there are none.

    Args:
        path: of the people.

    Raises:
        PoseError: a corrupt or foreign file, or one of other people or joints.
    """
    path = depth_path(path)
    if not path.is_file():
        return None
    columns = load_arrays(path, KINDS, "depths", YOUNGER)
    try:
        depth = Depth(**columns).of(people.person_ids.tolist())
        if depth.z.shape[1] != len(people.joint_names):
            raise PoseError(f"depth: of {depth.z.shape[1]} joints, the people have {len(people.joint_names)}")
    except PoseError as error:
        raise PoseError(f"{path}: {error}; make it again") from error
    return depth
