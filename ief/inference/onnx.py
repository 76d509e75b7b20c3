"""An exported model under ONNX Runtime, without torch; `ief.inference.onnx_export` writes one."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from checkpoints import PoseError, import_extra, name_corrupt, require_file
from checkpoints.weights import MAX_SIZE
from heads.skeleton import MPII
from ief.inference.score_map import ScoreMap
from mpii_tools.people import BOX_MARGIN, place_squares
from mpii_tools.skeletons import skeleton_from_json

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CROPS, IMAGE, BOXES = ("crops",), ("image", "center", "scale"), ("image", "boxes")  # inputs of the kinds of models


class OnnxNetwork:
    """An exported model as a `Network` (`ief.inference.stream`): the last stage's pose.

    Raises:
        PoseError: when ONNX Runtime is missing, or the file is no model that `ief export` wrote.
    """

    stage, name = -1, "ONNX Runtime"

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        self.inputs = tuple(entry.name for entry in self.session.get_inputs())
        self.outputs = [entry.name for entry in self.session.get_outputs()]
        metadata = self.session.get_modelmeta().custom_metadata_map
        if self.inputs not in (CROPS, IMAGE, BOXES) or "size" not in metadata or "joints" not in self.outputs:
            raise PoseError(f"{path}: takes {', '.join(self.inputs)}, not what a model that `ief export` wrote does")
        with name_corrupt(path, "export it again", Exception):  # what ONNX Runtime raises has no base class of its own
            self.size, tree = int(metadata["size"]), json.loads(metadata.get("skeleton", "null"))
            self.skeleton = skeleton_from_json(tree) if tree else MPII
            self.rooted = "rooted" in metadata
            self.score_map = ScoreMap.from_text(metadata["scores"]) if "scores" in metadata else None
            if not 0 < self.size <= MAX_SIZE:
                raise ValueError(f"size {self.size}")
            joints, scores, _ = self(np.zeros((2, self.size, self.size, 3), np.uint8))
            self.dimensions = joints.shape[-1]
            if scores.shape != (2, len(self.skeleton)) or joints.shape[:-1] != (1, *scores.shape):
                raise ValueError(f"joints {joints.shape[1:]}, scores {scores.shape} of 2 people")

    def __call__(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B, n, n, 3) uint8 -> (1, B, K, D) float64, crop pixels (z in mm), scores (B, K) or NaN, and (B, K, 2) NaN.

        A model that cuts its own crops gets each as an image, with the box, or center and scale, that leave it whole.
        """
        if self.inputs == BOXES:
            box = self.size / 2 + self.size / BOX_MARGIN / 2 * np.array([[-1, -1, 1, 1]], np.float32)
            each = [self.session.run(self.outputs, {"image": crop, "boxes": box}) for crop in crops]
            return self._read(map(np.concatenate, zip(*each, strict=True)))
        feed = {self.inputs[0]: np.ascontiguousarray(crops)}
        if self.inputs == IMAGE:
            middle, side = np.full((len(crops), 2), (self.size - 1) / 2), np.full(len(crops), float(self.size))
            feed["center"], feed["scale"] = (column.astype(np.float32) for column in place_squares(middle, side))
        return self._read(self.session.run(self.outputs, feed))

    def _read(self, outputs: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = dict(zip(self.outputs, outputs, strict=True))
        joints = values["joints"].astype(np.float64)
        scores = values.get("scores", np.full(joints.shape[:2], np.nan)).astype(np.float64)
        scores = self.score_map(scores) if self.score_map else scores
        return joints[None], scores, np.full((*scores.shape, 2), np.nan)


def open_session(path: Path) -> "InferenceSession":
    """An ONNX Runtime session on the CPU with as many threads as torch has, or would have.

    Raises:
        PoseError: when ONNX Runtime is missing, or cannot load the file.
    """
    onnxruntime = import_extra("onnxruntime", "export")
    options = onnxruntime.SessionOptions()
    torch = sys.modules.get("torch")  # which a model does without; 0 is a thread per core
    options.intra_op_num_threads = torch.get_num_threads() if torch else int(os.environ.get("OMP_NUM_THREADS", 0))
    # Threads that spin while they wait take the cores from decoding, and from another model: a fifth of int8's speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = require_file(path)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise PoseError(f"{path}: not a model that ONNX Runtime can load ({str(error).splitlines()[0]})") from error
