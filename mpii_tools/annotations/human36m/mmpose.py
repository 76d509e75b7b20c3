"""Human3.6M and MPI-INF-3DHP as mmpose has them: `imgname`, `part` in pixels and `S` in meters, a flag behind each."""

import re
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.protocols import HUMAN36M, parse_video
from mpii_tools.annotations.human36m.recording import fit_lenses, make_reading, tabulate_frames
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.arrays import load_arrays, numeric

KEYS = {"imgname": "U", "part": "f", "S": "f"}
HUMAN36M_IMAGE = re.compile(r"(S\d+)_(.+)\.(\d+)_(\d+)\.\w+")  # S1_Directions_1.54138969_000001.jpg
MPI_INF_IMAGE = re.compile(r"(S\d+|TS\d+)(_Seq\d+)?(_Cam\d+)?_(\d+)\.\w+")  # S4_Seq2_Cam0_001033.jpg, TS1_002001.jpg
# MPI-INF-3DHP's 17 joints in mmpose's order, put where Human3.6M has the like: its neck, head and head top come last.
OF_MPI_INF = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
DIGITS = 9  # of a frame's number that count: longer ones would not fit in int64
METERS = (0.3, 100.0)  # how far from a camera a person may stand


def read_mmpose(path: Path) -> Reading:
    """The people of Human3.6M, or of MPI-INF-3DHP if the first image is one of its.

    Human3.6M's cameras come from metadata.xml or cameras.json beside the file or above it: mmpose's own cameras.pkl is
    a pickle, and never read. MPI-INF-3DHP's are fitted to the labels, video by video (`fit_lenses`); its training
    subjects are S1 to S8, and TS1 to TS6 of the test validate.

    Raises:
        PoseError: another file, other names than mmpose's, or poses that are not in meters.
    """
    images, poses, labels = _load(path)
    names = [image.replace("\\", "/").rpartition("/")[2] for image in images.tolist()]
    if not MPI_INF_IMAGE.fullmatch(names[0]):
        frames = []
        for name, match in zip(images.tolist(), map(HUMAN36M_IMAGE.fullmatch, names), strict=True):
            try:
                frames.append(parse_video(match[1], match[2], match[3], int(match[4][-DIGITS:]) - 1))
            except (TypeError, ValueError) as error:  # no match, or no video of a subject
                raise PoseError(
                    f"{path}: {name[:80]!r} is no image of Human3.6M as mmpose calls them, "
                    "S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg; keep its names"
                ) from error
        table = tabulate_frames(path, frames)
        return make_reading(f"{HUMAN36M} as mmpose has it (.npz)", images, poses, labels=labels, **table)
    if None in (matches := [MPI_INF_IMAGE.fullmatch(name) for name in names]):
        raise PoseError(
            f"{path}: {str(images[matches.index(None)])[:80]!r} is no image of MPI-INF-3DHP as mmpose calls them, "
            "S4_Seq2_Cam0_001033.jpg or TS1_002001.jpg; keep its names"
        )
    sequences = [f"{match[1]} {(match[2] or '').strip('_')}".strip() for match in matches]
    videos = [f"{sequence}{match[3] or ''}" for sequence, match in zip(sequences, matches, strict=True)]
    poses, labels = poses[:, OF_MPI_INF], labels[:, OF_MPI_INF]
    return make_reading(
        "MPI-INF-3DHP as mmpose has it (.npz)", images, poses, fit_lenses(poses, labels, videos), labels=labels,
        split=np.array(["valid" if match[1].startswith("T") else "train" for match in matches]), fitted=True,
        subject=[match[1] for match in matches], sequence=sequences,
        frame=[int(match[4][-DIGITS:]) for match in matches],
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
