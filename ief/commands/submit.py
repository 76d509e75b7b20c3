"""`ief submit`: predictions of the test people -> the MPII server's .mat."""

from __future__ import annotations

import argparse
from pathlib import Path

from ief.commands.options import add_first_pixel
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.submission import write_submission

EXAMPLE = """ief predict --run runs/all --data data/mpii --split test
         ief submit --annotations mpii_human_pose_v1_u12_1.mat --predictions runs/all/predictions-test.npz \\
                    --out pred_keypoints_mpii.mat"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    argument = parser.add_argument
    argument("--annotations", type=Path, required=True, metavar="FILE", help="the official RELEASE .mat file")
    argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help="predicted poses of its test people, of any network: .npz, .h5, .mat or .npy, or COCO results (.json); "
        "without names: one per scored rect, or per rect with objpos and scale, in the order of --annotations",
    )
    add_first_pixel(parser)
    argument("--out", type=Path, required=True, metavar="FILE", help="the .mat file to write")


def run(args: argparse.Namespace) -> None:
    """Write the file and print what it holds."""
    held = write_submission(
        args.annotations, read_predictions(args.predictions, first_pixel=args.first_pixel), args.out
    )
    print(
        f"{args.out}: {held.images:,} test images, {held.rects:,} rects, {held.predicted:,} of them with a pose, "
        f"among these all {held.scored:,} that the server scores"
    )
    if held.unplaced:
        print(f"{held.unplaced:,} rects have no objpos or scale in {args.annotations} and so no pose")
