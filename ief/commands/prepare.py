"""`ief prepare`: annotations and images -> preprocessed crops, with a table of everything that was left out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import Incomplete, PoseError
from ief.commands.options import add_options, given
from ief.training.options import OF_PREPARE, OPTIONS, PRESETS, RunConfig, change_config
from mpii_tools.skeletons import SKELETONS, get_skeleton, mirror_note

if TYPE_CHECKING:
    from mpii_tools.annotations.combine import Source
    from mpii_tools.people import People
    from mpii_tools.prepared.write import Preparation

EXAMPLE = """ief prepare --annotations mpii_human_pose_v1_u12_1.mat --images images --out data/mpii
         ief prepare --annotations train=people.json valid=others.json --images images --out data/mine
         ief prepare --annotations h36m_train.npz h36m_test.npz --images images --out data/h36m --protocol 2"""
ANNOTATIONS = (
    "official .mat, HRNet/mmpose .json, COCO keypoints .json, pytorch-pose's .json, Newell's .h5, a folder of "
    "LSP, or Human3.6M (mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's .h5, official .cdf); one or more. "
    "SPLIT= (train, valid or test) may be left out if the content or a word in the name, as in my_val_people.json, "
    "tells it. A valid_images.txt beside it lists validation images: names between line ends, tabs, commas or "
    "spaces, in quotes or not"
)
SIZES = {name: OPTIONS[name] for name in OF_PREPARE}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--annotations",
        action="extend",
        nargs="+",
        required=True,
        metavar="SPLIT=PATH",
        help=ANNOTATIONS,
    )
    parser.add_argument(
        "--valid-share",
        type=float,
        metavar="X",
        help="make a random share of the training images, above 0 and below 1, and everybody in them the validation "
        "split (default: none)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of --valid-share (default: 0)")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="folder of images, of folders of them or of tar files of them (default: beside the annotations)",
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
        "parents (a name each, null for the root) and, where it has them, flip_pairs (right, left; [] if a mirrored "
        "image keeps every joint's name; left out, no mirrored image is used), groups of the tables (name: joints), "
        "derived (joint: those in whose middle it is), torso (two joints) and sigmas of OKS (default: the annotations' "
        "own)",
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
    add_human36m(parser.add_argument_group("Human3.6M"))


def add_human36m(group: argparse._ArgumentGroup) -> None:
    """Declare what is chosen of Human3.6M and other people in 3D."""
    group.add_argument(
        "--protocol",
        type=int,
        metavar="1|2",
        help="who trains and who validates: 1 for S1 5 6 7 8 9 and S11, 2 for S1 5 6 7 8 and S9 11; decides over "
        "SPLIT= (default: SPLIT=, else 2)",
    )
    group.add_argument(
        "--every",
        type=int,
        nargs="+",
        metavar="N",
        help="take every N-th frame of each video, 1 or more; two numbers are for training and for the others "
        "(default: 5 64, the paper's 64 within each video)",
    )
    group.add_argument(
        "--leave-out-damaged",
        action="store_true",
        help="leave out sequences with damaged labels or video (the paper names none that it left out): S9 Greeting 2, "
        "SittingDown 2, Waiting 1, S11 Directions 2 of camera 54138969 (default: kept)",
    )
    group.add_argument(
        "--crop",
        metavar="box|pelvis",
        help="what crops show of people with depth: 1.5 of the longer side of their joints' box, or 2000 x 2000 mm "
        "around the pelvis, at its ground-truth depth (default: box)",
    )


def run(args: argparse.Namespace) -> None:
    """Read, report, write."""
    check(args)
    preset = change_config(RunConfig(), preset=args.preset, **given(args, SIZES)).options
    from mpii_tools.annotations.combine import combine, open_combined, read_source
    from mpii_tools.annotations.joints import derive_joints, unlabeled_joints
    from mpii_tools.annotations.reading import table
    from mpii_tools.prepared.write import OF_IMAGES, CropSpec, prepare

    skeleton = get_skeleton(args.skeleton) if args.skeleton else None
    sources = choose_frames([read_source(argument, skeleton) for argument in args.annotations], args)
    for source in sources:
        print(f"{source.path}: {source.reading.format}, {len(source.reading.people):,} people")
    folders = [args.images or source.folder for source in sources]
    reading = combine(sources, folders, args.valid_share, args.seed)
    people = reading.people
    if not args.no_derived_joints:
        people = derive_joints(people)
        if people.derived.any():
            print(f"{int(people.derived.any(axis=1).sum()):,} people got a joint by rule (training only)")
    if args.limit:
        people = first_of_each_split(people, args.limit)
    images, name = open_combined(folders, people.images.tolist()), args.name or args.out.resolve().name
    done = prepare(
        people,
        images,
        args.out,
        name,
        CropSpec(preset.size, preset.margin, args.apply_exif),
        strict=args.strict,
        known=reading.faults,
        image_folders=folders,
    )
    notes = {**reading.notes, **unlabeled_joints(people), **done.notes}
    for heading, findings in (("faults", done.faults), ("notes", notes)):
        print(table(heading, findings) or f"no {heading}")
    if note := mirror_note(people.skeleton):
        print(f"{args.out}: {note}")
    if not done.splits:
        reason, who = next(iter(done.faults.items()), ("no person in the annotations", []))
        raise PoseError(
            f"{args.out}: no person of {name} could be prepared; first reason: {': '.join([reason, *who[:1]])}"
        )
    if not done.written:
        count = sum(map(len, done.faults.values()))
        raise PoseError(
            f"{sources[0].path}: {count:,} faults of {len(done.faults)} kinds, listed above; fix them, or leave "
            "those people out by preparing without --strict. Nothing was written"
        )
    print_written(args.out, done, preset.size)
    left_out = [f"{what}: {who}" for what in OF_IMAGES for who in done.faults.get(what, [])]
    if left_out:
        raise Incomplete(left_out)


def check(args: argparse.Namespace) -> None:
    """Raises PoseError for arguments out of range."""
    if args.limit is not None and args.limit < 1:
        raise PoseError(f"--limit {args.limit}: must be above 0; leave it out for everybody")
    if args.protocol not in (None, 1, 2):
        raise PoseError(f"--protocol {args.protocol}: must be 1 or 2")
    if args.every and (len(args.every) > 2 or min(args.every) < 1):
        raise PoseError(f"--every {' '.join(map(str, args.every))}: must be one number or two, 1 or above")
    if args.crop not in (None, "box", "pelvis"):
        raise PoseError(f"--crop {args.crop}: must be box or pelvis")


def choose_frames(sources: list[Source], args: argparse.Namespace) -> list[Source]:
    """The sources with the people of Human3.6M whom the arguments ask for, and their crops.

    Raises:
        PoseError: arguments for data that are not there, or nobody left.
    """
    from dataclasses import replace

    from mpii_tools.annotations.human36m.protocols import choose_people, has_human36m, place_crops

    readings = [source.reading for source in sources]
    if (args.protocol or args.every or args.leave_out_damaged) and not has_human36m(readings):
        raise PoseError("--protocol, --every and --leave-out-damaged are for Human3.6M, of which nothing is given")
    readings = [choose_people(reading, args.protocol, args.every or (), args.leave_out_damaged) for reading in readings]
    readings = [place_crops(reading, args.crop) for reading in readings]
    return [replace(source, reading=reading) for source, reading in zip(sources, readings, strict=True)]


def first_of_each_split(people: People, count: int) -> People:
    """The first `count` people of each split, in their order."""
    import numpy as np

    first = [np.flatnonzero(people.split == split)[:count] for split in np.unique(people.split)]
    return people.select(np.sort(np.concatenate(first)))


def print_written(folder: Path, done: Preparation, size: int) -> None:
    """What the folder holds now: new splits, those in whose place they came, and those that stay."""
    counts = ", ".join(f"{count:,} {split}" for split, count in done.splits.items())
    replaced = ", ".join(f"{count:,} {split}" for split, count in done.replaced.items())
    kept = ", ".join(f"{count:,} {split}" for split, count in done.kept.items())
    print(f"{folder}: {counts} people at {size} px" + (f", in place of {replaced} of before" if replaced else ""))
    if kept:
        print(f"{folder}: {kept} people of before stay")
    if "train" in {**done.splits, **done.kept} and "valid" not in {**done.splits, **done.kept}:
        print(f"{folder}: no validation split; add one with valid=PATH, or prepare again with --valid-share 0.1")
