"""`ief predict`: a prepared split, images or videos -> poses, in the formats of other tools, and pictures of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import Incomplete, PoseError
from ief.commands.options import add_device
from mpii_tools.skeletons import mirror_note

if TYPE_CHECKING:
    from ief.inference.camera import ImageCamera
    from ief.inference.predictor import PosePredictor
    from ief.inference.stream import FindPeople

EXAMPLE = """ief predict image.jpg --out poses
         ief predict --run runs/all image.jpg --out poses
         ief predict --run runs/all folder-of-images --boxes detections.json --out poses
         ief predict --run runs/all clip.mp4 --detect --out poses
         ief predict --run runs/all --data data/mpii --split valid --flip
         ief predict --run runs/3d image.jpg --camera 1145 1144 512 515 --root-depth 4800"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "inputs", type=Path, nargs="*", metavar="INPUT", help="images, folders of them, or videos (.mp4, .avi, .mov)"
    )
    parser.add_argument(
        "--boxes",
        "--list",
        type=Path,
        metavar="FILE",
        help="people of the images: COCO JSON (bbox x y width height, score), or text with one person per line, "
        "`image x1 y1 x2 y2`, a score after it or not, or `image x y scale` (MPII's), separated by tabs, commas or "
        "spaces; names, in quotes or not, are relative to the file if no INPUT is given; with INPUT, boxes of other "
        "images are passed over",
    )
    parser.add_argument(
        "--min-score", type=float, metavar="X", help="pass over boxes with a lower score (default: 0; 0.5 of --detect)"
    )
    parser.add_argument("--detect", action="store_true", help="find the people by torchvision's SSDLite320-MobileNetV3")
    parser.add_argument(
        "--detector-weights",
        type=Path,
        metavar="FILE",
        help="the detector's weights (default: torchvision's cache, or its download)",
    )
    add_weights(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that `ief prepare` wrote")
    parser.add_argument(
        "--split", default="valid", metavar="NAME", help="which of its splits to predict (default: valid)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for predictions and pictures (default: that of --run, for a split; else poses)",
    )
    parser.add_argument("--flip", action="store_true", help="average over the crop and its mirror image")
    parser.add_argument(
        "--center",
        type=float,
        nargs=2,
        metavar=("X", "Y"),
        help="the person's center in the image, 0-based pixels (default: the image's center)",
    )
    parser.add_argument(
        "--scale",
        type=float,
        metavar="S",
        help="the person's height in pixels / 200 (default: the person fills the image)",
    )
    add_camera(parser)
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="images of the split, to draw the first --draw of them"
    )
    parser.add_argument(
        "--draw", type=int, metavar="N", help="how many images to draw, 0 or more (default: all; 12 people of a split)"
    )
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="crops at a time (default: 32)")
    add_device(parser)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Declare what predicts."""
    parser.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help="run folder with trained stages (default: the weights released with this version, if there are any)",
    )
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="what `ief export` wrote, instead of --run")


def add_camera(parser: argparse.ArgumentParser) -> None:
    """Declare what is known of the images' camera."""
    parser.add_argument(
        "--camera",
        type=float,
        nargs=4,
        metavar=("FX", "FY", "CX", "CY"),
        help="of a run in 3D: the focal lengths and the principal point of the images' camera in pixels, which adds "
        "the poses in its coordinates, in mm (x right, y down, z away); needs --root-depth",
    )
    parser.add_argument(
        "--distortion",
        type=float,
        nargs=5,
        metavar=("K1", "K2", "K3", "P1", "P2"),
        help="of that camera's lens, in Human3.6M's order (default: none)",
    )
    parser.add_argument(
        "--root-depth",
        type=float,
        metavar="MM",
        help="how far everybody's pelvis is from that camera along its axis; no pose tells it",
    )


def run(args: argparse.Namespace) -> None:
    """Predict what was asked for."""
    check(args)
    from ief.inference.predictor import PosePredictor
    from ief.model.release import released_run

    weights = args.run or args.onnx or released_run()
    predictor = PosePredictor.load(weights, args.device, args.flip, args.batch_size)
    if args.flip and (note := mirror_note(predictor.skeleton)):
        print(f"{weights}: {note}", file=sys.stderr)
    if args.camera and predictor.dimensions != 3:
        raise PoseError(f"{weights}: predicts no depth, which --camera needs; give a run of 3D people")
    left_out = predict_data(predictor, args) if args.data else predict_inputs(predictor, args)
    if left_out:
        raise Incomplete(left_out)


