"""What a reader of one form returns, and the people, depths and findings that every form's become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.depth.cameras import project
from mpii_tools.depth.table import Depth, make_depth
from mpii_tools.human36m.crops import crop_of_joints
from mpii_tools.human36m.joints import NAMES, PELVIS, to_mpii
from mpii_tools.people import People, make_people

APART = 10.0  # image pixels
FARTHEST = 1e6  # mm; a joint farther from the camera is none
NO_CAMERA = "people without a camera: put Human3.6M's metadata.xml or cameras.json beside the annotations"
NO_LENS = "people whose camera lacks lens distortion: metadata.xml or cameras.json beside the annotations has it"
FITTED = "people whose camera was fitted to their 2D and 3D labels, without lens distortion"
MALFORMED = "people left out: not as the form has them (annotations counted from 0)"
BEYOND = "people with a joint over 1 km from the camera, taken as missing (is the pose in mm?)"
FAR = f"people with a 2D label more than {APART:.0f} px from the projected 3D one"


@dataclass(frozen=True)
class Recording:
    """Poses of N people with Human3.6M's 17 joints, as a form has them.

    Attributes:
        images: (N,) image file names.
        poses: (N, 17, 3) camera coordinates in mm; NaN if not annotated.
        labels: (N, 17, 2) image pixels, of forms that have them; NaN without.
        subject, action, sequence: (N,) names as in `Depth`.
        frame: (N,) number in the video, from 0.
        camera: (N, 4) fx, fy, cx, cy in image pixels. NaN if unknown.
        distortion: (N, 5) k1, k2, k3, p1, p2. NaN if unknown.
        split: (N,) as in `People`.
        fitted: (N,) bool: the camera follows from labels and poses.
        left_out: who is not among the N, each with the reason.

    Raises:
        PoseError: columns that do not fit together, or nobody.
    """

    images: np.ndarray
    poses: np.ndarray
    labels: np.ndarray
    subject: np.ndarray
    action: np.ndarray
    sequence: np.ndarray
    frame: np.ndarray
    camera: np.ndarray
    distortion: np.ndarray
    split: np.ndarray
    fitted: np.ndarray
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        people = len(self.images)
        if not people:
            raise PoseError("nobody in it; give annotations with people")
        wider = {"poses": (len(NAMES), 3), "labels": (len(NAMES), 2), "camera": (4,), "distortion": (5,)}
        for name in COLUMNS:
            shape, want = getattr(self, name).shape, (people, *wider.get(name, ()))
            if shape != want:
                raise PoseError(f"'{name}' has shape {shape}, expected {want}")


COLUMNS = tuple(field.name for field in fields(Recording) if field.name != "left_out")


def make_recording(
    images: Sequence[str],
    poses: np.ndarray,
    camera: np.ndarray,
    distortion: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    subject: Sequence[str] = (),
    action: Sequence[str] = (),
    sequence: Sequence[str] = (),
    frame: Sequence[int] = (),
    split: Sequence[str] = (),
    fitted: np.ndarray | None = None,
    left_out: Sequence[str] = (),
) -> Recording:
    """A recording of what a form has. Args: as the attributes of `Recording`; text columns left out are ''."""
    people = len(images)

    def texts(values: Sequence[str]) -> np.ndarray:
        return np.array(values if len(values) else [""] * people, dtype=np.str_)

    return Recording(
        images=np.array(images, dtype=np.str_),
        poses=np.asarray(poses, dtype=np.float64),
        labels=np.full((people, len(NAMES), 2), np.nan) if labels is None else np.asarray(labels, dtype=np.float64),
        subject=texts(subject),
        action=texts(action),
        sequence=texts(sequence),
        frame=np.array(frame, dtype=np.int64),
        camera=np.asarray(camera, dtype=np.float64),
        distortion=np.asarray(distortion, dtype=np.float64),
        split=texts(split),
        fitted=np.zeros(people, dtype=bool) if fitted is None else fitted,
        left_out=tuple(left_out),
    )


def join_recordings(parts: Sequence[Recording]) -> Recording:
    """Everybody of some recordings."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Recording(**columns, left_out=tuple(who for part in parts for who in part.left_out))


def to_people(recording: Recording) -> tuple[People, Depth, dict[str, list[str]], dict[str, list[str]]]:
    """People with MPII's 16 joints, their depths, faults and notes.

    The 3D pose decides: where the camera is known, joints are its projection, so that picture, depth and camera agree
    and pixels lead back to the very pose; else they are the 2D labels. Center and scale are those of the box of the 17
    joints (`crop_of_joints`). The lens is taken for perfect where its distortion is unknown, which is noted.
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
        center, scale = crop_of_joints(places)
    known = np.isfinite(joints).all(axis=-1) & np.isfinite(z)
    people = make_people(
        recording.images, np.where(np.isfinite(joints), joints, np.nan), center=center, scale=scale,
        split=recording.split,
    )  # fmt: skip
    depth = make_depth(
        people.person_ids, np.where(known, z, np.nan), camera=recording.camera, distortion=lens,
        root_depth=poses[:, PELVIS, 2], subject=recording.subject, action=recording.action,
        sequence=recording.sequence, frame=recording.frame,
    )  # fmt: skip
    bare = seen & ~np.isfinite(recording.distortion).all(axis=1) & ~recording.fitted
    found = {
        BEYOND: beyond.any(axis=(1, 2)),
        FAR: apart,
        NO_CAMERA: ~seen,
        NO_LENS: bare,
        FITTED: seen & recording.fitted,
    }
    named = {what: people.person_ids[rows].tolist() for what, rows in found.items()}
    faults = {MALFORMED: list(recording.left_out), BEYOND: named.pop(BEYOND), FAR: named.pop(FAR)}
    return people, depth, faults, named
