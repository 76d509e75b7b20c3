"""The cascade as one ONNX model, heatmaps and all stages inside, and from an image the crops as well; int8.

`ief.inference.onnx` runs what is written here.
"""

import json
import logging
import warnings
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from checkpoints import PoseError, import_extra, write_atomically
from ief.inference.onnx import BOXES, CROPS, IMAGE
from ief.inference.score_map import ScoreMap
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade
from mpii_tools.images.decode import FILL
from mpii_tools.people import BOX_MARGIN, CENTER_SHIFT, CROP_SIDE
from mpii_tools.prepared.augmentation import MEAN, STD
from mpii_tools.prepared.read import load_prepared
from mpii_tools.skeletons import skeleton_to_json

UP = 0.01  # added to means over two by two pixels, whose halves OpenCV rounds up, and all others to even numbers
LEAST = 1e-3  # of a pixel, below which OpenCV passes it over in a mean
BATCH = 16  # crops at a time, for the ranges of int8


class CropsToPose(nn.Module):
    """From preprocessed crops to joints in crop pixels.

    Attributes:
        inputs, outputs: names of what `forward` takes and returns.
    """

    inputs = CROPS
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
    """From images and MPII's center and scale to joints in image pixels."""

    inputs = IMAGE

    def __init__(self, cascade: Cascade) -> None:
        super().__init__(cascade)
        self.register_buffer("fill", torch.tensor(FILL).float().view(3, 1, 1))

    def forward(self, image: Tensor, center: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        """The last stage's poses.

        Args:
            image: (B, H, W, 3) uint8 RGB, one image per person.
            center: (B, 2) MPII's objpos, 0-based image pixels: 15 * scale above the middle of the crop.
            scale: (B,) MPII's scale, a person's height / 200 px.

        Returns:
            (B, K, D) joints, x, y in 0-based image pixels, z in mm as the network has it, and `scores` if it has them.
        """
        side = (CROP_SIDE * scale).unsqueeze(-1)
        return self.look(image, center + scale.unsqueeze(-1) * torch.tensor([0.0, CENTER_SHIFT]), side, side)

    def look(self, image: Tensor, middle: Tensor, side: Tensor, finest: Tensor) -> tuple[Tensor, ...]:
        """The poses in squares of images, which are cut as `mpii_tools.images.decode.cut_crops` does.

        Args:
            image: (B, H, W, 3) uint8 RGB, or (1, H, W, 3) for all.
            middle, side: (B, 2) and (B, 1) of the squares, image pixels.
            finest: (B, 1) or (1, 1) the smallest side that is cut out of the image, by which it is reduced for all.
        """
        step, middle = side.unsqueeze(-1) / self.size, middle.unsqueeze(1)  # image pixels per crop pixel

        def to_image(points: Tensor) -> Tensor:  # the inverse of `crop_matrices`, which is diagonal
            moved = middle + step * (points[..., :2] - (self.size - 1) / 2)
            return torch.cat([moved, points[..., 2:]], dim=-1) if points.shape[-1] > 2 else moved

        positions = to_image(torch.arange(self.size).view(-1, 1)) + 0.5  # from the image's edge on
        pixels = image.permute(0, 3, 1, 2).float() - self.fill  # what is outside the image has no weight: 0
        level, crops = (finest.view(-1, 1, 1, 1) / self.size).log2().floor().clamp(0, 3), self.fill
        for index, reduction in enumerate((1, 2, 4, 8)):  # `mpii_tools.images.decode.REDUCED`
            reduced = F.pad(pixels, [0, reduction - 1] * 2, "replicate") if reduction > 1 else pixels
            reduced = (F.avg_pool2d(reduced, reduction) + UP * (reduction == 2)).round()
            crops = crops + (level == index) * sample_squares(reduced, positions / reduction, step / reduction)
        pose, *scores = self.estimate((crops.round() - self.mean) / self.std)
        return to_image(pose), *scores

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        people, height, width = (torch.export.Dim(name) for name in ("people", "height", "width"))
        image = torch.zeros(2, self.size, self.size + 1, 3, dtype=torch.uint8)
        axes = ({0: people, 1: height, 2: width}, {0: people}, {0: people})
        return (image, torch.full((2, 2), self.size / 2), torch.ones(2)), axes


class BoxesToPose(ImageToPose):
    """From one image and the boxes of its people to joints in image pixels."""

    inputs = BOXES

    def forward(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, ...]:
        """The last stage's poses, those of `PosePredictor`.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes: (P, 4) x1 y1 x2 y2, a person or more; the whole image is 0 0 W H.

        Returns:
            as `ImageToPose.forward`, of P people.
        """
        low, high = boxes[:, :2], boxes[:, 2:]
        side = BOX_MARGIN * (high - low).amax(dim=1, keepdim=True)
        return self.look(image.unsqueeze(0), (low + high) / 2 - 0.5, side, side.amin(dim=0, keepdim=True))

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        (image, *_), (axes, *_) = super().example()
        boxes = torch.tensor([[0.0, 0.0, self.size, self.size]] * 2)
        return (image[0], boxes), ({0: axes[1], 1: axes[2]}, {0: axes[0]})


def sample_squares(image: Tensor, positions: Tensor, step: Tensor) -> Tensor:
    """Squares (B, 3, n, n) of images (B or 1, 3, H, W), sampled at `positions` (B, n, 2), pixels from the image's edge.

    As `mpii_tools.images.decode.warp`: averaged over cells of as many whole pixels as samples are apart, rounded as
    OpenCV does (INTER_AREA), and interpolated linearly between the cells; 0 outside.

    Args:
        step: (B, 1, 1) distance of the samples, pixels.
    """
    lengths = [torch.arange(length + 1)[-1] for length in image.shape[2:]]  # tensors, so of any image when exported
    shrink = torch.minimum((step + 1e-6).floor().clamp(min=1), torch.minimum(*lengths))
    cells = [length / (length / shrink).floor() for length in lengths]  # pixels
    (rows, down), (columns, right) = (
        weigh_pixels(positions[..., 1 - axis], cells[axis], image.shape[2 + axis]) for axis in (0, 1)
    )
    means = rows.unsqueeze(1) @ image @ columns.transpose(1, 2).unsqueeze(1)  # (B, 3, 2n, 2n)
    means = (means + UP * ((cells[0] == 2) & (cells[1] == 2)).unsqueeze(1)).round()
    return down.unsqueeze(1) @ means @ right.transpose(1, 2).unsqueeze(1)


def weigh_pixels(positions: Tensor, cell: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Weights of a line's pixels in the cells beside each sample, and of those cells in the sample.

    Args:
        positions: (B, n) of the samples, pixels from the line's edge.
        cell: (B, 1, 1) length of a cell in pixels.
        length: of the line.

    Returns:
        (B, 2n, length) of means over the first and then the second cells, and (B, n, 2n).
    """
    place = positions.unsqueeze(-1) / cell - 0.5
    first, pixel = place.floor(), torch.arange(length)
    edge = torch.cat([first, first + 1], dim=1) * cell
    covered = torch.minimum(pixel + 1, edge + cell) - torch.maximum(pixel, edge)
    one = torch.eye(positions.shape[1])
    return covered * (covered > LEAST) / cell, torch.cat([one * (1 - place + first), one * (place - first)], dim=2)


def export_run(
    run: Path, out: Path, kind: str = "image", int8: Path | None = None, calibrate: int = 128
) -> CropsToPose:
    """Export the stages of a run folder; returns the model that was exported.

    Args:
        kind: of input, `image`, `boxes` or `crops`.
        int8: a prepared folder, on whose training crops the model of crops is quantized; None leaves it in fp32.
        calibrate: how many of these crops, spread over the split.

    Raises:
        PoseError: no such stages or crops, crops of another size, or a missing package.
    """
    model = {"image": ImageToPose, "boxes": BoxesToPose, "crops": CropsToPose}[kind](load_cascade(run))
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
    tree = {"joint_names": ",".join(design.skeleton.names), "skeleton": json.dumps(skeleton_to_json(design.skeleton))}
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
    """Names of the residual blocks' convolutions, sums, ReLUs and, where these are clipped, clips in a `GraphProto`."""
    producers = {output: node.op_type for node in graph.node for output in node.output}
    channels = {tensor.name: tensor.dims[1] for tensor in graph.initializer if len(tensor.dims) == 4}
    sources = {node.name: {producers.get(name) for name in node.input} for node in graph.node}
    return [
        node.name
        for node in graph.node
        if (node.op_type == "Conv" and channels[node.input[1]] != 3)
        or (node.op_type == "Add" and "Conv" in sources[node.name] <= {"Conv", "Relu", "Clip", "Add"})
        or (node.op_type == "Clip" and "Conv" in sources[node.name])
        or node.op_type == "Relu"
    ]
