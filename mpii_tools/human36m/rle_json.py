"""Human3.6M as RLE has it, one JSON file: `keypoints_world`, `bbox` and `cam_param` of each person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpii_tools.formats.json_file import load_json
from mpii_tools.human36m.integral import Entry, make_entry, read_entries
from mpii_tools.human36m.recording import Recording

IMAGE = re.compile(r"s_(\d{1,3})_act_(\d{1,3})_subact_(\d{1,3})_ca_(\d{1,3})_(\d{1,9})\.\w+$")


def is_rle_json(stored: Any) -> bool:
    """Whether a JSON value is RLE's."""
    people = stored.get("annotations") if isinstance(stored, dict) else None
    first = people[:10] if isinstance(people, list) else []
    return any("keypoints_world" in entry for entry in first if isinstance(entry, dict))


def read_rle_json(path: Path, stored: Any = None) -> Recording:
    """The people of `Sample_64_test_Human36M_protocol_2.json` and its like.

    Subject, action, camera and frame are those in the image's name. RLE's own code takes X_camera = R (X - t); here the
    boxes decide (`to_camera`). Lens distortion comes from metadata.xml or cameras.json if there is one.

    Args:
        path: the file.
        stored: its contents, if it has been loaded already.

    Raises:
        PoseError: nobody who is as RLE has people, or cameras that fit no box.
    """
    return read_entries(path, load_json(path) if stored is None else stored, _read, "RLE")


def _read(image: Mapping, annotation: Mapping) -> Entry:
    fields = {**image, **annotation}
    found = IMAGE.search(str(fields["file_name"]))
    if found is None:
        raise ValueError("its file_name is not like s_01_act_02_subact_01_ca_01_000001.jpg")
    *numbers, frame = (int(digits) for digits in found.groups())
    return make_entry(
        fields["file_name"], [*numbers, frame - 1], fields["keypoints_world"], fields["cam_param"], fields["bbox"]
    )
