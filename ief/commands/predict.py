"""`ief predict`: a run and a prepared split, or images -> poses, and pictures of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from ief.commands.options import add_device

if TYPE_CHECKING:
    import numpy as np

    from ief.inference.predictor import Network
    from mpii_tools.people import People

EXAMPLE = """ief predict --run runs/all --data data/mpii --split valid --flip
         ief predict --run runs/all image.jpg --center 640 360 --scale 2.4 --out poses
         ief predict --onnx crops-int8.onnx folder-of-images --out poses"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("inputs", type=Path, nargs="*", metavar="IMAGE", help="images, or folders of them")
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help="people of images, one per line: image x y scale, separated by tabs"
    )
    parser.add_argument("--run", type=Path, metavar="DIR", help="run folder with trained stages")
    parser.add_argument(
        "--onnx", type=Path, metavar="FILE", help="what `ief export --input crops` wrote, instead of --run"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that `ief prepare` wrote")
    parser.add_argument(
        "--split", default="valid", metavar="NAME", help="which of its splits to predict (default: valid)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for predictions and pictures (default: the run's, for a split; poses, for images)",
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
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="images of the split, to draw the first --draw of them"
    )
    parser.add_argument("--draw", type=int, default=12, metavar="N", help="how many people to draw (default: 12)")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="crops at a time (default: 32)")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Predict what was asked for."""
    if sum(map(bool, (args.inputs, args.list, args.data))) != 1:
        raise PoseError("give either images or --data, what `ief prepare` wrote, or a --list of images")
    if (args.center or args.scale is not None) and (len(args.inputs) != 1 or args.inputs[0].is_dir()):
        raise PoseError("--center and --scale belong to one image; use --list for many")
    if args.scale is not None and not args.scale > 0:
        raise PoseError(f"--scale {args.scale}: must be above 0")
    network, size, last = load_network(args)
    if args.data:
        predict_data(network, size, args)
    else:
        predict_images(network, size, last, args)


def load_network(args: argparse.Namespace) -> tuple[Network, int, int]:
    """The network asked for, the side of its input, and its last stage's number, -1 if unknown."""
    if bool(args.run) == bool(args.onnx):
        raise PoseError("give either --run, a folder with trained stages, or --onnx, an exported model")
    if args.onnx:
        from ief.inference.onnx_runtime import OnnxNetwork

        if args.flip:
            raise PoseError("--flip needs --run: an exported model sees each crop once")
        network = OnnxNetwork(args.onnx)
        return network, network.size, -1
    from ief.inference.predictor import CascadeNetwork
    from ief.model.device import choose_device
    from ief.model.run_folder import load_cascade

    cascade = load_cascade(args.run).to(choose_device(args.device))
    return CascadeNetwork(cascade, args.flip), cascade.stages[0].design.size, len(cascade.stages) - 1


def predict_data(network: Network, size: int, args: argparse.Namespace) -> None:
    """Poses of a prepared split."""
    from ief.inference.predictor import predict_prepared
    from ief.reporting.scoring import save_poses
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.read import load_prepared

    data = load_prepared(args.data, args.split)
    if data.size != size:
        raise PoseError(
            f"{args.data}: prepared at {data.size} px, but {args.run or args.onnx} takes {size}; "
            f"run `ief prepare --size {size}`"
        )
    poses = predict_prepared(network, data, args.batch_size)
    out = args.out or args.run or Path("poses")
    print(save_poses(out, data, poses))
    if args.images:
        rows = range(min(args.draw, len(data)))
        write_pictures(out / f"pictures-{args.split}", data.people, poses[-1], open_images(args.images), rows)


def predict_images(network: Network, size: int, last: int, args: argparse.Namespace) -> None:
    """Poses of whole images, of the person at `--center` and `--scale`, or of the people of a list."""
    from ief.inference.images import ImageBox, find_images, predict_boxes, read_list
    from mpii_tools.results.predictions import Predictions, save_predictions

    boxes = read_list(args.list) if args.list else find_images(args.inputs)
    if args.center or args.scale is not None:
        boxes = [ImageBox(boxes[0].path, tuple(args.center) if args.center else None, args.scale)]
    people, poses = predict_boxes(network, boxes, size, args.batch_size)
    out = args.out or Path("poses")
    path = out / "predictions-images.npz"
    save_predictions(path, Predictions(poses, people.person_ids, people.joint_names, last))
    print(path)
    for row in range(min(args.draw, len(boxes))):
        write_pictures(out, people, poses, lambda _, row=row: boxes[row].path.read_bytes(), [row])


def write_pictures(
    folder: Path, people: People, poses: np.ndarray, read_image: Callable[[str], bytes], rows: Iterable[int]
) -> None:
    """One JPEG per person of `rows`: the image with the predicted skeleton."""
    from checkpoints.files import write_bytes
    from evaluation.report.skeletons import to_jpeg
    from ief.reporting.pictures import draw_people

    for name, picture in draw_people(people, poses, read_image, list(rows), side=480):
        print(write_bytes(folder / f"{Path(name).name.replace('#', '-')}.pose.jpg", to_jpeg(picture)))
