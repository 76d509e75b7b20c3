"""Human3.6M's own .cdf files, `S1/.../D3_Positions_mono/Directions 1.54138969.cdf`, and what h36m-fetch makes of them:
`S1/Directions-1/annot.h5` with the frames beside it. Both hold the subject's own skeleton of 32 joints."""

import re
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.protocols import HUMAN36M, parse_numbers, parse_video
from mpii_tools.annotations.human36m.recording import OF_32, make_reading, tabulate_frames
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.arrays import listed, numeric

FOLDER = "D3_Positions_mono"  # camera coordinates of the subject's own skeleton
NAME = re.compile(r"(.+)\.(\d+)\.cdf", re.IGNORECASE)
WIDTH = 96  # 32 joints

GROUPS = ("pose", "intrinsics")
NUMBERS = ("subject", "action", "subaction", "camera", "frame")
FOLDERS = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}  # what h36m-fetch calls its folders of these actions


def read_cdf(path: Path) -> Reading:
    """The people of one video.

    The subject is the folder above called S1, S5, ...; the cameras come from metadata.xml or cameras.json. The dataset
    has videos, no images: their frames are to be called as mmpose's tool calls them,
    S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg, counted from 1.

    Raises:
        PoseError: no cdflib, another file, or a path that does not tell subject, action and camera.
    """
    subject = next((part for part in reversed(path.absolute().parts[:-1]) if re.fullmatch(r"S\d+", part)), "")
    match = NAME.fullmatch(path.name)
    video, camera = match.groups() if match else ("", "")
    try:
        first = parse_video(subject, video, camera, 0)
    except ValueError as error:
        raise PoseError(f"{path}: {error}; keep the name S1/.../{FOLDER}/Directions 1.54138969.cdf") from error
    poses = _load_cdf(path).reshape(-1, 32, 3)[:, OF_32]
    name = f"{subject}_{video.replace(' ', '_')}.{camera}"
    images = [f"{subject}/{name}/{name}_{number:06d}.jpg" for number in range(1, len(poses) + 1)]
    frames = [first._replace(number=number) for number in range(len(poses))]
    return make_reading(f"{HUMAN36M}'s own .cdf", images, poses, **tabulate_frames(path, frames))


def _load_cdf(path: Path) -> np.ndarray:
    """(n, 96) mm of the variable `Pose`. Raises PoseError without cdflib, or for another file."""
    try:
        import cdflib
    except ImportError as error:
        raise PoseError(f"{path}: needs `pip install cdflib`; or give mmpose's .npz or PoseNet's JSON") from error
    try:
        stored = np.asarray(cdflib.CDF(str(path)).varget("Pose"), dtype=np.float64)
    except Exception as error:  # cdflib reports damage through any of them
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise PoseError(f"{path}: no whole .cdf file with 'Pose' ({reason!r}); copy it again") from error
    if stored.size == 0 or stored.size % WIDTH or stored.shape[-1] != WIDTH:
        raise PoseError(f"{path}: 'Pose' has shape {stored.shape}; expected (1, frames, {WIDTH}), of {FOLDER}")
    return stored.reshape(-1, WIDTH)


def read_fetch(path: Path) -> Reading:
    """The people of one annot.h5 of h36m-fetch.

    `pose/3d` is taken, the subject's own skeleton in camera coordinates; `pose/3d-univ` is nobody's. The cameras come
    from metadata.xml or cameras.json, else `intrinsics` has them as fx, cx, fy, cy without lens distortion. Frames are
    counted from 1 there. Images are named from the folder of the subjects: S1/Directions-1/imageSequence/CAMERA/...

    Raises:
        PoseError: another file, or numbers of no subject, action or camera.
    """
    from mpii_tools.formats.hdf5 import load_hdf5  # here, as it takes 0.1 s to import

    if "pose/3d" not in (stored := load_hdf5(path, GROUPS)):
        raise PoseError(f"{path}: no 'pose/3d', only {listed(stored)}; write it with today's h36m-fetch")
    if not len(points := numeric(path, stored, "pose/3d", (None, 32, 3))[:, OF_32]):
        raise PoseError(f"{path}: nobody in it; give annotations with people")
    labels = numeric(path, stored, "pose/2d", (len(points), 32, 2))[:, OF_32]
    table = np.column_stack([numeric(path, stored, name, (len(points),)) for name in NUMBERS])
    try:
        if not (np.abs(table) < 1e9).all() or (table != np.round(table)).any():
            raise ValueError(f"one of {', '.join(NUMBERS)} is no whole number")
        frames = [parse_numbers(*row) for row in table.astype(int).tolist()]
    except ValueError as error:
        raise PoseError(f"{path}: {error}; give h36m-fetch's file of Human3.6M") from error
    table = tabulate_frames(path, [frame._replace(number=frame.number - 1) for frame in frames])
    cameras = {frame.camera for frame in frames if f"intrinsics/{frame.camera}" in stored}
    held = {name: numeric(path, stored, f"intrinsics/{name}", (4,))[[0, 2, 1, 3]] for name in cameras}
    lenses = np.reshape([held.get(frame.camera, [np.nan] * 4) for frame in frames], (-1, 4))
    bare = np.isnan(table["camera"]) & (lenses[:, :2] > 0).all(axis=1, keepdims=True)
    table["camera"] = np.where(bare, lenses, table["camera"])
    images = [
        f"{frame.subject}/{FOLDERS.get(frame.action, frame.action)}-{frame.subaction}/imageSequence/{frame.camera}/"
        f"img_{frame.number:06d}.jpg"
        for frame in frames
    ]
    return make_reading(f"{HUMAN36M} as h36m-fetch has it (.h5)", images, points, labels=labels, **table)
