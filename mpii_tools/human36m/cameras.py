"""The cameras of Human3.6M, from its own metadata.xml or from a cameras.json made of it; never from a pickle."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file
from mpii_tools.formats.json_file import load_json
from mpii_tools.human36m.names import SUBJECTS

FILES = ("metadata.xml", "cameras.json")  # looked for beside the annotations, and in LEVELS folders above
LEVELS = 3
ALL_SUBJECTS, EXTRINSIC, INTRINSIC = 11, 6, 9  # numbers of w0 per subject and camera, and per camera
FIELDS = {"R": (3, 3), "T_mm": (3,), "f": (2,), "c": (2,), "k": (3,), "p": (2,)}


@dataclass(frozen=True)
class Camera:
    """One camera as it stood for one subject: X_camera = rotation (X_world - position), in mm.

    Attributes:
        rotation: (3, 3).
        position: (3,) world mm.
        intrinsics: (4,) fx, fy, cx, cy in image pixels.
        distortion: (5,) k1, k2, k3, p1, p2 of `mpii_tools.depth.cameras`.
    """

    rotation: np.ndarray
    position: np.ndarray
    intrinsics: np.ndarray
    distortion: np.ndarray


Cameras = Mapping[tuple[str, str], Camera]  # of subject and camera, ("S1", "54138969")


def find_cameras(folder: Path) -> Cameras:
    """Those of the first of FILES in `folder` or a folder above it; none if there is no such file.

    Raises:
        PoseError: as `load_cameras`.
    """
    folder = folder.absolute()
    for place in (folder, *folder.parents[:LEVELS]):
        for name in FILES:
            if (place / name).is_file():
                return load_cameras(place / name)
    return {}


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
            raise PoseError(
                f"{path}: camera {name[1]} of {name[0]} is none (rotation, focal length); copy the file again"
            )
    return cameras


def lenses(cameras: Cameras, subjects: Sequence[str], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Intrinsics (N, 4) and distortion (N, 5) of the cameras `names` as they saw `subjects`; NaN where unknown."""
    found = np.full((len(subjects), 9), np.nan)
    held = {key: np.concatenate([camera.intrinsics, camera.distortion]) for key, camera in cameras.items()}
    for row, key in enumerate(zip(subjects, names, strict=True)):
        if key in held:
            found[row] = held[key]
    return found[:, :4], found[:, 4:]


def parse_metadata(path: str | os.PathLike) -> ElementTree.Element:
    """The tree of metadata.xml. Raises PoseError if it is missing or not whole."""
    try:
        return ElementTree.parse(require_file(path)).getroot()
    except (ElementTree.ParseError, OSError, ValueError, LookupError) as error:
        raise PoseError(f"{path}: not a whole XML file ({error}); copy Human3.6M's metadata.xml again") from error


def _read_metadata(path: Path) -> Cameras:
    """`w0` holds rotation angles and position by camera and subject, then focal length, center, k and p by camera."""
    tree = parse_metadata(path)
    try:
        names = [item.text.strip() for item in tree.find("dbcameras").find("index2id")]
        numbers = np.array(tree.find("w0").text.strip().strip("[]").split(), dtype=np.float64)
        cut = len(names) * ALL_SUBJECTS * EXTRINSIC
        places = numbers[:cut].reshape(len(names), ALL_SUBJECTS, EXTRINSIC)
        lens = numbers[cut:].reshape(len(names), INTRINSIC)
    except (AttributeError, TypeError, ValueError) as error:
        raise PoseError(f"{path}: no cameras in it (w0, dbcameras: {error}); give Human3.6M's metadata.xml") from error
    return {
        (subject, name): Camera(
            _rotation(places[index, int(subject[1:]) - 1, :3]), places[index, int(subject[1:]) - 1, 3:],
            lens[index, :4], lens[index, 4:],
        )
        for subject in SUBJECTS
        for index, name in enumerate(names)
    }  # fmt: skip


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rx Ry Rz, the turns about the three axes in the order in which Human3.6M multiplies them."""
    (a, b, c), (d, e, f) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -d], [0, d, a]])
    about_y = np.array([[b, 0, e], [0, 1, 0], [-e, 0, b]])
    about_z = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def _read_json(path: Path) -> Cameras:
    stored = load_json(path)
    cameras = {}
    try:
        for subject, of_subject in stored.items():
            for name, fields in of_subject.items():
                cameras[str(subject), str(name)] = _camera(fields)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise PoseError(
            f"{path}: no cameras of Human3.6M ({type(error).__name__}: {error}); give each subject's cameras with "
            f"{', '.join(FIELDS)}"
        ) from error
    return cameras


def _camera(fields: Mapping[str, Any]) -> Camera:
    held = {name: np.array(fields[name], dtype=np.float64).reshape(shape) for name, shape in FIELDS.items()}
    intrinsics, distortion = np.concatenate([held["f"], held["c"]]), np.concatenate([held["k"], held["p"]])
    return Camera(held["R"], held["T_mm"], intrinsics, distortion)
