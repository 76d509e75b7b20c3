"""What PoseNet's, Integral's and RLE's JSON share: an image's name and numbers, a world pose, a camera and a box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.human36m.cameras import find_cameras, lenses
from mpii_tools.human36m.joints import NAMES
from mpii_tools.human36m.names import SUBJECTS, action_of, camera_of, sequence_name
from mpii_tools.human36m.protocols import split_of
from mpii_tools.human36m.recording import Recording, make_recording
from mpii_tools.human36m.world import to_camera

BROKEN = (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError)  # what a bad entry raises


@dataclass(frozen=True)
class Entry:
    """One person.

    Attributes:
        image: file name.
        subject, action, sequence, camera: names.
        frame: in the video, from 0.
        world: (17, 3) mm.
        rotation, translation, intrinsics: (3, 3), (3,) and (4,) fx, fy, cx, cy.
        box: (4,) x, y, width, height in image pixels.
    """

    image: str
    subject: str
    action: str
    sequence: str
    camera: str
    frame: int
    world: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    intrinsics: np.ndarray
    box: np.ndarray


def make_entry(image: Any, numbers: Sequence[int], world: Any, camera: Mapping[str, Any], box: Any) -> Entry:
    """A person of a JSON file's values.

    Args:
        numbers: subject, action, subaction, camera, frame.
        camera: `R`, `t`, `f`, `c`.

    Raises:
        one of BROKEN: values that are none of these.
    """
    number, action, subaction, name, frame = numbers
    subject = f"S{number}"
    if subject not in SUBJECTS or not abs(frame) < 1 << 32:
        raise ValueError(f"subject {subject}, frame {frame}")
    rotation, translation, focal, center, points, corners = (
        _numbers(value, shape)
        for value, shape in (
            (camera["R"], (3, 3)), (camera["t"], (3,)), (camera["f"], (2,)), (camera["c"], (2,)),
            (world, (len(NAMES), 3)), (box, (4,)),
        )
    )  # fmt: skip
    if not np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-3 or not (focal > 0).all():
        raise ValueError("its camera's R is no rotation, or its f not above 0")
    action = action_of(action)
    return Entry(
        str(image), subject, action, sequence_name(subject, action, subaction), camera_of(name), frame, points,
        rotation, translation, np.concatenate([focal, center]), corners,
    )  # fmt: skip


def read_entries(path: Path, stored: Any, read: Callable[[Mapping, Mapping], Entry], form: str) -> Recording:
    """The people of a JSON value's `images` and `annotations`; entries that are not as the form has them are left out.

    Args:
        path: the file, for messages.
        read: makes one of an image and an annotation; may raise BROKEN.
        form: its name in messages.

    Raises:
        PoseError: no such lists, nobody in it, or cameras that fit no box.
    """
    try:
        images = {image["id"]: image for image in stored["images"]}
        annotations = list(stored["annotations"])
    except BROKEN as error:
        raise PoseError(f"{path}: no images and annotations as {form} has them; give its own file") from error
    entries, left_out = [], []
    for index, annotation in enumerate(annotations):
        try:
            entries.append(read(images[annotation["image_id"]], annotation))
        except BROKEN as error:
            left_out.append(f"annotation {index}: {type(error).__name__} {str(error)[:80]!r}")
    if not entries:
        first = f", first {left_out[0]}" if left_out else ""
        raise PoseError(f"{path}: nobody in it is as {form} has people{first}; give its own file")
    return _recording(path, entries, left_out)


def _recording(path: Path, entries: Sequence[Entry], left_out: Sequence[str]) -> Recording:
    column = {name: [getattr(entry, name) for entry in entries] for name in vars(entries[0])}
    world, rotation, translation, intrinsics, boxes = (
        np.array(column[name]) for name in ("world", "rotation", "translation", "intrinsics", "box")
    )
    distortion = lenses(find_cameras(path.parent), column["subject"], column["camera"])[1]
    poses = to_camera(path, world, rotation, translation, intrinsics, boxes)
    return make_recording(
        column["image"], poses, intrinsics, distortion, subject=column["subject"], action=column["action"],
        sequence=column["sequence"], frame=column["frame"], split=split_of(column["subject"]), left_out=left_out,
    )  # fmt: skip


def _numbers(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = np.array(value, dtype=np.float64)
    if found.size != np.prod(shape) or not np.isfinite(found).all():
        raise ValueError(f"numbers of shape {found.shape}, or not finite, for {shape}")
    return found.reshape(shape)
