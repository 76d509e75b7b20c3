"""`ief export`: both stages as one ONNX model, heatmaps inside."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from checkpoints.files import write_atomically
from heads.errors import BadInput
from ief.cascade import Cascade
from ief.run import load_cascade

EXAMPLE = "ief export --run runs/all --out pose.onnx"


class LastPose(nn.Module):
    """The cascade with one output: the last stage's pose."""

    def __init__(self, cascade: Cascade) -> None:
        super().__init__()
        self.cascade = cascade

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, n, n) normalised crops -> (B, K, 2) joints in crop pixels."""
        return self.cascade(images)[-1]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder with trained stages")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .onnx to write")


def run(args: argparse.Namespace) -> None:
    """Export: input `images`, (B, 3, n, n) RGB crops normalised by ImageNet's mean and std; output `joints`."""
    try:
        import onnxscript  # noqa: F401  (what torch's exporter needs)
    except ImportError:
        raise BadInput("export needs the packages onnx and onnxscript: pip install '.[export]'") from None
    cascade = load_cascade(args.run)
    size = cascade.stages[0].design.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's notes to its own developers
        program = torch.onnx.export(
            LastPose(cascade).eval(),
            (torch.zeros(2, 3, size, size),),
            input_names=["images"],
            output_names=["joints"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            dynamo=True,
            verbose=False,
        )
    write_atomically(args.out, lambda part: program.save(str(part), external_data=False))
    print(f"{args.out}: {len(cascade.stages)} stages, input images (batch, 3, {size}, {size}), output joints in pixels")
