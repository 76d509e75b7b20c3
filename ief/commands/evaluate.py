"""`ief evaluate`: predictions and annotations -> PCKh (or PCK, or COCO's AP), joint and bone error, 3D metrics."""

import argparse
import json
from pathlib import Path

from checkpoints.files import refuse_folder, write_text
from evaluation import CONVENTIONS, MEASURES
from ief.commands.options import add_angle_limits, add_first_pixel

EXAMPLE = "ief evaluate --predictions runs/all/predictions-valid.npz --annotations data/mpii/valid.npz --intervals"
OPTIONS = ("split", "first_pixel", "convention", "metric", "oks", "angle_limits", "against", "intervals")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add, file = parser.add_argument, {"type": Path, "metavar": "FILE"}
    poses = "predicted poses: .npz, .h5, .mat or .npy, or COCO results (.json)"
    add("--predictions", required=True, help=poses, **file)
    annotations = "any format of annotations that prepare reads, or a folder that prepare wrote"
    add("--annotations", type=Path, required=True, metavar="PATH", help=annotations)
    add("--split", metavar="NAME", help="score only the people of this split of the annotations (default: all)")
    add_first_pixel(parser)
    convention = "toolkit whose comparison and grouping to use (default: official, the MATLAB toolkit)"
    add("--convention", default="official", choices=CONVENTIONS, help=convention)
    metric = (
        "pckh in head sizes, PCK by the torso or by the box's longer side (default: the first of these that the "
        "annotations have)"
    )
    add("--metric", choices=MEASURES, help=metric)
    add("--oks", action="store_true", help="also COCO's average precision; needs pycocotools and sigmas")
    add_angle_limits(parser)
    add("--json", help="also write the scores to this file", **file)
    against = (
        "other predictions of the same people: also print --predictions minus these, with paired 95 %% confidence "
        "intervals"
    )
    add("--against", help=against, **file)
    add("--intervals", action="store_true", help="add 95 %% bootstrap confidence intervals over people")


def run(args: argparse.Namespace) -> None:
    """Score and print, and write the scores."""
    from ief.reporting.evaluate import evaluate_predictions

    options = {name: getattr(args, name) for name in OPTIONS}
    if args.json:
        refuse_folder(args.json)
    result = evaluate_predictions(args.predictions, args.annotations, **options)
    if args.json:
        write_text(args.json, json.dumps(result, indent=1))
