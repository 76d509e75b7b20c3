"""What a reader of one format returns, and the people, depths and findings that every format's become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mpii_tools.annotations.reading import Reading
from mpii_tools.cameras import project
from mpii_tools.people import BOX_MARGIN, NO_FRAME, Depth, People, join_columns, place_squares, set_columns

OF_32 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]  # the 17 of Human3.6M's 32 joints that move
PELVIS, SPINE, NECK, NOSE, HEAD, L_SHOULDER, R_SHOULDER = 0, 7, 8, 9, 10, 11, 14
THORAX = 17  # the middle of the shoulders, put behind the 17
MPII_OF = [3, 2, 1, 4, 5, 6, PELVIS, THORAX, NECK, HEAD, 16, 15, R_SHOULDER, L_SHOULDER, 12, 13]
NAMES = (
    "pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "spine", "neck", "nose", "head", "l_shoulder",
    "l_elbow", "l_wrist", "r_shoulder", "r_elbow", "r_wrist",
)  # fmt: skip

BOX_OF_JOINTS = 1.2  # longer side of a person's box / that of the joints' own box, as PoseNet and mmpose have it
APART = 10.0  # image pixels
FARTHEST = 1e6  # mm; a joint farther from the camera is none
NO_CAMERA = "people without a camera: put Human3.6M's metadata.xml or cameras.json beside the annotations"
NO_LENS = "people whose camera lacks lens distortion: metadata.xml or cameras.json beside the annotations has it"
FITTED = "people whose camera was fitted to their 2D and 3D labels, without lens distortion"
MALFORMED = "people left out: not as the form has them (annotations counted from 0)"
BEYOND = "people with a joint over 1 km from the camera, taken as missing (is the pose in mm?)"
FAR = f"people with a 2D label more than {APART:.0f} px from the projected 3D one"

# Column -> its type, and the shape of a row.
COLUMNS = {
    "images": (np.str_,), "poses": (np.float64, len(NAMES), 3), "labels": (np.float64, len(NAMES), 2),
    "camera": (np.float64, 4), "distortion": (np.float64, 5), "subject": (np.str_,), "action": (np.str_,),
    "sequence": (np.str_,), "frame": (np.int64,), "split": (np.str_,), "fitted": (np.bool_,),
}  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """Poses of N people with Human3.6M's 17 joints, as a format has them.

    Attributes:
        images: (N,) image file names.
        poses: (N, 17, 3) camera coordinates in mm; NaN if not annotated.
        camera: (N, 4) fx, fy, cx, cy in image pixels. NaN if unknown.
        distortion: (N, 5) k1, k2, k3, p1, p2. NaN if unknown.
        labels: (N, 17, 2) image pixels, of formats that have them; NaN without.
        subject, action, sequence: (N,) names as in `Depth`.
        frame: (N,) number in the video, from 0.
        split: (N,) as in `People`.
        fitted: (N,) bool: the camera follows from labels and poses.
        left_out: who is not among the N, each with the reason.
    """

    images: np.ndarray | Sequence[str]
    poses: np.ndarray
    camera: np.ndarray
    distortion: np.ndarray | float = np.nan
    labels: np.ndarray | float = np.nan
    subject: np.ndarray | Sequence[str] | str = ""
    action: np.ndarray | Sequence[str] | str = ""
    sequence: np.ndarray | Sequence[str] | str = ""
    frame: np.ndarray | Sequence[int] | int = NO_FRAME
    split: np.ndarray | Sequence[str] | str = ""
    fitted: np.ndarray | bool = False
    left_out: Sequence[str] = ()

    def __post_init__(self) -> None:
        set_columns(self, "recording", COLUMNS, len(self.images), {})


def join_recordings(parts: Sequence[Recording]) -> Recording:
    """Everybody of some recordings."""
    return Recording(**join_columns(parts, COLUMNS), left_out=[who for part in parts for who in part.left_out])


def to_mpii(poses: np.ndarray) -> np.ndarray:
    """MPII's 16 joints (N, 16, D) of Human3.6M's 17 (N, 17, D), in any unit.

    The order is the one that the paper's first author published later; the thorax is the middle of the shoulders.
    """
    thorax = (poses[:, [L_SHOULDER]] + poses[:, [R_SHOULDER]]) / 2
    return np.concatenate([poses, thorax], axis=1)[:, MPII_OF]


def crop_joints(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII center (N, 2) and scale (N,) of squares around the joints' box, of 1.2 times 1.25 its longer side.

    That is the `center` and `scale` of mmpose's files, 1.2 of the longer side / 200.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing; a person without a joint gets NaN.
    """
    low, high = np.fmin.reduce(joints, axis=1), np.fmax.reduce(joints, axis=1)
    return place_squares((low + high) / 2, BOX_MARGIN * BOX_OF_JOINTS * (high - low).max(axis=1))


def make_reading(recording: Recording, form: str) -> Reading:
    """People with MPII's 16 joints, their depths, faults and notes; `form` is the format in words.

    The 3D pose decides: where the camera is known, joints are its projection, so that picture, depth and camera agree
    and pixels lead back to the very pose; else they are the 2D labels. Center and scale are those of the box of the 17
    joints (`crop_joints`). The lens is taken for perfect where its distortion is unknown, which is noted.
    """
    seen = np.isfinite(recording.camera).all(axis=1)
    lens = np.nan_to_num(recording.distortion)
    labels = recording.labels
    beyond = np.abs(recording.poses) > FARTHEST
    poses = np.where(beyond.any(axis=2, keepdims=True), np.nan, recording.poses)
    with np.errstate(all="ignore"):  # damaged files have any numbers
        places = np.where(seen[:, None, None], project(poses, recording.camera, lens), labels)
        joints = np.where(seen[:, None, None], project(to_mpii(poses), recording.camera, lens), to_mpii(labels))
        apart = (np.abs(places - labels) > APART).any(axis=(1, 2))
        z = to_mpii(poses)[..., 2] - poses[:, [PELVIS], 2]
        center, scale = crop_joints(places)
    known = np.isfinite(joints).all(axis=-1) & np.isfinite(z)
    depth = Depth(
        np.where(known, z, np.nan), camera=recording.camera, distortion=lens,
        root_depth=poses[:, PELVIS, 2], subject=recording.subject, action=recording.action,
        sequence=recording.sequence, frame=recording.frame,
    )  # fmt: skip
    people = People(recording.images, joints, center=center, scale=scale, split=recording.split, depth=depth)
    lensless = seen & ~np.isfinite(recording.distortion).all(axis=1) & ~recording.fitted
    faults, notes = (
        {what: people.person_ids[rows].tolist() for what, rows in rows_of.items()}
        for rows_of in (
            {BEYOND: beyond.any(axis=(1, 2)), FAR: apart},
            {NO_CAMERA: ~seen, NO_LENS: lensless, FITTED: seen & recording.fitted},
        )
    )
    return Reading(people, form, {MALFORMED: list(recording.left_out), **faults}, notes)
