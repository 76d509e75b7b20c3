"""People on disk: one .npz, an array per column; and what a prepared folder says of itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import read_text
from heads.skeleton import Skeleton
from mpii_tools.formats.npz import load_arrays, save_arrays
from mpii_tools.people import COLUMNS, People, require_unique
from mpii_tools.skeletons import guess_skeleton, skeleton_from_json, skeleton_to_json

KINDS = {
    "images": "U", "person_ids": "U", "joints": "f", "center": "f", "scale": "f", "head_size": "f", "split": "U",
    "scored": "b", "visible": "i", "derived": "b", "joint_names": "U",
}  # fmt: skip
OPTIONAL = {"area": "f", "skeleton": "U"}  # folders that were prepared before have neither
DESCRIPTION = "prepared.json"  # of a prepared folder
STORED = {"center": "centre"}  # the column's name in the files, which prepared folders of any age share


def save_people(path: str | os.PathLike, people: People) -> None:
    """Writes every column of `people`, joint names and skeleton (as JSON). Raises PoseError if it cannot be written."""
    columns = {STORED.get(name, name): getattr(people, name) for name in COLUMNS}
    columns["joint_names"] = np.array(people.joint_names, dtype=np.str_)
    columns["skeleton"] = np.array(json.dumps(skeleton_to_json(people.skeleton)))
    save_arrays(path, columns)


def load_people(path: str | os.PathLike) -> People:
    """The people that `save_people` wrote, equal in every bit.

    Raises:
        PoseError: a corrupt or foreign file, columns that do not fit together, or a person_id that appears twice.
    """
    columns = load_arrays(path, {STORED.get(name, name): kind for name, kind in KINDS.items()}, "people", OPTIONAL)
    columns |= {name: columns.pop(stored) for name, stored in STORED.items()}
    names, tree = columns.pop("joint_names").ravel().tolist(), columns.pop("skeleton", np.array("")).ravel().tolist()
    try:
        people = People(**columns, skeleton=_skeleton(names, "".join(tree)))
    except PoseError as error:
        raise PoseError(f"{path}: {error}; make it again") from error
    require_unique(path, people.person_ids)
    return people


def _skeleton(names: list[str], tree: str) -> Skeleton:
    """The skeleton that the file holds as JSON, or the known one of these names. Raises PoseError for neither."""
    try:
        skeleton = skeleton_from_json(json.loads(tree)) if tree else guess_skeleton(names)[0]
    except PoseError:
        raise
    except (ValueError, RecursionError) as error:
        raise PoseError(f"its skeleton is not a whole JSON text ({error})") from error
    if list(skeleton.names) != names:
        raise PoseError(f"its skeleton names joints {', '.join(skeleton.names[:3])}, ..., not its own")
    return skeleton


def read_description(folder: str | Path) -> dict:
    """`prepared.json` of a folder: name, input, border, splits (name -> people), depth (splits that have some), notes.

    Raises:
        PoseError: if there is none, or it is corrupt.
    """
    path = Path(folder) / DESCRIPTION
    try:
        description = json.loads(read_text(path))
        wanted = {"name": str, "input": int, "border": int, "splits": dict}
        if not all(isinstance(description[key], kind) for key, kind in wanted.items()):
            raise KeyError("fields of the wrong type")
        return description
    except FileNotFoundError:
        raise PoseError(f"{folder}: holds no {DESCRIPTION}, so it is not prepared; run `ief prepare` first") from None
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); run `ief prepare` again") from error
