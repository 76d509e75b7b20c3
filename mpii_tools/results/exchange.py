"""Predicted poses as people exchange them: camera coordinates in mm, MPII's 16 joints and Human3.6M's 17."""

import json
import os
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from heads.skeleton import MPII
from mpii_tools.annotations.human36m.recording import HEAD, MPII_OF, NAMES, NECK, NOSE, PELVIS, SPINE, THORAX
from mpii_tools.formats.npz import save_arrays
from mpii_tools.people import People

ENDINGS = (".npz", ".json")
OF_PERSON = ("subject", "action", "sequence", "frame")


def write_exchange(path: str | os.PathLike, people: People, joints: np.ndarray) -> Path:
    """Write the poses of N people to an .npz or a JSON file, as the ending says.

    The .npz holds `joints_16` and `joints_17` (N, K, 3), camera coordinates in mm, with `joint_names_16`,
    `joint_names_17`, `images`, `person_ids` and the columns `subject`, `action`, `sequence`, `frame`. The JSON is a
    list with an object per person as PoseNet and RLE write theirs: `image_id` (the image's name), `joint_cam`, the 17
    joints relative to the pelvis, and `root_cam`, the pelvis; and `joint_cam_16`. Spine and nose are made by rule
    (`from_mpii`).

    Args:
        people: N people with depth. The pelvis is put at the depth that it has there, the ground truth's.
        joints: (N, 16, 3) x, y in image pixels and z in mm relative to the pelvis, as predicted.

    Raises:
        PoseError: another ending, poses that are not (N, 16, 3), or somebody without a camera or the root's depth.
    """
    path, depth = Path(path), people.depth
    if path.suffix not in ENDINGS:
        raise PoseError(f"{path}: ends in {path.suffix or 'nothing'}; call it {' or '.join(ENDINGS)}")
    if joints.shape != (len(depth), len(MPII), 3):
        raise PoseError(f"{path}: poses of shape {joints.shape}, expected ({len(depth)}, {len(MPII)}, 3), with depth")
    if not depth.placed.all():
        bare = people.person_ids[~depth.placed]
        raise PoseError(f"{path}: {len(bare):,} people, first {bare[0]}, have no camera; give annotations with cameras")
    ours = depth.to_camera(joints)
    theirs = from_mpii(ours)
    of_person = {name: getattr(depth, name) for name in OF_PERSON}
    if path.suffix == ".npz":
        save_arrays(path, {
            "joints_16": ours, "joints_17": theirs, "joint_names_16": np.array(MPII.names),
            "joint_names_17": np.array(NAMES), "images": people.images, "person_ids": people.person_ids, **of_person,
        })  # fmt: skip
        return path
    root = theirs[:, [PELVIS]]
    columns = {"image_id": people.images, "person_id": people.person_ids, "joint_cam": theirs - root,
               "root_cam": root[:, 0], "joint_cam_16": ours - root, **of_person}  # fmt: skip
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return write_text(path, json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))


def from_mpii(poses: np.ndarray) -> np.ndarray:
    """Human3.6M's 17 joints (N, 17, D) of MPII's 16 (N, 16, D).

    MPII has neither spine nor nose: the spine becomes the middle of pelvis and neck, the nose that of neck and head.
    """
    theirs, ours = (
        np.full((len(poses), len(NAMES), poses.shape[2]), np.nan),
        np.flatnonzero(np.array(MPII_OF) != THORAX),
    )
    theirs[:, np.array(MPII_OF)[ours]] = poses[:, ours]
    theirs[:, SPINE] = (theirs[:, PELVIS] + theirs[:, NECK]) / 2
    theirs[:, NOSE] = (theirs[:, NECK] + theirs[:, HEAD]) / 2
    return theirs
