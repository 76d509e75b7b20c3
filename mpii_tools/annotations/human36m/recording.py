"""What every format's recordings become: Human3.6M's 17 joints as MPII's 16, people, depths, findings; and the cameras.

These come from Human3.6M's own metadata.xml or a cameras.json made of it, never from a pickle; or they are fitted.
"""

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, require_file
from mpii_tools.annotations.human36m.protocols import SUBJECTS, Frame, assign_splits
from mpii_tools.annotations.placement import crop_around
from mpii_tools.annotations.reading import NOT_AS, Reading, build_reading
from mpii_tools.cameras import Camera, project
from mpii_tools.formats.content import load_json
from mpii_tools.people import BOX_MARGIN, Depth

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
MALFORMED = f"{NOT_AS} the form has them (annotation ids, or places counted from 0)"
BEYOND = "people with a joint over 1 km from the camera, taken as missing (is the pose in mm?)"
FAR = f"people with a 2D label more than {APART:.0f} px from the projected 3D one"

FILES = ("metadata.xml", "cameras.json")  # looked for beside the annotations, and in LEVELS folders above
LEVELS = 3
ALL_SUBJECTS, EXTRINSIC, INTRINSIC = 11, 6, 9  # numbers of w0 per subject and camera, and per camera
FIELDS = {"R": (3, 3), "T_mm": (3,), "f": (2,), "c": (2,), "k": (3,), "p": (2,)}
FEW = 4  # joints of a video from which a focal length can be told
ROOM = 0.05  # of a box's longer side, around it
ENOUGH = 0.9  # of the people must be in their boxes

Cameras = Mapping[tuple[str, str], Camera]  # of subject and camera, ("S1", "54138969")


def to_mpii(poses: np.ndarray) -> np.ndarray:
    """MPII's 16 joints (N, 16, D) of Human3.6M's 17 (N, 17, D), in any unit.

    The order is the one that the paper's first author published later; the thorax is the middle of the shoulders.
    """
    return np.concatenate([poses, (poses[:, [L_SHOULDER]] + poses[:, [R_SHOULDER]]) / 2], axis=1)[:, MPII_OF]


def make_reading(
    form: str,
    images: Sequence[str] | np.ndarray,
    poses: np.ndarray,
    camera: np.ndarray,
    distortion: np.ndarray | float = np.nan,
    labels: np.ndarray | float = np.nan,
    *,
    split: np.ndarray,
    fitted: bool = False,
    left_out: Sequence[str] = (),
    **columns: Sequence[str] | Sequence[int],
) -> Reading:
    """N people with MPII's 16 joints, their depths, faults and notes.

    The 3D pose decides: where the camera is known, joints are its projection, so that picture, depth and camera agree
    and pixels lead back to the very pose; else they are the 2D labels. Center and scale are those of the box of the 17
    joints, of 1.2 times 1.25 its longer side, as in mmpose's files. The lens is taken for perfect where its distortion
    is unknown, which is noted.

    Args:
        form: the format, in words.
        images: (N,) file names.
        poses: (N, 17, 3) camera coordinates in mm; NaN if not annotated.
        camera, distortion: (N, 4) and (N, 5) as in `Depth`; NaN if unknown.
        labels: (N, 17, 2) image pixels; NaN in formats without.
        split: (N,) as in `People`.
        fitted: whether the camera follows from labels and poses.
        left_out: who is not among the N, each with the reason.
        columns: further ones of `Depth`.
    """
    seen = np.isfinite(camera).all(axis=1)
    distortion = np.broadcast_to(distortion, (len(images), 5))
    lens = np.nan_to_num(distortion)
    labels = np.broadcast_to(labels, (len(images), len(NAMES), 2))
    beyond = np.abs(poses) > FARTHEST
    poses = np.where(beyond.any(axis=2, keepdims=True), np.nan, poses)
    with np.errstate(all="ignore"):  # damaged files have any numbers
        places = np.where(seen[:, None, None], project(poses, camera, lens), labels)
        joints = np.where(seen[:, None, None], project(to_mpii(poses), camera, lens), to_mpii(labels))
        apart = (np.abs(places - labels) > APART).any(axis=(1, 2))
        z = to_mpii(poses)[..., 2] - poses[:, [PELVIS], 2]
        center, scale = crop_around(places, BOX_MARGIN * BOX_OF_JOINTS, 0.0)
    known = np.isfinite(joints).all(axis=-1) & np.isfinite(z)
    depth = Depth(np.where(known, z, np.nan), camera, lens, poses[:, PELVIS, 2], **columns)
    lensless = seen & ~np.isfinite(distortion).all(axis=1) & (not fitted)
    faults = {MALFORMED: list(left_out), BEYOND: beyond.any(axis=(1, 2)), FAR: apart}
    notes = {NO_CAMERA: ~seen, NO_LENS: lensless, FITTED: seen & fitted}
    place = {"center": center, "scale": scale, "split": split, "depth": depth}
    return build_reading(form, images, joints, np.isfinite(joints).all(axis=-1), faults, notes, first_pixel=0, **place)


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
    """For `make_reading`: names and splits of N frames, and what saw them, by the cameras beside `path` or above.

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
