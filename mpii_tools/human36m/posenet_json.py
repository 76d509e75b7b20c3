"""Human3.6M as PoseNet and Integral have it: `Human36M_subject1_data.json`, `_camera.json` and `_joint_3d.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError
from mpii_tools.formats.json_file import load_json
from mpii_tools.human36m.integral import Entry, make_entry, read_entries
from mpii_tools.human36m.recording import Recording

ENDING = "_data.json"
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
        PoseError: a file that is missing, nobody who is as PoseNet has people, or cameras that fit no box.
    """
    if not path.name.endswith(ENDING):
        raise PoseError(f"{path}: Human3.6M of PoseNet is called Human36M_subject1{ENDING}; keep its name")
    stored = load_json(path) if stored is None else stored
    base = path.name.removesuffix(ENDING)
    cameras, joints = (load_json(path.with_name(f"{base}_{kind}.json")) for kind in ("camera", "joint_3d"))

    def read(image: Mapping, annotation: Mapping) -> Entry:
        numbers = [int(image[name]) for name in OF_IMAGE]
        _, action, subaction, camera, frame = map(str, numbers)
        return make_entry(
            image["file_name"], numbers, joints[action][subaction][frame], cameras[camera], annotation["bbox"]
        )

    return read_entries(path, stored, read, "PoseNet")
