"""People on disk; and what a prepared folder says of itself.

`NAME.npz` has an array per column. The depths of people in three dimensions are in `NAME-depth.npz` beside it.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints import PoseError, read_text
from mpii_tools.annotations.reading import Reading, join_readings
from mpii_tools.formats.arrays import load_arrays, save_arrays
from mpii_tools.people import COLUMNS, DEPTH_COLUMNS, ID_COLUMNS, Depth, People, find_rows, join_columns, require_unique
from mpii_tools.skeletons import guess_skeleton, skeleton_from_json, skeleton_to_json

DESCRIPTION = "prepared.json"  # of a prepared folder
SECOND = "-2"  # behind a split's name in its files', when those of its name are to be replaced
STORED = {"center": "centre"}  # the column's name in the files, which prepared folders of any age share
# Array -> numpy's letter for its type. Older files lack what is optional.
KINDS = {STORED.get(name, name): np.dtype(kind).kind for name, (kind, *_) in COLUMNS.items()} | {"joint_names": "U"}
OPTIONAL = (
    {name: KINDS.pop(name) for name in ("area", "image_size")} | dict.fromkeys(ID_COLUMNS, "iU") | {"skeleton": "U"}
)
DEPTH_KINDS = {"person_ids": "U"} | {name: np.dtype(kind).kind for name, (kind, *_) in DEPTH_COLUMNS.items()}
OPTIONAL_DEPTH = {"protocol": DEPTH_KINDS.pop("protocol")}


def depth_path(people: str | os.PathLike) -> Path:
    """Where the depths of the people of a file are: `valid-depth.npz` for `valid.npz`."""
    path = Path(people)
    return path.with_name(f"{path.stem}-depth{path.suffix}")


def split_files(folder: str | os.PathLike, split: str, second: bool = False) -> tuple[Path, Path, Path]:
    """Where a split of a prepared folder has its people, their depths and its crops."""
    people = Path(folder) / f"{split}{SECOND * second}.npz"
    return people, depth_path(people), people.with_name(f"{people.stem}-crops.npy")


def save_people(path: str | os.PathLike, people: People) -> None:
    """Writes every column of `people`, joint names and skeleton (as JSON), and the depths beside if they have some.

    Depths of other people that were there are removed.

    Raises:
        PoseError: if it cannot be written.
    """
    depth_path(path).unlink(missing_ok=True)
    columns = {STORED.get(name, name): getattr(people, name) for name in COLUMNS} | people.ids
    tree = np.array(json.dumps(skeleton_to_json(people.skeleton)))
    save_arrays(path, columns | {"joint_names": np.array(people.joint_names, dtype=np.str_), "skeleton": tree})
    if people.depth is not None:
        save_arrays(depth_path(path), {"person_ids": people.person_ids} | join_columns([people.depth], DEPTH_COLUMNS))


def load_people(path: str | os.PathLike) -> People:
    """The people that `save_people` wrote, equal in every bit.

    Raises:
        PoseError: a corrupt or foreign file, columns that do not fit together, a person_id that appears twice, or
            depths of other people or joints.
    """
    columns = load_arrays(path, KINDS, "people", OPTIONAL)
    columns |= {name: columns.pop(stored) for name, stored in STORED.items()}
    names, tree = columns.pop("joint_names").ravel().tolist(), columns.pop("skeleton", np.array("")).ravel().tolist()
    try:
        tree = "".join(tree)
        skeleton = skeleton_from_json(json.loads(tree)) if tree else guess_skeleton(names)[0]
        if list(skeleton.names) != names:
            raise PoseError(f"its skeleton names joints {', '.join(skeleton.names[:3])}, ..., not its own")
        people = People(**columns, skeleton=skeleton)
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, PoseError) else f"its skeleton is not a whole JSON text ({error})"
        raise PoseError(f"{path}: {reason}; make it again") from error
    require_unique(path, people.person_ids)
    if not (depth := depth_path(path)).is_file():
        return people
    columns = load_arrays(depth, DEPTH_KINDS, "depths", OPTIONAL_DEPTH)
    try:
        ids = columns.pop("person_ids").ravel()
        table = Depth(**columns)
        if len(table) != len(ids):
            raise PoseError(f"depth: {len(table):,} rows for {len(ids):,} people")
        require_unique("depth", ids)
        return replace(people, depth=table.select(find_rows("depth", ids, people.person_ids)))
    except PoseError as error:
        raise PoseError(f"{depth}: {error}; make it again") from error


def read_prepared_people(folder: Path) -> Reading | None:
    """The people of every split that `ief prepare` wrote to `folder`; None if it wrote none there.

    Raises:
        PoseError: a folder that is not whole.
    """
    if not (folder / DESCRIPTION).is_file():
        return None
    splits, second = map(read_description(folder).get, ("splits", "second"))
    if not splits:
        raise PoseError(f"{folder / DESCRIPTION}: has no split; run `ief prepare` again")
    parts, listed = [load_people(split_files(folder, split, split in second)[0]) for split in splits], ", ".join(splits)
    if any(part.skeleton != parts[0].skeleton for part in parts):
        raise PoseError(f"{folder}: its splits {listed} have different joints; prepare them again")
    return join_readings([Reading(part, f"people of a prepared folder: {listed}") for part in parts], renumber=True)


def read_description(folder: str | Path) -> dict:
    """`prepared.json` of a folder: name, input, border, splits (name -> people), depth (splits that have some), notes.

    Also `second`, the splits whose files have `SECOND` in their names, and `sums`, split -> the checksums of its files;
    both are empty where it has none.

    Raises:
        PoseError: if there is none, or it is corrupt.
    """
    path = Path(folder) / DESCRIPTION
    try:
        description = {"depth": [], "second": [], "sums": {}} | json.loads(read_text(path))
        wanted = {"name": str, "input": int, "border": int, "splits": dict, "depth": list, "second": list, "sums": dict}
        if not all(isinstance(description[key], kind) for key, kind in wanted.items()):
            raise KeyError("fields of the wrong type")
        return description
    except FileNotFoundError:
        raise PoseError(f"{folder}: holds no {DESCRIPTION}, so it is not prepared; run `ief prepare` first") from None
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); run `ief prepare` again") from error
