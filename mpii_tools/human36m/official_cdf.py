"""Human3.6M's own files: `S1/.../D3_Positions_mono/Directions 1.54138969.cdf`, read by cdflib, and metadata.xml."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.human36m.cameras import find_cameras, lenses
from mpii_tools.human36m.joints import OF_32
from mpii_tools.human36m.names import sequence_name, split_video
from mpii_tools.human36m.protocols import split_of
from mpii_tools.human36m.recording import Recording, make_recording

FOLDER = "D3_Positions_mono"  # camera coordinates of the subject's own skeleton
NAME = re.compile(r"(.+)\.(\d+)\.cdf", re.IGNORECASE)
WIDTH = 96  # 32 joints


def find_official(folder: Path) -> list[Path]:
    """The .cdf files of camera coordinates in a folder of subjects, of one subject, or of these files alone."""
    found = [
        path
        for pattern in ("*.cdf", f"*{FOLDER}/*.cdf", f"*/*{FOLDER}/*.cdf", f"*/*/*{FOLDER}/*.cdf")
        for path in folder.glob(pattern)
        if path.parent.name.endswith(FOLDER) and not path.name.startswith("_ALL")
    ]
    return sorted(found)


def read_official_cdf(path: Path) -> Recording:
    """The people of one video.

    The subject is the folder above called S1, S5, ...; the cameras come from metadata.xml or cameras.json. The dataset
    has videos, no images: their frames are to be called as mmpose's tool calls them,
    S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg, counted from 1.

    Raises:
        PoseError: no cdflib, another file, or a path that does not tell subject, action and camera.
    """
    subject = next((part for part in reversed(path.absolute().parts[:-1]) if re.fullmatch(r"S\d+", part)), "")
    found = NAME.fullmatch(path.name)
    try:
        action, subaction = split_video(subject, found[1] if found else "")
    except ValueError as error:
        raise PoseError(
            f"{path}: {error}; keep Human3.6M's own names, S1/.../{FOLDER}/Directions 1.54138969.cdf"
        ) from error
    poses = _load(path).reshape(-1, 32, 3)[:, OF_32]
    count, name = len(poses), found[2]
    video = f"{subject}_{found[1].replace(' ', '_')}.{name}"
    camera, distortion = lenses(find_cameras(path.parent), [subject], [name])
    try:
        return make_recording(
            [f"{subject}/{video}/{video}_{frame:06d}.jpg" for frame in range(1, count + 1)], poses,
            np.repeat(camera, count, axis=0), np.repeat(distortion, count, axis=0), subject=[subject] * count,
            action=[action] * count, sequence=[sequence_name(subject, action, subaction)] * count,
            frame=range(count), split=np.repeat(split_of([subject]), count),
        )  # fmt: skip
    except PoseError as error:
        raise PoseError(f"{path}: {error}") from error


def _load(path: Path) -> np.ndarray:
    """(n, 96) mm of the variable `Pose`. Raises PoseError without cdflib, or for another file."""
    try:
        import cdflib
    except ImportError as error:
        raise PoseError(
            f"{path}: Human3.6M's .cdf files need cdflib; `pip install cdflib`, or give mmpose's .npz or PoseNet's JSON"
        ) from error
    try:
        stored = np.asarray(cdflib.CDF(str(path)).varget("Pose"), dtype=np.float64)
    except Exception as error:  # cdflib reports damage through any of them
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise PoseError(f"{path}: no whole .cdf file with 'Pose' ({reason!r}); copy it again") from error
    if stored.size == 0 or stored.size % WIDTH or stored.shape[-1] != WIDTH:
        raise PoseError(f"{path}: 'Pose' has shape {stored.shape}; expected (1, frames, {WIDTH}), of {FOLDER}")
    return stored.reshape(-1, WIDTH)
