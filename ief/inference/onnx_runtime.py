"""An exported model under ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE
from mpii_tools.skeletons import skeleton_from_json

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxNetwork:
    """An exported model as a `Network` (`ief.inference.networks`): the last stage's pose.

    Raises:
        PoseError: when ONNX Runtime is missing, or the file is no model that `ief export` wrote.
    """

    stage = -1

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        self.inputs = [entry.name for entry in self.session.get_inputs()]
        shapes = {entry.name: entry.shape for entry in self.session.get_outputs()}
        self.outputs = list(shapes)
        metadata = self.session.get_modelmeta().custom_metadata_map
        known = self.inputs in (["crops"], ["image", "center", "scale"])
        if not known or "size" not in metadata or "joints" not in shapes:
            raise PoseError(
                f"{path}: its inputs are {', '.join(self.inputs)}, expected crops, or image, center and scale; "
                "give a model that `ief export` wrote"
            )
        self.size, self.dimensions = int(metadata["size"]), shapes["joints"][-1]
        tree = json.loads(metadata.get("skeleton", "null"))
        self.skeleton = skeleton_from_json(tree) if tree else MPII

    def __call__(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 -> (1, B, K, D) float64, crop pixels (z in mm), and (B, K) scores, NaN without any."""
        found = dict(zip(self.outputs, self.session.run(self.outputs, self.feed(crops)), strict=True))
        joints = found["joints"].astype(np.float64)
        scores = found.get("scores", np.full(joints.shape[:2], np.nan))
        return joints[None], scores.astype(np.float64)

    def feed(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """The model's inputs. One that cuts its own crops gets each as an image, with the box that leaves it whole."""
        crops = np.ascontiguousarray(crops)
        if self.inputs == ["crops"]:
            return {"crops": crops}
        scale, middle = self.size / CROP_SIDE, (self.size - 1) / 2
        center = np.float32([middle, middle - CENTER_SHIFT * scale])
        return {
            "image": crops,
            "center": np.tile(center, (len(crops), 1)),
            "scale": np.full(len(crops), scale, np.float32),
        }


def open_session(path: Path) -> InferenceSession:
    """An ONNX Runtime session on the CPU with as many threads as torch has. Raises PoseError as `OnnxNetwork`."""
    try:
        import onnxruntime
    except ImportError:
        raise PoseError("ONNX Runtime is not installed: pip install '.[export]'") from None
    if not path.is_file():
        raise PoseError(f"{path}: no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that spin while they wait take the cores from decoding, and from another model: a fifth of int8's speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise PoseError(f"{path}: not a model that ONNX Runtime can load ({str(error).splitlines()[0]})") from error
