"""An exported model under ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from checkpoints.errors import PoseError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxNetwork:
    """An exported model of crops as a `Network` (`ief.inference.predictor`): the last stage's pose.

    Attributes:
        size: side of the crops in pixels.

    Raises:
        PoseError: when ONNX Runtime is missing, or the file is not a model of crops that `ief export` wrote.
    """

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        inputs = [entry.name for entry in self.session.get_inputs()]
        if inputs != ["crops"]:
            raise PoseError(f"{path}: its inputs are {', '.join(inputs)}, expected crops; export it with --input crops")
        self.size = int(self.session.get_modelmeta().custom_metadata_map["size"])

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        """(B, n, n, 3) uint8 -> (1, B, K, D) float64, crop pixels."""
        return np.stack(self.session.run(["joints"], {"crops": np.ascontiguousarray(crops)})).astype(np.float64)


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
