"""`ief report`: finished runs -> one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path

from ief.pictures import draw_people, spread_rows
from ief.reporting import write_report
from ief.scoring import person_errors
from mpii_tools.images import open_images
from mpii_tools.predictions import align, read_predictions
from mpii_tools.reading import read_annotations

EXAMPLE = "ief report runs/all --annotations data/mpii/valid.npz --images images --out report"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders with metrics.json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--annotations", type=Path, metavar="PATH", help="of the validation split, to draw people")
    parser.add_argument("--images", type=Path, metavar="DIR", help="its photos, to draw people")
    parser.add_argument("--title", default="Compositional pose regression")


def run(args: argparse.Namespace) -> None:
    """Draw, write, say where."""
    overlays = []
    if args.annotations and args.images:
        people = read_annotations(args.annotations).people
        poses = align(read_predictions(args.runs[-1] / "predictions-valid.npz"), people).joints
        rows = spread_rows(person_errors(poses, people), 12)
        overlays = draw_people(people, poses, open_images(args.images), rows)
    print(write_report(args.runs, args.out, args.title, overlays=overlays))
