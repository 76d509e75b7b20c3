"""`ief export`: both stages as one ONNX model, heatmaps inside; in int8 if that is asked for."""

import argparse
from pathlib import Path

from checkpoints.errors import PoseError

EXAMPLE = """ief export --run runs/all --out pose.onnx
         ief export --run runs/all --input crops --int8 data/mpii --out crops-int8.onnx"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="run folder with trained stages")
    add("--out", type=Path, required=True, metavar="FILE", help="the .onnx to write")
    kinds = (
        "image: images with center and scale in, joints in their pixels out; crops: preprocessed crops in, joints in "
        "crop pixels out, which `ief predict --onnx` takes (default: image)"
    )
    add("--input", choices=("image", "crops"), default="image", help=kinds)
    add("--int8", type=Path, metavar="DIR", help="quantize to int8 on the training crops of this prepared folder")
    add("--calibrate", type=int, default=128, metavar="N", help="crops to quantize on (default: 128)")


def run(args: argparse.Namespace) -> None:
    """Export, and print what goes in and comes out."""
    if args.int8 and args.input != "crops":
        raise PoseError("--int8 goes with --input crops")
    from ief.inference.onnx import export_run

    model = export_run(args.run, args.out, args.input, args.int8, args.calibrate)
    stages, kind = len(model.cascade.stages), "int8" if args.int8 else "fp32"
    depth = " (x, y in pixels, z in mm)" if model.cascade.mean_pose.shape[-1] == 3 else ""
    print(f"{args.out}: {stages} stages, {kind}, inputs {', '.join(model.inputs)}, output joints{depth}")
