"""The cameras of Human3.6M: from its own metadata.xml or a cameras.json made of it, never from a pickle; or fitted."""

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, require_file
from mpii_tools.annotations.human36m.protocols import SUBJECTS, Frame, assign_splits
from mpii_tools.cameras import Camera, project
from mpii_tools.formats.content import load_json

FILES = ("metadata.xml", "cameras.json")  # looked for beside the annotations, and in LEVELS folders above
LEVELS = 3
ALL_SUBJECTS, EXTRINSIC, INTRINSIC = 11, 6, 9  # numbers of w0 per subject and camera, and per camera
FIELDS = {"R": (3, 3), "T_mm": (3,), "f": (2,), "c": (2,), "k": (3,), "p": (2,)}
FEW = 4  # joints of a video from which a focal length can be told
ROOM = 0.05  # of a box's longer side, around it
ENOUGH = 0.9  # of the people must be in their boxes

Cameras = Mapping[tuple[str, str], Camera]  # of subject and camera, ("S1", "54138969")


def find_cameras(folder: Path) -> Cameras:
    """Those of the first of FILES in `folder` or a folder above it; none if there is no such file.

    Raises:
        PoseError: as `load_cameras`.
    """
    above = (folder.absolute(), *folder.absolute().parents[:LEVELS])
    path = next((path for place in above for path in map(place.joinpath, FILES) if path.is_file()), None)
    return load_cameras(path) if path else {}


def load_cameras(path: str | os.PathLike) -> Cameras:
    """All cameras of metadata.xml, or of a JSON file {subject: {camera: {R, T_mm, f, c, k, p}}}.

    Raises:
        PoseError: no such file, not whole, or without cameras.
    """
    path = require_file(path)
    cameras = _read_metadata(path) if path.suffix.lower() == ".xml" else _read_json(path)
    for name, camera in cameras.items():
        numbers = np.concatenate([np.ravel(value) for value in vars(camera).values()])
        turned = np.abs(camera.rotation @ camera.rotation.T - np.eye(3)).max() < 1e-3
        if not np.isfinite(numbers).all() or not turned or not (camera.intrinsics[:2] > 0).all():
            raise PoseError(f"{path}: camera {name[1]} of {name[0]} is none (rotation, focal length); copy it again")
    return cameras


def tabulate_frames(path: Path, frames: Sequence[Frame]) -> dict[str, Any]:
    """Columns of a `Recording`: names and splits of N frames, and what saw them by the cameras beside `path` or above.

    Raises:
        PoseError: as `load_cameras`.
    """
    held = {of: np.append(camera.intrinsics, camera.distortion) for of, camera in find_cameras(path.parent).items()}
    lenses = np.reshape([held.get((frame.subject, frame.camera), [np.nan] * 9) for frame in frames], (-1, 9))
    subjects = [frame.subject for frame in frames]
    return {
        "subject": subjects, "action": [frame.action for frame in frames], "frame": [frame.number for frame in frames],
        "sequence": [frame.sequence for frame in frames], "split": assign_splits(subjects),
        "camera": lenses[:, :4], "distortion": lenses[:, 4:],
    }  # fmt: skip