def check(args: argparse.Namespace) -> None:
    """Raises PoseError for arguments that do not go together."""
    if args.run and args.onnx:
        raise PoseError("give either --run, a folder with trained stages, or --onnx, an exported model")
    if args.onnx and args.onnx.suffix != ".onnx":
        raise PoseError(f"--onnx {args.onnx}: no .onnx file; give what `ief export` wrote, or --run")
    if bool(args.data) == bool(args.inputs or args.boxes):
        raise PoseError("give either images or --data, what `ief prepare` wrote, or --boxes with people of images")
    if args.detect and (args.boxes or args.data or args.center or args.scale is not None):
        raise PoseError("--detect finds the people of images; leave out --boxes, --data, --center and --scale")
    if args.detector_weights and not args.detect:
        raise PoseError("--detector-weights goes with --detect")
    if (args.center or args.scale is not None) and (len(args.inputs) != 1 or args.inputs[0].is_dir() or args.boxes):
        raise PoseError("--center and --scale belong to one image; use --boxes for many")
    if args.scale is not None and not args.scale > 0:
        raise PoseError(f"--scale {args.scale}: must be above 0")
    if args.draw is not None and args.draw < 0:
        raise PoseError(f"--draw {args.draw}: must be 0 or above")
    if bool(args.camera) != (args.root_depth is not None) or (args.distortion and not args.camera):
        raise PoseError("give --camera and --root-depth together, and --distortion with them only")
    if args.camera and args.data:
        raise PoseError("--camera is of images; a split of 3D people has its cameras in its own table")


def predict_data(predictor: PosePredictor, args: argparse.Namespace) -> list[str]:
    """Poses of a prepared split, and pictures of its first people; returns what could not be drawn."""
    from checkpoints.files import write_bytes
    from evaluation.report.skeletons import to_jpeg
    from ief.reporting.pictures import draw_people
    from ief.reporting.scoring import save_poses
    from mpii_tools.images.decode import image_loader
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.read import load_prepared, read_description

    data = load_prepared(args.data, args.split)
    poses, scores = predictor.predict_split(data)
    out, left_out = args.out or args.run or Path("poses"), []
    print(save_poses(out, data, poses, scores))
    if args.images:
        load_image = image_loader(open_images(args.images), read_description(args.data).get("apply_exif", False))
        rows = range(min(12 if args.draw is None else args.draw, len(data)))
        for row, picture in draw_people(data.people, poses[-1], load_image, rows, side=480, left_out=left_out):
            name = Path(str(data.people.person_ids[row])).name.replace("#", "-")
            print(write_bytes(out / f"pictures-{args.split}" / f"{name}.pose.jpg", to_jpeg(picture)))
    return left_out


def predict_inputs(predictor: PosePredictor, args: argparse.Namespace) -> list[str]:
    """Poses of images and videos, their files and pictures; returns what was left out."""
    from ief.inference.files import predict_files, predict_video
    from ief.inference.inputs import at_center, drop_repeated, find_images, name_videos, read_boxes, whole_images
    from ief.inference.results import write_results
    from ief.inference.video import SUFFIXES as VIDEOS

    videos = [path for path in args.inputs if path.suffix.lower() in VIDEOS and not path.is_dir()]
    if args.boxes and videos:
        raise PoseError(f"{videos[0]}: --boxes places people in images; a video takes --detect, --center and --scale")
    files, left_out = drop_repeated(find_images([path for path in args.inputs if path not in videos])), []
    videos = drop_repeated(videos)
    images = whole_images(files)
    if args.boxes:
        images, left_out = read_boxes(args.boxes, files, 0.0 if args.min_score is None else args.min_score)
    elif args.center or args.scale is not None:
        images = [at_center(image, args.center, args.scale) for image in images]
    find_people = load_detector(args) if args.detect else None
    out, camera = args.out or Path("poses"), image_camera(args)
    with predict_files(predictor, images, out, find_people, args.draw, identity(args), camera) as (found, lines):
        left_out += lines
        for video, (name, copy) in zip(videos, name_videos(videos), strict=True):
            where = (video, name, out / copy)
            left_out += predict_video(predictor, *where, find_people, args.center, args.scale, found, camera)
        if not sum(map(len, found)):
            raise PoseError(left_out[0] if left_out else f"{args.inputs[0]}: nobody to predict")
        for path in write_results(out, found, predictor.skeleton, predictor.network.stage, camera):
            print(path)
    return left_out


def image_camera(args: argparse.Namespace) -> ImageCamera | None:
    """The camera that the arguments describe, None if there is none. Raises PoseError for one that cannot be."""
    from ief.inference.camera import ImageCamera

    return ImageCamera(args.camera, args.root_depth, args.distortion or (0.0,) * 5) if args.camera else None


def load_detector(args: argparse.Namespace) -> FindPeople:
    """The person detector that the arguments ask for."""
    from ief.inference.detector import PersonDetector
    from ief.model.device import choose_device

    min_score = 0.5 if args.min_score is None else args.min_score
    return PersonDetector(args.detector_weights, min_score, choose_device(args.device))


def identity(args: argparse.Namespace) -> dict:
    """What poses and overlays depend on beside images and boxes, as JSON values."""
    from checkpoints.files import checksum
    from ief.model.release import RELEASED

    files = [args.onnx] if args.onnx else sorted((args.run or RELEASED).glob("stage*/stage.safetensors"))
    detector = [str(args.detector_weights), args.min_score] if args.detect else None
    camera = [args.camera, args.root_depth, args.distortion]  # the overlays do
    weights = [checksum(path) for path in files]
    return {"weights": weights, "flip": args.flip, "detector": detector, "camera": camera}
