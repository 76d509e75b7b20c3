"""Annotations in any format: which one a file or folder has is found from its content, not its name."""

import os
from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from mpii_tools.annotations import coco, lsp, mpii_arrays, mpii_json, mpii_mat, named_points, people_file, yolo
from mpii_tools.annotations.human36m import integral, mmpose, official
from mpii_tools.annotations.reading import Reading, join_readings
from mpii_tools.formats.arrays import array_names
from mpii_tools.formats.content import content, described, load_json, load_yaml
from mpii_tools.formats.mat_file import load_mat

SAFE = "mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's annot.h5 or the official .cdf"
GIVE = "give COCO keypoints, YOLO-pose's data.yaml or MPII's .mat (`ief prepare -h` lists all formats)"
LOADERS = {
    "npz": lambda path: dict.fromkeys(array_names(path, "people")),
    "hdf5": load_mat, "mat": load_mat, "json": load_json, "yaml": load_yaml, "cdf": lambda path: {},
}  # fmt: skip
PICKLE = b"\x80"  # its first byte
PICKLED = {"positions_3d", "positions_2d"}  # arrays of VideoPose3D's .npz, which are pickled objects
DATA = "data.yaml"  # of a folder of YOLO-pose
POSENET = (f"*{integral.ENDING}", f"annotations/*{integral.ENDING}")
CDF = tuple(f"{'*/' * level}[!_]*.cdf" for level in range(4))  # Human3.6M's, which may be inside as many folders

# What kinds of file it may be, arrays or fields that it has, who reads it and what was loaded of it, and the names of
# such files in a folder. The first that fits counts.
FORMS = (
    (("npz",), {*mmpose.KEYS}, lambda path, _: mmpose.read_mmpose(path), ("h36m_*.npz",)),
    (("npz",), set(), lambda path, _: Reading(people_file.load_people(path), "people of this project (.npz)"), ()),
    (("json",), {"keypoints_world"}, integral.read_rle, ()),
    (("json",), {*integral.OF_IMAGE}, integral.read_posenet, POSENET),
    (("yaml",), set(), yolo.read_yolo, ()),
    (("json",), {"shapes", "imagePath"}, named_points.read_labelme, ()),
    (("json",), {"data", "annotations"}, named_points.read_label_studio, ()),
    (("json",), {"annotations"}, coco.read_coco, ()),
    (("json",), {"joint_self"}, mpii_json.read_pytorch_pose_json, ()),
    (("json",), set(), mpii_json.read_mpii_json, ()),
    (("hdf5",), {*official.NUMBERS} - {"subaction"}, lambda path, _: official.read_fetch(path), ("S*/*/annot.h5",)),
    (("hdf5", "mat"), {"part"}, mpii_arrays.read_newell_h5, ()),
    (("hdf5", "mat"), {"pos_gt_src"}, mpii_arrays.read_gt_valid_mat, ()),
    (("hdf5", "mat"), set(), mpii_mat.read_mpii_mat, ()),
    (("cdf",), set(), lambda path, _: official.read_cdf(path), CDF),
)


def read_annotations(path: str | os.PathLike, skeleton: Skeleton | None = None, category: str | None = None) -> Reading:
    """The people of an annotation file or folder, in any format that this project reads.

    Args:
        skeleton, category: of COCO's format and YOLO-pose (`read_coco`).

    Raises:
        PoseError: no such path, none of the formats (the message tells what was found), or a fault inside.
    """
    path = Path(path)
    if path.is_dir() and not (path / DATA).is_file():
        return _read_folder(path)
    path = path / DATA if path.is_dir() else path
    kind, head = content(path)
    if kind not in LOADERS:
        raise PoseError(f"{path}: {described(head)}; {f'give Human3.6M as {SAFE}' if head[:1] == PICKLE else GIVE}")
    stored = LOADERS[kind](path)
    names = _field_names(stored)
    if kind == "npz" and PICKLED & names:
        raise PoseError(f"{path}: VideoPose3D's .npz holds pickles, which could run code; give Human3.6M as {SAFE}")
    read = next(read for kinds, fields, read, _ in FORMS if kind in kinds and fields <= names)
    return read(path, stored, skeleton, category) if read in (coco.read_coco, yolo.read_yolo) else read(path, stored)


def _read_folder(folder: Path) -> Reading:
    """The people of a folder: LSP's, a prepared one, HRNet's, those in FORMS that such files have, or labelme's."""
    if (folder / "joints.mat").is_file():
        return lsp.read_lsp(folder)
    if reading := people_file.read_prepared_people(folder) or mpii_json.read_hrnet_folder(folder):
        return reading
    for kinds, _, read, patterns in FORMS:
        paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
        if paths := [path for path in paths if "cdf" not in kinds or path.parent.name.endswith(official.FOLDER)]:
            readings = [read(path, load_json(path) if "json" in kinds else {}) for path in paths]
            return join_readings(readings, renumber=True)
    if any(path.is_file() for path in folder.rglob("*.json")):
        return named_points.read_labelme(folder)
    held = ", ".join(sorted(child.name for child in folder.iterdir())[:5])
    raise PoseError(f"{folder}: a folder of {held or 'nothing'}, not of a known format; {GIVE}")


def _field_names(stored: Any) -> set[str]:
    """What a file's arrays or fields are called, and those of its first image and its first ten annotations."""
    lists = (stored.get("images"), stored.get("annotations")) if isinstance(stored, dict) else ((), stored)
    entries = [entry for entries, count in zip(lists, (1, 10), strict=True) if isinstance(entries, list)
               for entry in entries[:count] if isinstance(entry, dict)]  # fmt: skip
    return set().union(stored if isinstance(stored, dict) else (), *entries)
