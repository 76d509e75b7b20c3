"""Annotations in any format: which one a file or folder has is found from its content, not its name."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from mpii_tools.annotations.coco import read_coco
from mpii_tools.annotations.human36m.read import SAFE, read_human36m, read_human36m_folder
from mpii_tools.annotations.lsp import read_lsp
from mpii_tools.annotations.mpii_arrays import read_gt_valid_mat, read_newell_h5
from mpii_tools.annotations.mpii_json import read_hrnet_folder, read_mpii_json, read_pytorch_pose_json
from mpii_tools.annotations.mpii_mat import read_mpii_mat
from mpii_tools.annotations.people_file import read_people_file, read_prepared_people
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.content import content, described, load_json
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.formats.npz import array_names

FORMATS = (
    "an LSP folder with joints.mat, HRNet's annot folder, a prepared folder, MPII's .mat (RELEASE or annolist), "
    "gt_valid.mat, HRNet/mmpose JSON, pytorch-pose's JSON, COCO keypoints JSON, Newell's .h5, a people .npz of this "
    f"project, or Human3.6M as {SAFE}"
)
LOADERS = {
    "npz": partial(array_names, what="people"), "hdf5": load_mat, "mat": load_mat, "json": load_json,
    "cdf": lambda path: (),
}  # fmt: skip


def read_annotations(path: str | os.PathLike, skeleton: Skeleton | None = None, category: str | None = None) -> Reading:
    """The people of an annotation file or folder, in any format that this project reads.

    Args:
        skeleton, category: of COCO's format (`read_coco`).

    Raises:
        PoseError: no such path, none of the formats (the message tells what was found), or a fault inside.
    """
    path = Path(path)
    if path.is_dir():
        if (path / "joints.mat").is_file():
            return read_lsp(path)
        if reading := read_prepared_people(path) or read_hrnet_folder(path) or read_human36m_folder(path):
            return reading
        held = ", ".join(sorted(child.name for child in path.iterdir())[:5]) or "nothing"
        raise PoseError(
            f"{path}: a folder without joints.mat, train.json or prepared.json (it holds {held}); expected {FORMATS}"
        )
    try:
        kind, head = content(path)
    except PoseError as error:
        raise PoseError(f"{error}; expected {FORMATS}") from error
    if kind not in LOADERS:
        raise PoseError(f"{path}: {described(head)}; expected {FORMATS}")
    stored = LOADERS[kind](path)
    if reading := read_human36m(path, kind, stored):
        return reading
    if kind == "npz":
        return read_people_file(path)
    if kind == "json":
        return _read_json(path, stored, skeleton, category)
    if "part" in stored:
        return read_newell_h5(path, stored)
    return read_gt_valid_mat(path, stored) if "pos_gt_src" in stored else read_mpii_mat(path, stored)


def _read_json(path: Path, stored: Any, skeleton: Skeleton | None, category: str | None) -> Reading:
    """The people of a JSON file's value, whose form its own fields tell."""
    if isinstance(stored, dict) and "annotations" in stored:
        return read_coco(path, stored, skeleton, category)
    if isinstance(stored, list) and any("joint_self" in entry for entry in stored[:10] if isinstance(entry, dict)):
        return read_pytorch_pose_json(path, stored)
    return read_mpii_json(path, stored)
