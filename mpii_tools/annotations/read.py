"""Annotations in any format: which one a file or folder has is found from its content, not its name."""

from __future__ import annotations

import os
from pathlib import Path

from checkpoints.errors import PoseError
from mpii_tools.annotations.bearpaw import read_bearpaw_json
from mpii_tools.annotations.coco import read_coco
from mpii_tools.annotations.gt_valid import read_gt_valid_mat
from mpii_tools.annotations.lsp import read_lsp
from mpii_tools.annotations.mpii_json import load_json, read_mpii_json
from mpii_tools.annotations.mpii_mat import read_mpii_mat
from mpii_tools.annotations.newell import read_newell_h5
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.people_file import load_people

FORMATS = (
    "an LSP folder with joints.mat, MPII's .mat (RELEASE or annolist), gt_valid.mat, HRNet/mmpose JSON, "
    "pytorch-pose's JSON, COCO keypoints JSON, Newell's .h5, or a people .npz of this project"
)


def read_annotations(path: str | os.PathLike) -> Reading:
    """The people of an annotation file or folder, in any format that this project reads.

    Raises:
        PoseError: no such path, none of the formats (the message tells what was found), or a fault inside.
    """
    path = Path(path)
    if path.is_dir():
        if (path / "joints.mat").is_file():
            return read_lsp(path)
        held = ", ".join(sorted(child.name for child in path.iterdir())[:5]) or "nothing"
        raise PoseError(f"{path}: a folder without joints.mat (it holds {held}); expected {FORMATS}")
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror}); expected {FORMATS}") from error
    if head.startswith(b"PK\x03\x04"):
        return Reading(load_people(path), "people of this project (.npz)")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return read_newell_h5(path)
    if head.startswith(b"MATLAB"):
        stored = load_mat(path)
        return read_gt_valid_mat(path, stored) if "pos_gt_src" in stored else read_mpii_mat(path, stored)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        return _read_json(path)
    found = "an empty file" if not head else f"a file that begins with {head[:8]!r}"
    raise PoseError(f"{path}: {found}; expected {FORMATS}")


def _read_json(path: Path) -> Reading:
    """The people of a JSON file, whose form its own fields tell."""
    stored = load_json(path)
    if isinstance(stored, dict) and "annotations" in stored:
        return read_coco(path, stored)
    if isinstance(stored, list) and any("joint_self" in entry for entry in stored[:10] if isinstance(entry, dict)):
        return read_bearpaw_json(path, stored)
    return read_mpii_json(path, stored)
