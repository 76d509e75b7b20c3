"""`ief predict`: a prepared split, images or videos -> poses, in the formats of other tools, and pictures of them."""

import math
from pathlib import Path

from checkpoints import Incomplete
from checkpoints.weights import find_run
from ief.commands.options import DEVICE, FILE, FLAG, FOLDER, INTEGER, NUMBER, Namespace, argument, refuse

EXAMPLE = """ief predict image.jpg --out poses
         ief predict --run runs/all folder-of-images --boxes detections.json --out poses
         ief predict --run runs/all clip.mp4 --detect --out poses
         ief predict --run runs/all --data data/mpii --split valid --flip
         ief predict --run runs/3d image.jpg --camera 1145 1144 512 515 --root-depth 4800"""
INPUTS = "images, videos, or folders of both; or one stream, camera:0 or a URL, which Ctrl-C ends"
PEOPLE = """people of the images: COCO JSON, or a person per line, `image x1 y1 x2 y2`, a score after it or not, or
    `image x y scale` (MPII's); names are relative to the file without INPUT; with it, other images' are passed over;
    or a folder of YOLO's labels, NAME.txt per image"""
START = "poses in any format of `ief evaluate`, which the last stage corrects; they place the people, as --boxes does"
DETECTORS = "find the people, by torchvision's SSDLite320-MobileNetV3, by --detector-weights, or by the package rfdetr"


def read_input(text: str) -> Path | str:
    """A path; a stream's address as it is, and so no text, which as a path is this folder."""
    return text if not text or text.startswith("camera:") or "://" in text else Path(text)


ARGUMENTS = (
    argument("inputs", {"type": read_input, "nargs": "*", "metavar": "INPUT"}, INPUTS),
    argument("--boxes --list", FILE, PEOPLE),
    argument("--min-score", NUMBER, "pass over boxes with a lower score (default: 0; 0.5 of --detect)"),
    argument("--detect", {"nargs": "?", "const": True, "metavar": "rfdetr"}, DETECTORS),
    argument("--min-joint-score", NUMBER, "mark, not draw joints with a lower score (default: the run's own, or 0)"),
    argument("--detector-weights", FILE, "for SSDLite; or .onnx of RTMDet, YOLOX, YOLOv5 to 26, RF-DETR, FastestDet"),
    argument("--refine", FLAG, "predict images once more, in the box of each pose: for people small in the image"),
    argument("--start", FILE, START),
    argument("--times", INTEGER, "how often the last stage corrects the poses of --start", 1),
    argument("--limit", NUMBER, "how far it moves a joint at most / side of the crop, inf for any (default: 1/64)"),
    argument("--run", FOLDER, "run folder with trained stages, or hf:OWNER/NAME (default: the released weights)"),
    argument("--onnx", FILE, "what `ief export` wrote, instead of --run"),
    argument("--data", FOLDER, "folder that `ief prepare` wrote"),
    argument("--split", {"metavar": "NAME"}, "which of its splits to predict", "valid"),
    argument("--out", FOLDER, "folder for predictions and pictures (default: that of --run, for a split; else poses)"),
    argument("--smooth", FLAG, "steady the poses of videos by the One-Euro filter"),
    argument("--flip", FLAG, "average over the crop and its mirror image"),
    argument("--center", NUMBER, "the person's, 0-based pixels (default: the image's)", nargs=2, metavar=("X", "Y")),
    argument("--scale", NUMBER, "the person's height in pixels / 200 (default: one who fills it)", metavar="S"),
    argument("--camera", NUMBER, "of a 3D run, pixels: adds poses in mm", nargs=4, metavar=("FX", "FY", "CX", "CY")),
    argument("--distortion", NUMBER, "of its lens (default: none)", nargs=5, metavar=("K1", "K2", "K3", "P1", "P2")),
    argument("--root-depth", NUMBER, "from that camera to everybody's pelvis, along its axis", metavar="MM"),
    argument("--images", FOLDER, "images of the split, to draw the first --draw of them"),
    argument("--draw", INTEGER, "how many images to draw, 0 or more (default: all; 12 people of a split)"),
    argument("--ellipses", FLAG, "draw where each joint lies with a chance of 90 %%; of a --run with scores"),
    argument("--batch-size", INTEGER, "crops at a time", 32),
    DEVICE,
)


def run(args: Namespace) -> None:
    """Predict what was asked for, and print the files."""
    if isinstance(args.detect, str) and args.detect != "rfdetr":  # an INPUT behind the option
        args.inputs, args.detect = [read_input(args.detect), *args.inputs], True
    check(args)
    if args.detect == "rfdetr":
        args.detect, args.detector_weights = True, Path(args.detect)
    weights = find_run(args.run or args.onnx)  # before torch is loaded
    from ief.workflow.predict import ImageCamera, predict_inputs, predict_split

    if args.camera:
        args.camera = ImageCamera(args.camera, args.root_depth, args.distortion or (0.0,) * 5)
    predict, given = (predict_split, [args.data, args.split]) if args.data else (predict_inputs, [args.inputs])
    out = args.out or (args.data and not args.start and args.run) or Path("poses")
    options = {name: getattr(args, name) for name in predict.__kwdefaults__}  # the names of the options here
    files, left_out = predict(*given, out, weights, **options)
    overlays = [] if args.data or not any(out.rglob("*.pose.jpg")) else [out / "NAME.pose.jpg"]
    print(*files, *overlays, sep="\n")
    if left_out:
        raise Incomplete(left_out)


def check(args: Namespace) -> None:
    """Raises PoseError for arguments that do not go together."""
    placed, single = args.center or args.scale is not None, len(args.inputs) == 1 and not Path(args.inputs[0]).is_dir()
    refuse({
        "an INPUT is empty text; give a file or a folder": "" in args.inputs,
        "give either --run, a folder with trained stages, or --onnx, an exported model": args.run and args.onnx,
        "give either images or --data, what `ief prepare` wrote, or --boxes with people of images":
            bool(args.data) == bool(args.inputs or args.boxes or (args.start and not args.data)),
        "--detect finds the people of images; leave out --boxes, --start, --data, --center and --scale":
            args.detect and (args.boxes or args.start or args.data or placed),
        "--start places the people; leave out --boxes, --center and --scale": args.start and (args.boxes or placed),
        f"--times {args.times}: must be 1 or above": args.times < 1,
        "--limit goes with --start": args.limit is not None and not args.start,
        "--min-score nan: must be a number": args.min_score is not None and math.isnan(args.min_score),
        "--detector-weights goes with --detect, without rfdetr": args.detector_weights and args.detect is not True,
        "--center and --scale belong to one image; use --boxes for many": placed and (not single or args.boxes),
        f"--scale {args.scale}: must be above 0": args.scale is not None and not args.scale > 0,
        f"--min-joint-score {args.min_joint_score}: must be from 0 to 1":
            args.min_joint_score is not None and not 0 <= args.min_joint_score <= 1,
        "--refine is of images; leave out --data": args.refine and args.data,
        f"--draw {args.draw}: must be 0 or above": args.draw is not None and args.draw < 0,
        "give --camera and --root-depth together, and --distortion with them only":
            bool(args.camera) != (args.root_depth is not None) or (args.distortion and not args.camera),
        "--camera is of images; a split of 3D people has its cameras in its own table": args.camera and args.data,
    })  # fmt: skip
