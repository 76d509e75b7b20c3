"""`ief predict`: a run and a prepared split, or photos -> poses, and pictures of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from checkpoints.files import write_bytes
from evaluation.overlays import to_jpeg
from heads.errors import BadInput
from ief.cascade import Cascade
from ief.distributed import choose_device
from ief.pictures import draw_people
from ief.prediction import predict_crops, predict_split
from ief.run import load_cascade
from ief.scoring import save_poses
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images import open_images
from mpii_tools.people import CENTRE_SHIFT, CROP_SIDE, People, make_people
from mpii_tools.photos import decode_photo, warp
from mpii_tools.predictions import Predictions, save_predictions
from mpii_tools.prepared import load_prepared

EXAMPLE = """ief predict --run runs/all --data data/mpii --split valid --flip
         ief predict --run runs/all photo.jpg --centre 640 360 --scale 2.4 --out poses"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("photos", type=Path, nargs="*", metavar="PHOTO", help="photos of one person each")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder with trained stages")
    parser.add_argument("--data", type=Path, metavar="DIR", help="what `ief prepare` wrote")
    parser.add_argument("--split", default="valid", help="which of its splits (default: valid)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for predictions and pictures (default: the run's, for a split; poses, for photos)",
    )
    parser.add_argument("--flip", action="store_true", help="average over the crop and its mirror")
    parser.add_argument(
        "--centre",
        type=float,
        nargs=2,
        metavar=("X", "Y"),
        help="the person's centre in the photo, 0-based pixels (default: the photo's centre)",
    )
    parser.add_argument(
        "--scale",
        type=float,
        metavar="S",
        help="the person's height in pixels / 200 (default: the person fills the photo)",
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="photos of the split: draw the first --draw of them")
    parser.add_argument("--draw", type=int, default=12, metavar="N", help="how many to draw (default: 12)")
    parser.add_argument("--batch", type=int, default=32, help="crops at a time (default: 32)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU where there is one)")


def run(args: argparse.Namespace) -> None:
    """Predict what was asked for."""
    if bool(args.photos) == bool(args.data):
        raise BadInput("give either photos or --data, what `ief prepare` wrote")
    cascade = load_cascade(args.run).to(choose_device(args.device))
    if args.photos:
        predict_photos(cascade, args)
        return
    data = load_prepared(args.data, args.split)
    if data.size != cascade.stages[0].design.size:
        raise BadInput(
            f"{args.data}: prepared at {data.size} px, but {args.run} takes {cascade.stages[0].design.size}; "
            f"run `ief prepare --size {cascade.stages[0].design.size}`"
        )
    poses = predict_split(cascade, data, args.batch, args.flip)
    out = args.out or args.run
    print(save_poses(out, data, poses))
    if args.images:
        rows = range(min(args.draw, len(data)))
        write_pictures(out / f"pictures-{args.split}", data.people, poses[-1], open_images(args.images), list(rows))


def predict_photos(cascade: Cascade, args: argparse.Namespace) -> None:
    """Poses of whole photos, or of the person at `--centre` and `--scale`."""
    if (args.centre or args.scale) and len(args.photos) > 1:
        raise BadInput("--centre and --scale belong to one photo; give one at a time")
    size, out = cascade.stages[0].design.size, args.out or Path("poses")
    missing = next((path for path in args.photos if not path.is_file()), None)
    if missing:
        raise BadInput(f"{missing}: no such file")
    photos = [decode_photo(path.read_bytes(), str(path)) for path in args.photos]
    people = boxes([path.name for path in args.photos], photos, args.centre, args.scale)
    matrices = crop_matrices(people.crop_centre, people.crop_side, size)
    crops = np.stack([warp(photo, matrix, size) for photo, matrix in zip(photos, matrices, strict=True)])
    poses = apply_affine(invert_affine(matrices), predict_crops(cascade, crops, 0, args.batch, args.flip)[-1])
    path = out / "predictions-photos.npz"
    save_predictions(path, Predictions(poses, people.person_ids, people.joint_names, len(cascade.stages) - 1))
    print(path)
    for row, source in enumerate(args.photos):
        write_pictures(out, people, poses, lambda _, source=source: source.read_bytes(), [row])


def boxes(names: list[str], photos: list[np.ndarray], centre: list[float] | None, scale: float | None) -> People:
    """One person a photo: at `centre` and `scale`, or in the middle with a crop that holds the whole photo."""
    shapes = np.array([photo.shape[1::-1] for photo in photos], dtype=np.float64)
    scales = np.full(len(photos), scale) if scale else shapes.max(axis=1) / CROP_SIDE
    if not (scales > 0).all():
        raise BadInput(f"--scale {scale}: must be above 0")
    if centre:
        centres = np.array([centre], dtype=np.float64)
    else:
        centres = (shapes - 1) / 2 - np.stack([np.zeros_like(scales), CENTRE_SHIFT * scales], axis=1)
    return make_people(names, np.full((len(photos), 16, 2), np.nan), centre=centres, scale=scales)


def write_pictures(
    folder: Path, people: People, poses: np.ndarray, read_image: Callable[[str], bytes], rows: list[int]
) -> None:
    """One JPEG a person of `rows`: the photo with the predicted skeleton."""
    for name, picture in draw_people(people, poses, read_image, rows, side=480):
        print(write_bytes(folder / f"{name.replace('#', '-')}.pose.jpg", to_jpeg(picture)))
