"""Human3.6M as PoseNet and Integral have it: `Human36M_subject1_data.json`, `_camera.json` and `_joint_3d.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.json_file import load_json
from mpii_tools.human36m.cameras import find_cameras, lenses
from mpii_tools.human36m.names import SUBJECTS, action_of, camera_of, sequence_name
from mpii_tools.human36m.protocols import split_of
from mpii_tools.human36m.recording import Recording, make_recording
from mpii_tools.human36m.world import to_camera

ENDING = "_data.json"
BROKEN = (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError)  # what a bad entry raises
OF_IMAGE = ("subject", "action_idx", "subaction_idx", "cam_idx", "frame_idx")


def is_posenet_json(stored: Any) -> bool:
    """Whether a JSON value is one of the `_data.json`."""
    images = stored.get("images") if isinstance(stored, dict) else None
    return isinstance(images, list) and bool(images) and isinstance(images[0], dict) and set(OF_IMAGE) <= set(images[0])


def read_posenet_json(path: Path, stored: Any = None) -> Recording:
    """The people of one subject's `_data.json`, with the cameras and world poses beside it.

    Whether R and t mean R X + t or R (X - t) is found by the boxes (`to_camera`). These cameras have no lens
    distortion; it comes from metadata.xml or cameras.json if there is one.

    Args:
        path: the `_data.json`.
        stored: its contents, if it has been loaded already.

    Raises:
        PoseError: a file that is missing, an entry that is not as PoseNet has it, or cameras that fit no box.
    """
    stored = load_json(path) if stored is None else stored
    if not path.name.endswith(ENDING):
        raise PoseError(f"{path}: Human3.6M of PoseNet is called Human36M_subject1{ENDING}; keep its name")
    base = path.name.removesuffix(ENDING)
    cameras, joints = (load_json(path.with_name(f"{base}_{kind}.json")) for kind in ("camera", "joint_3d"))
    rows, place = [], "its images"
    try:
        images = {image["id"]: image for image in stored["images"]}
        for index, entry in enumerate(stored["annotations"]):
            place = f"annotation {index}"
            rows.append(_person(entry, images[entry["image_id"]], cameras, joints))
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        return recording_of(path, *columns)
    except PoseError as error:
        raise PoseError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error
    except BROKEN as error:
        raise PoseError(
            f"{path}: {place} is not as PoseNet has it ({type(error).__name__}: {str(error)[:80]!r}); give all three "
            "files of the subject"
        ) from error


def _person(entry: Mapping, image: Mapping, cameras: Mapping, joints: Mapping) -> tuple:
    """Image, numbers of OF_IMAGE, (17, 3) world pose, R, t, f, c and box."""
    numbers = [int(image[name]) for name in OF_IMAGE]
    _, action, subaction, camera, frame = numbers
    pose = np.array(joints[str(action)][str(subaction)][str(frame)], dtype=np.float64).reshape(17, 3)
    found = cameras[str(camera)]
    return str(image["file_name"]), numbers, pose, *camera_fields(found), box_of(entry)


def camera_fields(camera: Mapping) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R (3, 3), t (3,) and fx, fy, cx, cy (4,) of a camera's `R`, `t`, `f` and `c`. The caller catches BROKEN."""
    rotation, position, focal, center = (
        np.array(camera[name], dtype=np.float64).reshape(shape)
        for name, shape in (("R", (3, 3)), ("t", (3,)), ("f", (2,)), ("c", (2,)))
    )
    return rotation, position, np.concatenate([focal, center])


def box_of(entry: Mapping) -> np.ndarray:
    """x, y, width, height (4,) of `bbox`. The caller catches BROKEN."""
    return np.array(entry["bbox"], dtype=np.float64).reshape(4)


def recording_of(
    path: Path,
    images: np.ndarray,
    numbers: np.ndarray,
    world: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    camera: np.ndarray,
    boxes: np.ndarray,
) -> Recording:
    """The people of N entries.

    Args:
        path: the file, for messages and to find the lenses.
        images: (N,) file names.
        numbers: (N, 5) of OF_IMAGE.
        world: (N, 17, 3) mm.
        rotation, translation, camera, boxes: as `to_camera`.

    Raises:
        PoseError: no such subject, or as `to_camera`.
        ValueError: no such action or camera.
    """
    subjects = [f"S{number}" for number in numbers[:, 0].tolist()]
    if strange := next((subject for subject in subjects if subject not in SUBJECTS), None):
        raise PoseError(f"{path}: {strange} is none of {', '.join(SUBJECTS)}; give Human3.6M's annotations")
    actions = [action_of(number) for number in numbers[:, 1].tolist()]
    names = [camera_of(number) for number in numbers[:, 3].tolist()]
    return make_recording(
        images, to_camera(path, world, rotation, translation, camera, boxes), camera,
        lenses(find_cameras(path.parent), subjects, names)[1], subject=subjects, action=actions,
        sequence=[sequence_name(*of) for of in zip(subjects, actions, numbers[:, 2].tolist(), strict=True)],
        frame=numbers[:, 4], split=split_of(subjects),
    )  # fmt: skip
