"""Human3.6M and MPI-INF-3DHP as mmpose has them: `imgname`, `part` in pixels and `S` in meters, a flag behind each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.arrays import numeric
from mpii_tools.formats.npz import load_arrays
from mpii_tools.human36m.cameras import find_cameras, lenses
from mpii_tools.human36m.joints import OF_MPI_INF
from mpii_tools.human36m.lens_fit import fit_lenses
from mpii_tools.human36m.names import sequence_name, split_video
from mpii_tools.human36m.protocols import split_of
from mpii_tools.human36m.recording import Recording, make_recording

KEYS = {"imgname": "U", "part": "f", "S": "f"}
OURS = re.compile(r"(S\d+)_(.+)\.(\d+)_(\d+)\.\w+")  # S1_Directions_1.54138969_000001.jpg
MPI_INF = re.compile(r"(S\d+|TS\d+)(_Seq\d+)?(_Cam\d+)?_(\d+)\.\w+")  # S4_Seq2_Cam0_001033.jpg, TS1_002001.jpg
METERS = (0.3, 100.0)  # how far from a camera a person may stand


def is_mmpose_npz(names: list[str]) -> bool:
    """Whether an .npz with arrays of these names is mmpose's."""
    return set(KEYS) <= set(names)


def is_mpi_inf(path: Path) -> bool:
    """Whether the first image of mmpose's .npz is of MPI-INF-3DHP. Raises PoseError as `load_arrays`."""
    images = load_arrays(path, {"imgname": "U"}, "mmpose's annotations")["imgname"].ravel()
    return bool(images.size) and MPI_INF.fullmatch(_file(str(images[0]))) is not None


def read_mmpose_npz(path: Path) -> Recording:
    """Human3.6M's people. The cameras come from metadata.xml or cameras.json beside the file or above it.

    mmpose's own cameras.pkl is a pickle, and never read.

    Raises:
        PoseError: another file, other names than mmpose's, or poses that are not in meters.
    """
    images, poses, labels = _load(path)
    subjects, actions, sequences, names, frames = [], [], [], [], []
    for image in images.tolist():
        found = OURS.fullmatch(_file(image))
        try:
            action, subaction = split_video(found[1], found[2]) if found else ("", 0)
        except ValueError:
            found = None
        if found is None:
            raise PoseError(
                f"{path}: {image[:80]!r} is no image of Human3.6M as mmpose calls them, "
                "S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg; keep its names"
            )
        subjects.append(found[1])
        actions.append(action)
        sequences.append(sequence_name(found[1], action, subaction))
        names.append(found[3])
        frames.append(_number(found[4]) - 1)
    camera, distortion = lenses(find_cameras(path.parent), subjects, names)
    return make_recording(
        images, poses, camera, distortion, labels=labels, subject=subjects, action=actions, sequence=sequences,
        frame=frames, split=split_of(subjects),
    )  # fmt: skip


def read_mpi_inf_npz(path: Path) -> Recording:
    """MPI-INF-3DHP's people: training subjects S1 to S8, and TS1 to TS6 of the test for validation.

    The file has no cameras; each video's is fitted to its labels (`fit_lenses`).

    Raises:
        PoseError: as `read_mmpose_npz`.
    """
    images, poses, labels = _load(path)
    poses, labels = poses[:, OF_MPI_INF], labels[:, OF_MPI_INF]
    found = [MPI_INF.fullmatch(_file(image)) for image in images.tolist()]
    if None in found:
        raise PoseError(
            f"{path}: {str(images[found.index(None)])[:80]!r} is no image of MPI-INF-3DHP as mmpose calls them, "
            "S4_Seq2_Cam0_001033.jpg or TS1_002001.jpg; keep its names"
        )
    subjects = [match[1] for match in found]
    sequences = [f"{match[1]} {(match[2] or '').strip('_')}".strip() for match in found]
    videos = [f"{sequence}{match[3] or ''}" for sequence, match in zip(sequences, found, strict=True)]
    camera = fit_lenses(poses, labels, videos)
    return make_recording(
        images, poses, camera, np.full((len(images), 5), np.nan), labels=labels, subject=subjects, sequence=sequences,
        frame=[_number(match[4]) for match in found],
        split=["valid" if subject.startswith("T") else "train" for subject in subjects],
        fitted=np.isfinite(camera).all(axis=1),
    )  # fmt: skip


def _load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (N,), poses (N, 17, 3) in mm and labels (N, 17, 2) in pixels; NaN where a flag is 0."""
    stored = load_arrays(path, KEYS, "mmpose's annotations")
    images = stored["imgname"]
    if images.ndim != 1 or not len(images):
        raise PoseError(f"{path}: 'imgname' has shape {images.shape}; expected one name per person")
    points = numeric(path, stored, "S", (len(images), 17, 4))
    parts = numeric(path, stored, "part", (len(images), 17, 3))
    away = np.nanmedian(np.where(points[..., 3] != 0, points[..., 2], np.nan)) if (points[..., 3] != 0).any() else 1.0
    if not METERS[0] < away < METERS[1]:
        raise PoseError(f"{path}: 'S' puts people {away:g} from the camera, mmpose's are in meters; divide mm by 1000")
    poses, labels = (np.where(array[..., -1:] != 0, array[..., :-1], np.nan) for array in (points, parts))
    with np.errstate(over="ignore"):
        return images, 1000 * poses, labels


def _file(image: str) -> str:
    return image.replace("\\", "/").rpartition("/")[2]


def _number(digits: str) -> int:
    """A frame's number; digits of no frame's length stay within int64."""
    return int(digits[-9:])
