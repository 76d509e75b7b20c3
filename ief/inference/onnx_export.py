"""The cascade as one ONNX model: heatmaps and both stages inside, and, from an image, the crop as well."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from checkpoints.errors import PoseError
from checkpoints.files import write_atomically
from ief.model.cascade import Cascade
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE
from mpii_tools.prepared.augmentation import MEAN, STD
from mpii_tools.skeletons import skeleton_to_json

BORDER = 16  # how far outside the image a sample's weight is counted, in image pixels


class CropsToPose(nn.Module):
    """From preprocessed crops to joints in crop pixels."""

    inputs = ("crops",)

    def __init__(self, cascade: Cascade) -> None:
        super().__init__()
        self.cascade = cascade.folded()
        self.size = cascade.stages[0].design.size
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * 255)

    def forward(self, crops: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, n, n, 3) uint8 RGB -> (B, K, D) joints in crop pixels, the last stage's, and `scores` if it has them."""
        return self.estimate((crops.permute(0, 3, 1, 2).float() - self.mean) / self.std)

    def estimate(self, crops: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Joints in crop pixels, and scores (B, K) if the last stage was trained with a likelihood."""
        poses, scores = self.cascade.predict(crops)
        pose = self.cascade.shown(poses[-1])
        return (pose, scores) if self.scored else pose

    @property
    def scored(self) -> bool:
        """Whether the last stage scores its joints."""
        return self.cascade.stages[-1].design.likelihood

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` returns."""
        return ("joints", "scores") if self.scored else ("joints",)

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        return (torch.zeros(2, self.size, self.size, 3, dtype=torch.uint8),), ({0: torch.export.Dim("people")},)


class ImageToPose(CropsToPose):
    """From images and boxes to joints in image pixels."""

    inputs = ("image", "center", "scale")

    def forward(self, image: Tensor, center: Tensor, scale: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """The last stage's poses.

        Args:
            image: (B, H, W, 3) uint8 RGB, one image per person.
            center: (B, 2) MPII's objpos, 0-based image pixels: 15 * scale above the middle of the crop.
            scale: (B,) MPII's scale, a person's height / 200 px.

        Returns:
            (B, K, D) joints, x, y in 0-based image pixels, z in mm as the network has it, and scores as `CropsToPose`.
        """
        step = (scale * (CROP_SIDE / self.size)).view(-1, 1, 1)  # image pixels per crop pixel
        crop_center = (center + scale.unsqueeze(-1) * torch.tensor([0.0, CENTER_SHIFT])).unsqueeze(1)

        def to_image(points: Tensor) -> Tensor:  # crop pixels to image pixels, the inverse of crops.crop_matrices
            moved = crop_center + step * (points[..., :2] - (self.size - 1) / 2)
            return torch.cat([moved, points[..., 2:]], dim=-1) if points.shape[-1] > 2 else moved

        positions = to_image(torch.arange(self.size).unsqueeze(-1))  # (B, n, 2)
        columns = resampling(positions[..., 0], step, image.shape[2])
        rows = resampling(positions[..., 1], step, image.shape[1])
        # The mean is subtracted first: what is outside the image is 0 then, the mean color.
        image = image.permute(0, 3, 1, 2).float() - self.mean
        crops = rows.unsqueeze(1) @ image @ columns.transpose(1, 2).unsqueeze(1) / self.std
        found = self.estimate(crops)
        return (to_image(found[0]), found[1]) if self.scored else to_image(found)

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict, ...]]:
        """Inputs to trace, and which of their axes are dynamic."""
        people, height, width = (torch.export.Dim(name) for name in ("people", "height", "width"))
        image = torch.zeros(2, self.size, self.size + 1, 3, dtype=torch.uint8)
        axes = ({0: people, 1: height, 2: width}, {0: people}, {0: people})
        return (image, torch.full((2, 2), self.size / 2), torch.ones(2)), axes


def resampling(positions: Tensor, step: Tensor, length: int) -> Tensor:
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


def export_onnx(model: CropsToPose, path: Path) -> Path:
    """Write a model with its inputs by name and the output `joints`; any number of people, any size of image.

    A stage that was trained with a likelihood adds the output `scores`, (B, K). The metadata hold `size`, the side of
    the crops, `joint_names`, and `skeleton` as JSON.

    Raises:
        PoseError: when onnx or onnxscript is missing.
    """
    inputs, axes = model.example()
    skeleton = model.cascade.stages[0].design.skeleton
    metadata = {"size": str(model.size), "joint_names": ",".join(skeleton.names)}
    metadata |= {"skeleton": json.dumps(skeleton_to_json(skeleton))}
    return write_onnx(model, inputs, model.inputs, axes, model.outputs, metadata, path)


def write_onnx(
    model: nn.Module,
    inputs: tuple[Tensor, ...],
    names: Sequence[str],
    axes: tuple[dict, ...],
    outputs: Sequence[str],
    metadata: dict[str, str],
    path: Path,
) -> Path:
    """Trace `model` on `inputs`, whose `axes` are dynamic, and write it. Raises PoseError as `export_onnx`."""
    try:
        import onnxscript  # noqa: F401  (what torch's exporter needs)
    except ImportError:
        raise PoseError("export needs the packages onnx and onnxscript: pip install '.[export]'") from None
    for name in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes to its own developers
        program = torch.onnx.export(
            model.eval(),
            inputs,
            input_names=names,
            output_names=list(outputs),
            dynamic_shapes=axes,
            dynamo=True,
            verbose=False,
        )
    program.model.metadata_props.update(metadata)
    return write_atomically(path, lambda part: program.save(str(part), external_data=False))
