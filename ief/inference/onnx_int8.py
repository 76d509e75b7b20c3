"""int8 of an exported model: the ranges of its activations are measured on real crops (static quantization)."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_atomically

BATCH = 16


def quantize(source: Path, target: Path, crops: np.ndarray) -> Path:
    """Write the int8 version of an exported model of crops.

    Static, per output channel, ranges from the smallest and largest value on `crops`. The convolutions of the
    residual blocks and what follows them become int8; the first ones, which see the image and the heatmaps, and the
    linear heads stay in fp32: they are a small part of the work.

    Args:
        source: what `ief.inference.onnx_export.export_onnx` wrote.
        crops: (N, n, n, 3) uint8 RGB, from the training split.

    Raises:
        PoseError: when onnx or onnxruntime is missing.
    """
    try:
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    except ImportError:
        raise PoseError("int8 needs the packages onnx and onnxruntime: pip install '.[export]'") from None

    class Crops(CalibrationDataReader):
        """Batches of crops for the calibration."""

        def __init__(self) -> None:
            self.batches = iter({"crops": crops[row : row + BATCH]} for row in range(0, len(crops), BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            """The next batch, None after the last."""
            return next(self.batches, None)

    nodes = residual_nodes(onnx.load(source).graph)
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it recommends a preprocessing that changes nothing here
    try:
        return write_atomically(
            target,
            lambda part: quantize_static(
                source,
                part,
                Crops(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                nodes_to_quantize=nodes,
            ),
        )
    finally:
        logging.root.setLevel(level)


def residual_nodes(graph: object) -> list[str]:
    """Names of the residual blocks' convolutions, sums and ReLUs in an `onnx.GraphProto`."""
    producers = {output: node.op_type for node in graph.node for output in node.output}
    channels = {tensor.name: tensor.dims[1] for tensor in graph.initializer if len(tensor.dims) == 4}
    return [
        node.name
        for node in graph.node
        if (node.op_type == "Conv" and channels[node.input[1]] > 3)
        or (node.op_type == "Add" and {producers.get(name) for name in node.input} <= {"Conv", "Relu"})
        or node.op_type == "Relu"
    ]
