"""`ief evaluate`: predictions and annotations -> PCKh, joint and bone error."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from checkpoints.files import write_text
from evaluation.conventions import CONVENTIONS
from ief.scoring import print_result, score
from mpii_tools.predictions import align, read_predictions
from mpii_tools.reading import read_annotations

EXAMPLE = "ief evaluate --predictions runs/all/predictions-valid.npz --annotations data/mpii/valid.npz --intervals"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help=".npz, or .h5, .mat, .npy")
    parser.add_argument("--annotations", type=Path, required=True, metavar="PATH", help="any form that prepare reads")
    parser.add_argument(
        "--convention",
        default="official",
        choices=CONVENTIONS,
        help="whose comparison and grouping to use (default: official, the MATLAB toolkit)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--intervals", action="store_true", help="with 95 %% bootstrap intervals over persons")


def run(args: argparse.Namespace) -> None:
    """Read, align, score, print."""
    people = read_annotations(args.annotations).people
    joints = align(read_predictions(args.predictions), people).joints
    result = score(joints, people, args.convention, args.intervals)
    print_result(result)
    if args.json:
        write_text(args.json, json.dumps(result, indent=1))
