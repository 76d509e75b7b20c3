"""ONNX: the cascade as one model, heatmaps and both stages inside, and from an image the crop as well; int8; its run.

`export_onnx` writes a model, `quantize` makes it int8, `OnnxNetwork` runs either under ONNX Runtime.
"""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from checkpoints.errors import PoseError, import_extra, name_corrupt
from checkpoints.files import require_file, write_atomically
from heads.skeleton import MPII
from ief.inference.score_map import ScoreMap
from ief.model.cascade import Cascade
from ief.model.run_folder import MAX_SIZE, load_cascade
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE, place_squares
from mpii_tools.prepared.augmentation import MEAN, STD
from mpii_tools.prepared.read import load_prepared
from mpii_tools.skeletons import skeleton_from_json, skeleton_to_json

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BORDER = 16  # how far outside the image a sample's weight is counted, in image pixels
BATCH = 16  # crops at a time, for the ranges of int8


class CropsToPose(nn.Module):
    """From preprocessed crops to joints in crop pixels.

    Attributes:
        inputs, outputs: names of what `forward` takes and returns.
    """

    inputs = ("crops",)
    score_map: ScoreMap | None = None  # of the run, which the model's own scores are not passed through

    def __init__(self, cascade: Cascade) -> None:
        super().__init__()
        self.cascade = cascade.folded()
        self.size = cascade.stages[0].design.size
        self.outputs = ("joints", "scores") if cascade.stages[-1].design.likelihood else ("joints",)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * 255)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """(B, n, n, 3) uint8 RGB -> (B, K, D) joints in crop pixels, the last stage's, and `scores` if it has them."""
        return self.estimate((crops.permute(0, 3, 1, 2).float() - self.mean) / self.std)

    def estimate(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Joints in crop pixels, and scores (B, K) if the last stage was trained with a likelihood."""
        poses, sigma = self.cascade.predict(crops)
        pose = self.cascade.hide_unlabeled(poses[-1])
        return (pose, self.cascade.stages[-1].scores(sigma))[: len(self.outputs)]

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        return (torch.zeros(2, self.size, self.size, 3, dtype=torch.uint8),), ({0: torch.export.Dim("people")},)


class ImageToPose(CropsToPose):
    """From images and boxes to joints in image pixels."""

    inputs = ("image", "center", "scale")

    def forward(self, image: Tensor, center: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        """The last stage's poses.

        Args:
            image: (B, H, W, 3) uint8 RGB, one image per person.
            center: (B, 2) MPII's objpos, 0-based image pixels: 15 * scale above the middle of the crop.
            scale: (B,) MPII's scale, a person's height / 200 px.

        Returns:
            (B, K, D) joints, x, y in 0-based image pixels, z in mm as the network has it, and `scores` if it has them.
        """
        step = (scale * (CROP_SIDE / self.size)).view(-1, 1, 1)  # image pixels per crop pixel
        crop_center = (center + scale.unsqueeze(-1) * torch.tensor([0.0, CENTER_SHIFT])).unsqueeze(1)

        def to_image(points: Tensor) -> Tensor:  # the inverse of `crop_matrices`, which is diagonal
            moved = crop_center + step * (points[..., :2] - (self.size - 1) / 2)
            return torch.cat([moved, points[..., 2:]], dim=-1) if points.shape[-1] > 2 else moved

        positions = to_image(torch.arange(self.size).unsqueeze(-1))  # (B, n, 2)
        columns = weigh_pixels(positions[..., 0], step, image.shape[2])
        rows = weigh_pixels(positions[..., 1], step, image.shape[1])
        # The mean is subtracted first: what is outside the image is 0 then, the mean color.
        image = image.permute(0, 3, 1, 2).float() - self.mean
        crops = rows.unsqueeze(1) @ image @ columns.transpose(1, 2).unsqueeze(1) / self.std
        pose, *scores = self.estimate(crops)
        return to_image(pose), *scores

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        people, height, width = (torch.export.Dim(name) for name in ("people", "height", "width"))
        image = torch.zeros(2, self.size, self.size + 1, 3, dtype=torch.uint8)
        axes = ({0: people, 1: height, 2: width}, {0: people}, {0: people})
        return (image, torch.full((2, 2), self.size / 2), torch.ones(2)), axes


def weigh_pixels(positions: Tensor, step: Tensor, length: int) -> Tensor:
    """Weights (B, n, length) of pixels 0 .. length - 1 in the samples at `positions` (B, n) of a line.

    A triangle two steps wide, but at least two pixels: linear interpolation of an enlarged image, an average in a
    reduced one. Pixels outside the line have their weight and add nothing.

    Args:
        step: (B, 1, 1) distance of the samples in pixels.
    """
    pixels = torch.arange(-BORDER, length + BORDER)
    weights = (1 - (pixels - positions.unsqueeze(-1)).abs() / step.clamp(min=1)).clamp(min=0)
    weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1)
    return weights[..., BORDER : BORDER + length]


def export_run(
    run: Path, out: Path, kind: str = "image", int8: Path | None = None, calibrate: int = 128
) -> CropsToPose:
    """Export the stages of a run folder; returns the model that was exported.

    Args:
        kind: of input, `image` or `crops`.
        int8: a prepared folder, on whose training crops the model of crops is quantized; None leaves it in fp32.
        calibrate: how many of these crops, spread over the split.

    Raises:
        PoseError: no such stages or crops, crops of another size, or a missing package.
    """
    model = {"image": ImageToPose, "crops": CropsToPose}[kind](load_cascade(run))
    model.score_map = ScoreMap.load(run)
    if int8 is None:
        export_onnx(model, out)
        return model
    data = load_prepared(int8, "train")
    if data.size != model.size or calibrate < 1:
        raise PoseError(f"{int8}: prepared at {data.size} px, the run takes {model.size}; --calibrate at least 1")
    rows = np.unique(np.linspace(0, len(data) - 1, calibrate).astype(int))
    inner, whole = slice(data.border, data.border + data.size), out.with_name(f".{out.name}.fp32")
    try:
        quantize(export_onnx(model, whole), out, np.ascontiguousarray(data.crops[rows][:, inner, inner]))
    finally:
        whole.unlink(missing_ok=True)
    return model


def export_onnx(model: CropsToPose, path: Path) -> Path:
    """Write a model with its inputs by name and the output `joints`; any number of people, any size of image.

    A stage that was trained with a likelihood adds the output `scores`, (B, K). The metadata hold `size`, the side of
    the crops, `joint_names`, `skeleton` as JSON, `rooted` if root joints are placed at the center of the crop, and
    `scores`, the map (`ief.inference.score_map`) from the model's scores to shares right, where the run has one.

    Raises:
        PoseError: when onnx or onnxscript is missing.
    """
    import_extra("onnxscript", "export")  # what torch's exporter needs
    for name in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    inputs, axes = model.example()
    names = {"input_names": model.inputs, "output_names": model.outputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes to its own developers
        program = torch.onnx.export(model.eval(), inputs, dynamo=True, verbose=False, dynamic_shapes=axes, **names)
    design = model.cascade.stages[0].design
    skeleton = design.skeleton
    tree = {"joint_names": ",".join(skeleton.names), "skeleton": json.dumps(skeleton_to_json(skeleton))}
    tree |= {"scores": json.dumps(asdict(model.score_map))} if model.score_map else {}
    tree |= {"rooted": "yes"} if design.rooted else {}
    program.model.metadata_props.update({"size": str(model.size), **tree})
    return write_atomically(path, lambda part: program.save(str(part), external_data=False))


def quantize(source: Path, target: Path, crops: np.ndarray) -> Path:
    """Write the int8 version of an exported model of crops, by the ranges of its activations on real crops.

    Static, per output channel, ranges from the smallest and largest value on `crops`. The convolutions of the
    residual blocks and what follows them become int8; the first ones, which see the image and the heatmaps, and the
    linear heads stay in fp32: they are a small part of the work.

    Args:
        source: what `export_onnx` wrote.
        crops: (N, n, n, 3) uint8 RGB, from the training split.

    Raises:
        PoseError: when onnx or onnxruntime is missing.
    """
    onnx, quantization = (import_extra(name, "export") for name in ("onnx", "onnxruntime.quantization"))
    batches = iter([{"crops": crops[row : row + BATCH]} for row in range(0, len(crops), BATCH)])
    reader = SimpleNamespace(get_next=lambda: next(batches, None))  # all that is asked of a CalibrationDataReader
    options = {
        "quant_format": quantization.QuantFormat.QDQ,
        "per_channel": True,
        "weight_type": quantization.QuantType.QInt8,
        "activation_type": quantization.QuantType.QUInt8,
        "nodes_to_quantize": list_residual_nodes(onnx.load(source).graph),
    }
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it recommends a preprocessing that changes nothing here
    try:
        return write_atomically(target, lambda part: quantization.quantize_static(source, part, reader, **options))
    finally:
        logging.root.setLevel(level)


def list_residual_nodes(graph: object) -> list[str]:
    """Names of the residual blocks' convolutions, sums and ReLUs in an `onnx.GraphProto`."""
    producers = {output: node.op_type for node in graph.node for output in node.output}
    channels = {tensor.name: tensor.dims[1] for tensor in graph.initializer if len(tensor.dims) == 4}
    return [
        node.name
        for node in graph.node
        if (node.op_type == "Conv" and channels[node.input[1]] != 3)
        or (node.op_type == "Add" and {producers.get(name) for name in node.input} <= {"Conv", "Relu"})
        or node.op_type == "Relu"
    ]


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
        known = self.inputs in (CropsToPose.inputs, ImageToPose.inputs)
        if not known or "size" not in metadata or "joints" not in self.outputs:
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

        A model that cuts its own crops gets each as an image, with the center and scale that leave it whole.
        """
        feed = {self.inputs[0]: np.ascontiguousarray(crops)}
        if self.inputs == ImageToPose.inputs:
            middle, side = np.full((len(crops), 2), (self.size - 1) / 2), np.full(len(crops), float(self.size))
            feed["center"], feed["scale"] = (column.astype(np.float32) for column in place_squares(middle, side))
        values = dict(zip(self.outputs, self.session.run(self.outputs, feed), strict=True))
        joints = values["joints"].astype(np.float64)
        scores = values.get("scores", np.full(joints.shape[:2], np.nan)).astype(np.float64)
        scores = self.score_map(scores) if self.score_map else scores
        return joints[None], scores, np.full((*scores.shape, 2), np.nan)


def open_session(path: Path) -> InferenceSession:
    """An ONNX Runtime session on the CPU with as many threads as torch has.

    Raises:
        PoseError: when ONNX Runtime is missing, or cannot load the file.
    """
    onnxruntime = import_extra("onnxruntime", "export")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that spin while they wait take the cores from decoding, and from another model: a fifth of int8's speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = require_file(path)
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base class
        raise PoseError(f"{path}: not a model that ONNX Runtime can load ({str(error).splitlines()[0]})") from error
