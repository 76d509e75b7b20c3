"""Human3.6M as h36m-fetch writes it: `S1/Directions-1/annot.h5` with the frames beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.arrays import listed, numeric
from mpii_tools.formats.hdf5 import load_hdf5
from mpii_tools.human36m.cameras import find_cameras, lenses
from mpii_tools.human36m.joints import OF_32
from mpii_tools.human36m.names import SUBJECTS, action_of, camera_of, sequence_name
from mpii_tools.human36m.protocols import split_of
from mpii_tools.human36m.recording import Recording, make_recording

NAME = "annot.h5"
GROUPS = ("pose", "intrinsics")
NUMBERS = ("subject", "action", "subaction", "camera", "frame")
FOLDERS = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}  # what h36m-fetch calls its folders of these actions


def is_fetch_h5(names: set[str]) -> bool:
    """Whether an HDF5 file with datasets of these names is h36m-fetch's."""
    return set(NUMBERS) - {"subaction"} <= names and "part" not in names


def read_fetch_h5(path: Path) -> Recording:
    """The people of one annot.h5.

    `pose/3d` is taken, the subject's own skeleton in camera coordinates; `pose/3d-univ` is nobody's. The cameras come
    from metadata.xml or cameras.json, else `intrinsics` has them as fx, cx, fy, cy without lens distortion. Frames are
    counted from 1 there. Images are named from the folder of the subjects: S1/Directions-1/imageSequence/CAMERA/...

    Raises:
        PoseError: another file, or numbers of no subject, action or camera.
    """
    stored = load_hdf5(path, GROUPS)
    if "pose/3d" not in stored:
        raise PoseError(f"{path}: no 'pose/3d', only {listed(stored)}; write it with today's h36m-fetch")
    points = numeric(path, stored, "pose/3d", (None, 32, 3))[:, OF_32]
    labels = numeric(path, stored, "pose/2d", (len(points), 32, 2))[:, OF_32]
    columns = {name: _whole(path, stored, name, len(points)) for name in NUMBERS}
    try:
        subjects = [f"S{number}" for number in columns["subject"]]
        actions = [action_of(number) for number in columns["action"]]
        names = [camera_of(number) for number in columns["camera"]]
        if strange := next((subject for subject in subjects if subject not in SUBJECTS), None):
            raise ValueError(f"{strange} is none of {', '.join(SUBJECTS)}")
    except ValueError as error:
        raise PoseError(f"{path}: {error}; give h36m-fetch's file of Human3.6M") from error
    camera, distortion = lenses(find_cameras(path.parent), subjects, names)
    own = np.array([_intrinsics(path, stored, name) for name in names]).reshape(-1, 4)
    camera = np.where(np.isfinite(camera).all(axis=1, keepdims=True), camera, own)
    folders = [
        f"{subject}/{FOLDERS.get(action, action)}-{part}"
        for subject, action, part in zip(subjects, actions, columns["subaction"], strict=True)
    ]
    try:
        return make_recording(
            [f"{folder}/imageSequence/{name}/img_{frame:06d}.jpg"
             for folder, name, frame in zip(folders, names, columns["frame"], strict=True)],
            points, camera, distortion, labels=labels, subject=subjects, action=actions,
            sequence=[sequence_name(*of) for of in zip(subjects, actions, columns["subaction"], strict=True)],
            frame=np.array(columns["frame"]) - 1, split=split_of(subjects),
        )  # fmt: skip
    except PoseError as error:
        raise PoseError(f"{path}: {error}") from error


def _whole(path: Path, stored: dict[str, np.ndarray], name: str, count: int) -> list[int]:
    """(count,) whole numbers of a column. Raises PoseError for anything else."""
    values = numeric(path, stored, name, (count,))
    if not (np.abs(values) < 1e9).all() or (values != np.round(values)).any():
        raise PoseError(f"{path}: '{name}' holds what is no whole number; give h36m-fetch's file")
    return values.astype(int).tolist()


def _intrinsics(path: Path, stored: dict[str, np.ndarray], name: str) -> list[float]:
    """fx, fy, cx, cy of a camera; NaN if the file has none."""
    if f"intrinsics/{name}" not in stored:
        return [np.nan] * 4
    fx, cx, fy, cy = numeric(path, stored, f"intrinsics/{name}", (4,)).tolist()
    return [fx, fy, cx, cy] if fx > 0 and fy > 0 else [np.nan] * 4
