"""`ief export`: both stages as one ONNX model, heatmaps inside; in int8 if that is asked for."""

from ief.commands.options import FILE, FOLDER, INTEGER, Namespace, argument, refuse

EXAMPLE = """ief export --run runs/all --out pose.onnx
         ief export --run runs/all --input crops --int8 data/mpii --out crops-int8.onnx"""
INPUT = "boxes: an image and boxes of its people; image: images, each with a center and scale; or crops alone"
ARGUMENTS = (
    argument("--run", FOLDER, "run folder with trained stages", required=True),
    argument("--out", FILE, "the .onnx to write", required=True),
    argument("--input", {"choices": ("image", "boxes", "crops")}, INPUT, "image"),
    argument("--int8", FOLDER, "quantize to int8 on the training crops of this prepared folder"),
    argument("--calibrate", INTEGER, "crops to quantize on", 128),
)


def run(args: Namespace) -> None:
    """Export, and print what goes in and comes out."""
    refuse({"--int8 goes with --input crops": args.int8 and args.input != "crops"})
    from ief.inference.onnx_export import export_run

    model = export_run(args.run, args.out, args.input, args.int8, args.calibrate)
    stages, kind = len(model.cascade.stages), "int8" if args.int8 else "fp32"
    depth = " (x, y in pixels, z in mm)" if model.cascade.mean_pose.shape[-1] == 3 else ""
    print(f"{args.out}: {stages} stages, {kind}, inputs {', '.join(model.inputs)}, output joints{depth}")
