"""`ief evaluate`: predictions and annotations -> PCKh (or PCK, or COCO's AP), joint and bone error, 3D metrics."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import PoseError
from evaluation.metrics.conventions import CONVENTIONS
from evaluation.metrics.measures import MEASURES
from ief.commands.options import add_angle_limits, add_first_pixel

if TYPE_CHECKING:
    import numpy as np

    from mpii_tools.people import People

EXAMPLE = "ief evaluate --predictions runs/all/predictions-valid.npz --annotations data/mpii/valid.npz --intervals"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    argument = parser.add_argument
    argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help="predicted poses: .npz, .h5, .mat or .npy, or COCO results (.json)",
    )
    argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="PATH",
        help="any format of annotations that prepare reads, or a folder that prepare wrote",
    )
    argument("--split", metavar="NAME", help="score only the people of this split of the annotations (default: all)")
    add_first_pixel(parser)
    argument(
        "--convention",
        default="official",
        choices=CONVENTIONS,
        help="toolkit whose comparison and grouping to use (default: official, the MATLAB toolkit)",
    )
    argument(
        "--metric",
        choices=MEASURES,
        help="pckh in head sizes, PCK by the torso or by the box's longer side (default: the first of these that the "
        "annotations have)",
    )
    argument("--oks", action="store_true", help="also COCO's average precision; needs pycocotools and sigmas")
    add_angle_limits(parser)
    argument("--json", type=Path, metavar="FILE", help="also write the scores to this file")
    argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="other predictions of the same people: also print --predictions minus these, with paired 95 %% "
        "confidence intervals",
    )
    argument("--intervals", action="store_true", help="add 95 %% bootstrap confidence intervals over people")


def run(args: argparse.Namespace) -> None:
    """Read, align, score, print."""
    from checkpoints.files import write_text
    from evaluation.metrics.angle_limits import load_angle_limits
    from evaluation.metrics.breakdown import sequence_errors
    from evaluation.metrics.json_format import to_json
    from ief.reporting.scoring import (
        KEY,
        print_oks,
        print_result,
        print_summary,
        score_oks,
        score_poses,
        to_tree,
        view_poses,
    )
    from mpii_tools.annotations.read import read_annotations
    from mpii_tools.annotations.reading import table
    from mpii_tools.annotations.units import require_pixels
    from mpii_tools.results.matching import align, align_annotated
    from mpii_tools.results.predictions import person_scores, predicted_joints, read_predictions

    reading = read_annotations(args.annotations)
    people = select_split(args.annotations, reading.people, args.split)
    require_pixels(args.annotations, people)
    predictions = read_predictions(args.predictions, people.joint_names, args.first_pixel)
    aligned, people = align_annotated(predictions, people)
    joints = aligned.joints
    if found := table(f"faults of {args.annotations}", reading.faults):
        print(found, file=sys.stderr)
    if len(predictions) > len(people):
        unused = len(predictions) - len(people)
        print(f"{unused:,} predictions are of nobody in {args.annotations} and do not count", file=sys.stderr)
    if unplaced := people.joint_names_where(people.annotated.any(axis=0) & ~predicted_joints(joints)):
        print(f"joints that are NaN in {args.predictions} and do not count: {', '.join(unplaced)}", file=sys.stderr)
    limits = load_angle_limits(args.angle_limits) if args.angle_limits else None
    options = {"convention": args.convention, "metric": args.metric, "limits": limits}
    scores = score_poses(joints, people, intervals=args.intervals, **options)
    if limits and 3 not in scores:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {args.annotations}")
    warn(args.predictions, joints, people)
    print_result(scores)
    result = to_tree(scores)
    if args.oks:
        found = score_oks(joints, people, person_scores(aligned.scores, aligned.box_scores, len(joints)))
        print_oks(found)
        result["oks"] = asdict(found)
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = to_json(sequence_errors(*view[1], view[0]))
    if args.against:
        other = align(read_predictions(args.against, people.joint_names, args.first_pixel), people).joints
        warn(args.against, other, people)
        found = score_poses(joints, people, minus=other, **options)
        print_summary({f"minus {args.against}": found}, signed=True)
        result["difference"] = to_tree(found, differences=True)
    if args.json:
        write_text(args.json, json.dumps(result, indent=1))


def warn(path: Path, joints: np.ndarray, people: People) -> None:
    """A line on stderr for each thing that makes predictions (N, K, D) of a file doubtful."""
    from mpii_tools.results.sanity import filler_warning, order_warning, origin_warning

    for warning in (check(joints, people) for check in (origin_warning, order_warning, filler_warning)):
        if warning:
            print(f"ief evaluate: warning: {path}: {warning}", file=sys.stderr)


def select_split(path: Path, people: People, split: str | None) -> People:
    """The people of a split, all of them for None. Raises PoseError if the annotations have nobody in it."""
    if split is None:
        return people
    chosen = people.split == ("" if split == "all" else split)
    if not chosen.any():
        known = ", ".join(sorted({name or "all" for name in people.split.tolist()})) or "nobody"
        raise PoseError(f"--split {split}: nobody of {path} is in it; it has {known}")
    return people.select(chosen)
