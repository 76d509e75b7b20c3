"""Human3.6M as RLE has it, one JSON file: `keypoints_world`, `bbox` and `cam_param` of each person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.json_file import load_json
from mpii_tools.human36m.posenet_json import BROKEN, box_of, camera_fields, recording_of
from mpii_tools.human36m.recording import Recording

IMAGE = re.compile(r"s_(\d{1,3})_act_(\d{1,3})_subact_(\d{1,3})_ca_(\d{1,3})_(\d{1,9})\.\w+$")


def is_rle_json(stored: Any) -> bool:
    """Whether a JSON value is RLE's."""
    people = stored.get("annotations") if isinstance(stored, dict) else None
    return isinstance(people, list) and any(
        "keypoints_world" in entry for entry in people[:10] if isinstance(entry, dict)
    )


def read_rle_json(path: Path, stored: Any = None) -> Recording:
    """The people of `Sample_64_test_Human36M_protocol_2.json` and its like.

    Subject, action, camera and frame are those in the image's name. RLE's own code takes X_camera = R (X - t); here the
    boxes decide (`to_camera`). Lens distortion comes from metadata.xml or cameras.json if there is one.

    Args:
        path: the file.
        stored: its contents, if it has been loaded already.

    Raises:
        PoseError: an entry that is not as RLE has it, or cameras that fit no box.
    """
    stored = load_json(path) if stored is None else stored
    rows, place = [], "its images"
    try:
        images = {image["id"]: image for image in stored["images"]}
        for index, entry in enumerate(stored["annotations"]):
            place = f"annotation {index}"
            rows.append(_person({**images[entry["image_id"]], **entry}))
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        return recording_of(path, *columns)
    except PoseError as error:
        raise PoseError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error
    except BROKEN as error:
        raise PoseError(
            f"{path}: {place} is not as RLE has it ({type(error).__name__}: {str(error)[:80]!r}); give its file of "
            "keypoints_world, bbox and cam_param"
        ) from error


def _person(entry: Mapping) -> tuple:
    """As `posenet_json` has it, of an image's and its annotation's fields."""
    name = str(entry["file_name"])
    found = IMAGE.search(name)
    if found is None:
        raise ValueError("its file_name is not like s_01_act_02_subact_01_ca_01_000001.jpg")
    *numbers, frame = (int(digits) for digits in found.groups())
    pose = np.array(entry["keypoints_world"], dtype=np.float64).reshape(17, 3)
    return name, [*numbers, frame - 1], pose, *camera_fields(entry["cam_param"]), box_of(entry)
