"""Human3.6M in JSON: as PoseNet and Integral have it, `Human36M_subject1_data.json`, `_camera.json` and
`_joint_3d.json`, and as RLE has it, one file with `keypoints_world`, `bbox` and `cam_param` of each person."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.protocols import HUMAN36M, parse_numbers
from mpii_tools.annotations.human36m.recording import NAMES, make_reading, tabulate_frames, to_camera
from mpii_tools.annotations.labels import read_entries
from mpii_tools.annotations.reading import Reading
from mpii_tools.formats.content import load_json

ENDING = "_data.json"
OF_IMAGE = ("subject", "action_idx", "subaction_idx", "cam_idx", "frame_idx")
RLE_IMAGE = re.compile(r"s_(\d{1,3})_act_(\d{1,3})_subact_(\d{1,3})_ca_(\d{1,3})_(\d{1,9})\.\w+$")


def read_posenet(path: Path, stored: Any) -> Reading:
    """The people of one subject's `_data.json`, with the cameras and world poses beside it.

    Whether R and t mean R X + t or R (X - t) is found by the boxes (`to_camera`). These cameras have no lens
    distortion; it comes from metadata.xml or cameras.json if there is one.

    Raises:
        PoseError: a file that is missing, nobody who is as PoseNet has people, or cameras that fit no box.
    """
    if not path.name.endswith(ENDING):
        raise PoseError(f"{path}: Human3.6M of PoseNet is called Human36M_subject1{ENDING}; keep its name")
    base = path.name.removesuffix(ENDING)
    cameras, joints = (load_json(path.with_name(f"{base}_{kind}.json")) for kind in ("camera", "joint_3d"))

    def read(image: Mapping, annotation: Mapping) -> tuple:
        numbers = [int(image[name]) for name in OF_IMAGE]
        _, action, subaction, camera, frame = map(str, numbers)
        world = joints[action][subaction][frame]
        return _make_entry(image["file_name"], numbers, world, cameras[camera], annotation["bbox"])

    return _read_entries(path, stored, read, "PoseNet")


def read_rle(path: Path, stored: Any) -> Reading:
    """The people of `Sample_64_test_Human36M_protocol_2.json` and its like.

    Subject, action, camera and frame are those in the image's name. RLE's own code takes X_camera = R (X - t); here the
    boxes decide (`to_camera`). Lens distortion comes from metadata.xml or cameras.json if there is one.

    Raises:
        PoseError: nobody who is as RLE has people, or cameras that fit no box.
    """

    def read(image: Mapping, annotation: Mapping) -> tuple:
        fields = {**image, **annotation}
        if not (match := RLE_IMAGE.search(str(fields["file_name"]))):
            raise ValueError("its file_name is not like s_01_act_02_subact_01_ca_01_000001.jpg")
        *numbers, frame = map(int, match.groups())
        world, camera = fields["keypoints_world"], fields["cam_param"]
        return _make_entry(fields["file_name"], [*numbers, frame - 1], world, camera, fields["bbox"])

    return _read_entries(path, stored, read, "RLE")


def _make_entry(image: Any, numbers: Sequence[int], world: Any, camera: Mapping[str, Any], box: Any) -> tuple:
    """Image, frame, (17, 3) mm, R, t, fx fy cx cy and box of a JSON file's values, as far as they are whole.

    Args:
        numbers: for `parse_numbers`.
        camera: R, t, f, c.

    Raises:
        ValueError, TypeError, KeyError, OverflowError: values that are of another form.
    """
    shapes = ((world, (len(NAMES), 3)), (camera["R"], (3, 3)), (camera["t"], 3), (camera["f"], 2), (camera["c"], 2))
    held = [np.array(value, dtype=np.float64).reshape(shape) for value, shape in (*shapes, (box, 4))]
    if not all(np.isfinite(values).all() for values in held):
        raise ValueError("a number that is not finite")
    points, rotation, translation, focal, center, corners = held
    if not np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-3 or not (focal > 0).all():
        raise ValueError("its camera's R is no rotation, or its f not above 0")
    return str(image), parse_numbers(*numbers), points, rotation, translation, np.concatenate([focal, center]), corners


def _read_entries(path: Path, stored: Any, read: Callable[[Mapping, Mapping], tuple], form: str) -> Reading:
    """The people of a file's `images` and `annotations`; entries that are not as the format has them are left out.

    Args:
        read: `_make_entry` of an image and an annotation.
        form: the format's name in messages.

    Raises:
        PoseError: no such lists, nobody in it, or cameras that fit no box.
    """
    try:
        images = {image["id"]: image for image in stored["images"]}
        annotations = list(stored["annotations"])
    except (KeyError, TypeError) as error:
        raise PoseError(f"{path}: no images and annotations as {form} has them; give its own file") from error
    columns, left_out = read_entries(
        path, annotations, lambda entry: read(images[entry["image_id"]], entry), form, "its own file"
    )
    names, frames, *arrays = columns
    world, rotation, translation, camera, boxes = map(np.array, arrays)
    table = {**tabulate_frames(path, frames), "camera": camera, "left_out": left_out}
    poses = to_camera(path, world, rotation, translation, camera, boxes)
    return make_reading(f"{HUMAN36M} as {form} has it (JSON)", names, poses, **table)
