"""`ief prepare`: annotations and images -> preprocessed crops, with a table of everything that was left out."""

from __future__ import annotations

import argparse
from pathlib import Path

from checkpoints.errors import Incomplete, PoseError
from heads.skeletons import SKELETONS
from ief.commands.options import add_options, given
from ief.training.presets import OF_PREPARE, OPTIONS, PRESETS, get_preset

EXAMPLE = "ief prepare --annotations mpii_human_pose_v1_u12_1.mat --images images --out data/mpii"
SIZES = {name: OPTIONS[name] for name in OF_PREPARE}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--annotations",
        type=Path,
        required=True,
        metavar="PATH",
        help="official .mat, HRNet/mmpose .json, COCO keypoints .json, Newell's .h5, or a folder of LSP",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="folder of images or of tar files of images (default: beside the annotations)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the crops and their people")
    parser.add_argument("--name", help="name of the dataset (default: that of --out)")
    parser.add_argument(
        "--preset",
        default="paper",
        metavar="|".join(PRESETS),
        help="preset whose --size and --margin to use (default: paper)",
    )
    add_options(parser, SIZES, "paper")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only the first N people of each split, 1 or more, to try things"
    )
    parser.add_argument(
        "--skeleton",
        metavar="NAME|FILE",
        help=f"joints to keep, found by name, and their tree: {', '.join(SKELETONS)}, or a JSON file with names, "
        "parents (a name each, null for the root) and, where it has them, flip_pairs (right, left), groups of the "
        "tables (name: joints), derived (joint: those in whose middle it is), torso (two joints) and sigmas of OKS "
        "(default: the annotations' own)",
    )
    parser.add_argument(
        "--no-derived-joints",
        action="store_true",
        help="leave joints without a label (MPII's pelvis and thorax, say) missing instead of placing them in the "
        "middle of others, as the skeleton's `derived` tells",
    )
    parser.add_argument(
        "--apply-exif",
        action="store_true",
        help="turn images as their EXIF data ask: for labels made on images as viewers show them (MPII's were not)",
    )
    parser.add_argument("--strict", action="store_true", help="write nothing if anything is wrong with the data")


def run(args: argparse.Namespace) -> None:
    """Read, report, write."""
    if args.limit is not None and args.limit < 1:
        raise PoseError(f"--limit {args.limit}: must be above 0; leave it out for everybody")
    preset = get_preset(args.preset, **given(args, SIZES))
    import numpy as np

    from heads.skeletons import get_skeleton
    from mpii_tools.annotations.derived_joints import derive_joints
    from mpii_tools.annotations.joint_selection import unlabeled_joints, with_skeleton
    from mpii_tools.annotations.read import read_annotations
    from mpii_tools.annotations.reading import table
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.write import OF_IMAGES, prepare

    reading = read_annotations(args.annotations)
    people, chosen = reading.people, {}
    print(f"{args.annotations}: {reading.format}, {len(people):,} people")
    if args.skeleton:
        people, chosen = with_skeleton(people, get_skeleton(args.skeleton))
    if not args.no_derived_joints:
        people = derive_joints(people)
        if people.derived.any():
            print(f"{int(people.derived.any(axis=1).sum()):,} people got a joint by rule (training only)")
    if args.limit:
        first = [np.flatnonzero(people.split == split)[: args.limit] for split in np.unique(people.split)]
        people = people.select(np.sort(np.concatenate(first)))
    folder = args.annotations if args.annotations.is_dir() else args.annotations.parent
    images = open_images(args.images or folder)
    name = args.name or args.out.resolve().name
    done = prepare(
        people, images, args.out, name, preset.size, preset.margin, args.strict, reading.faults, args.apply_exif
    )
    notes = {**reading.notes, **chosen, **unlabeled_joints(people), **done.notes}
    for heading, findings in (("faults", done.faults), ("notes", notes)):
        print(table(heading, findings) or f"no {heading}")
    if not done.written:
        count = sum(map(len, done.faults.values()))
        raise PoseError(
            f"{args.annotations}: {count:,} faults of {len(done.faults)} kinds, listed above; fix them, or leave "
            "those people out by preparing without --strict. Nothing was written"
        )
    counts = ", ".join(f"{count:,} {split}" for split, count in done.splits.items())
    print(f"{args.out}: {counts} people at {preset.size} px")
    left_out = [f"{what}: {who}" for what in OF_IMAGES for who in done.faults.get(what, [])]
    if left_out:
        raise Incomplete(left_out)
