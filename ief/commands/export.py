"""`ief export`: both stages as one ONNX model, heatmaps inside; in int8 if that is asked for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError

if TYPE_CHECKING:
    import numpy as np

EXAMPLE = """ief export --run runs/all --out pose.onnx
         ief export --run runs/all --input crops --int8 data/mpii --out crops-int8.onnx"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder with trained stages")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the .onnx to write")
    parser.add_argument(
        "--input",
        choices=("image", "crops"),
        default="image",
        help="image: images with center and scale in, joints in their pixels out; crops: preprocessed crops in, "
        "joints in crop pixels out, which `ief predict --onnx` takes (default: image)",
    )
    parser.add_argument(
        "--int8", type=Path, metavar="DIR", help="quantize to int8 on the training crops of this prepared folder"
    )
    parser.add_argument("--calibrate", type=int, default=128, metavar="N", help="crops to quantize on (default: 128)")


def run(args: argparse.Namespace) -> None:
    """Export, and print what goes in and comes out."""
    if args.int8 and args.input != "crops":
        raise PoseError("--int8 goes with --input crops")
    from ief.inference.onnx import CropsToPose, ImageToPose, export_onnx, quantize
    from ief.model.run_folder import load_cascade

    cascade = load_cascade(args.run)
    model = {"image": ImageToPose, "crops": CropsToPose}[args.input](cascade)
    if args.int8:
        crops = calibration_crops(args.int8, model.size, args.calibrate)
        whole = args.out.with_name(f".{args.out.name}.fp32")
        try:
            quantize(export_onnx(model, whole), args.out, crops)
        finally:
            whole.unlink(missing_ok=True)
    else:
        export_onnx(model, args.out)
    kind = "int8" if args.int8 else "fp32"
    depth = " (x, y in pixels, z in mm)" if cascade.mean_pose.shape[-1] == 3 else ""
    print(f"{args.out}: {len(cascade.stages)} stages, {kind}, inputs {', '.join(model.inputs)}, output joints{depth}")


def calibration_crops(folder: Path, size: int, count: int) -> np.ndarray:
    """(count, size, size, 3) crops spread over the training split. Raises PoseError for another size or no crop."""
    import numpy as np

    from mpii_tools.prepared.read import load_prepared

    data = load_prepared(folder, "train")
    if data.size != size or count < 1:
        raise PoseError(f"{folder}: prepared at {data.size} px, the run takes {size}; --calibrate at least 1")
    rows = np.unique(np.linspace(0, len(data) - 1, count).astype(int))
    inner = slice(data.border, data.border + size)
    return np.ascontiguousarray(data.crops[rows][:, inner, inner])