def _read_metadata(path: Path) -> Cameras:
    """`w0` holds rotation angles and position by camera and subject, then focal length, center, k and p by camera.

    The angles are those of turns about x, y and z, which Human3.6M multiplies in this order.
    """
    from scipy.spatial.transform import Rotation  # here, as nothing else of annotations needs it

    try:
        tree = ElementTree.parse(path).getroot()
        names = [item.text.strip() for item in tree.find("dbcameras").find("index2id")]
        numbers = np.array(tree.find("w0").text.strip().strip("[]").split(), dtype=np.float64)
        cut = len(names) * ALL_SUBJECTS * EXTRINSIC
        places = numbers[:cut].reshape(len(names), ALL_SUBJECTS, EXTRINSIC)
        lens = numbers[cut:].reshape(len(names), INTRINSIC)
    except (ElementTree.ParseError, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise PoseError(
            f"{path}: not a whole XML file, or no cameras in it (w0, dbcameras: {error}); copy Human3.6M's metadata.xml"
        ) from error
    return {
        (subject, name): Camera(Rotation.from_euler("XYZ", place[:3]).as_matrix(), place[3:], values[:4], values[4:])
        for subject in SUBJECTS
        for name, place, values in zip(names, places[:, int(subject[1:]) - 1], lens, strict=True)
    }


def _read_json(path: Path) -> Cameras:
    stored, cameras = load_json(path), {}
    try:
        for subject, name, fields in ((subject, *entry) for subject, of in stored.items() for entry in of.items()):
            r, t, f, c, k, p = (np.array(fields[key], np.float64).reshape(shape) for key, shape in FIELDS.items())
            cameras[str(subject), str(name)] = Camera(r, t, np.append(f, c), np.append(k, p))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise PoseError(f"{path}: no cameras of Human3.6M ({error!r}); give each {', '.join(FIELDS)}") from error
    return cameras


def fit_lenses(poses: np.ndarray, labels: np.ndarray, videos: Sequence[str]) -> np.ndarray:
    """fx, fy, cx, cy (N, 4) for each person, the least-squares ones of the video; NaN where none fits.

    x = fx X / Z + cx is linear in fx and cx, and so is y. Lens distortion stays in the residual.

    Args:
        poses: (N, K, 3) camera coordinates, NaN if missing.
        labels: (N, K, 2) image pixels, NaN if missing.
        videos: (N,) whose people share a camera.
    """
    lenses = np.full((len(poses), 4), np.nan)
    names, index = np.unique(np.asarray(videos, dtype=np.str_), return_inverse=True)
    order = np.argsort(index, kind="stable")
    with np.errstate(all="ignore"):
        rays = poses[..., :2] / np.where(poses[..., 2:] > 0, poses[..., 2:], np.nan)
        for rows in np.split(order, np.searchsorted(index[order], np.arange(1, len(names)))):
            known = np.isfinite(rays[rows]) & np.isfinite(labels[rows])
            for axis in (0, 1):
                x, y = (values[rows][known[..., axis], axis] for values in (rays, labels))
                if len(x) >= FEW:
                    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
                    lenses[rows, axis], lenses[rows, 2 + axis] = slope, y.mean() - slope * x.mean()
    usable = np.isfinite(lenses).all(axis=1, keepdims=True) & (lenses[:, :2] > 0).all(axis=1, keepdims=True)
    return np.where(usable, lenses, np.nan)


def to_camera(
    path: Path, world: np.ndarray, rotation: np.ndarray, translation: np.ndarray, camera: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Poses (N, K, 3) in camera coordinates: R (X - t) or R X + t, as files with the same fields mean one or the other.

    Args:
        path: the file, for messages.
        world: (N, K, 3) world coordinates in mm.
        rotation, translation: (N, 3, 3) and (N, 3), R and t.
        camera: (N, 4) fx, fy, cx, cy.
        boxes: (N, 4) x, y, width, height of the person in image pixels.

    Raises:
        PoseError: neither convention puts ENOUGH people into their boxes.
    """
    with np.errstate(all="ignore"):  # damaged files have any numbers
        turned = np.swapaxes(rotation, 1, 2)
        readings = {
            "R (X - t)": (world - translation[:, None]) @ turned,
            "R X + t": world @ turned + translation[:, None],
        }
        inside = {how: _share_inside(poses, camera, boxes) for how, poses in readings.items()}
    best = max(inside, key=inside.get)
    if inside[best] < ENOUGH:
        shares = " and ".join(f"{100 * share:.0f} % by {how}" for how, share in inside.items())
        raise PoseError(f"{path}: its cameras do not fit its boxes: {shares} of people are in theirs; give their own")
    return readings[best]


def _share_inside(poses: np.ndarray, camera: np.ndarray, boxes: np.ndarray) -> float:
    """The share of people all of whose joints, seen without lens distortion, are in their box."""
    places = project(poses, camera, np.zeros((len(poses), 5)))
    beyond = np.abs(places - boxes[:, None, :2] - boxes[:, None, 2:] / 2) - boxes[:, None, 2:] / 2  # of the nearer edge
    return float((beyond <= ROOM * boxes[:, None, 2:].max(axis=2, keepdims=True)).all(axis=(1, 2)).mean())
