"""`ief prepare`: annotations and images -> preprocessed crops, with a table of everything that was left out."""

from __future__ import annotations

import argparse
from pathlib import Path

from checkpoints.errors import Incomplete, PoseError
from ief.commands.options import add_options, read_options
from ief.training.options import OF_PREPARE, OPTIONS, PRESETS, RunConfig, change_config
from mpii_tools.skeletons import SKELETONS, get_skeleton

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
    add, folder = parser.add_argument, {"type": Path, "metavar": "DIR"}
    add("--annotations", action="extend", nargs="+", required=True, metavar="SPLIT=PATH", help=ANNOTATIONS)
    share = (
        "make a random share of the training images, above 0 and below 1, and everybody in them the validation split "
        "(default: none)"
    )
    add("--valid-share", type=float, metavar="X", help=share)
    add("--seed", type=int, default=0, metavar="N", help="seed of --valid-share (default: 0)")
    images = "folder of images, of folders of them or of tar files of them (default: beside the annotations)"
    add("--images", **folder, help=images)
    add("--out", **folder, required=True, help="folder for the crops and their people")
    add("--name", help="name of the dataset (default: that of --out)")
    preset = "preset whose --size and --margin to use (default: paper)"
    add("--preset", default="paper", metavar="|".join(PRESETS), help=preset)
    add_options(parser, SIZES, "paper")
    add("--limit", type=int, metavar="N", help="only the first N people of each split, 1 or more, to try things")
    skeleton = (
        f"joints to keep, found by name, and their tree: {', '.join(SKELETONS)}, or a JSON file with names, parents (a "
        "name each, null for the root) and, where it has them, flip_pairs (right, left; [] if a mirrored image keeps "
        "every joint's name; left out, no mirrored image is used), groups of the tables (name: joints), derived "
        "(joint: those in whose middle it is), torso (two joints) and sigmas of OKS (default: the annotations' own)"
    )
    add("--skeleton", metavar="NAME|FILE", help=skeleton)
    plain = (
        "leave joints without a label (MPII's pelvis and thorax, say) missing instead of placing them in the middle of "
        "others, as the skeleton's `derived` tells"
    )
    add("--no-derived-joints", action="store_true", help=plain)
    exif = "turn images as their EXIF data ask: for labels made on images as viewers show them (MPII's were not)"
    add("--apply-exif", action="store_true", help=exif)
    add("--strict", action="store_true", help="write nothing if anything is wrong with the data")
    add = parser.add_argument_group("Human3.6M").add_argument
    protocol = (
        "who trains and who validates: 1 for S1 5 6 7 8 9 and S11, 2 for S1 5 6 7 8 and S9 11; decides over SPLIT= "
        "(default: SPLIT=, else 2)"
    )
    add("--protocol", type=int, metavar="1|2", help=protocol)
    every = (
        "take every N-th frame of each video, 1 or more; two numbers are for training and for the others (default: "
        "5 64, the paper's 64 within each video)"
    )
    add("--every", type=int, nargs="+", metavar="N", help=every)
    damaged = (
        "leave out sequences with damaged labels or video (the paper names none that it left out): S9 Greeting 2, "
        "SittingDown 2, Waiting 1, S11 Directions 2 of camera 54138969 (default: kept)"
    )
    add("--leave-out-damaged", action="store_true", help=damaged)
    crop = (
        "what crops show of people with depth: 1.5 of the longer side of their joints' box, or 2000 x 2000 mm around "
        "the pelvis, at its ground-truth depth (default: box)"
    )
    add("--crop", metavar="box|pelvis", help=crop)


def run(args: argparse.Namespace) -> None:
    """Read, report, write."""
    every = " ".join(map(str, args.every or ()))
    for wrong, what in (
        (args.limit is not None and args.limit < 1,
         f"--limit {args.limit}: must be above 0; leave it out for everybody"),
        (args.protocol not in (None, 1, 2), f"--protocol {args.protocol}: must be 1 or 2"),
        (args.every and (len(args.every) > 2 or min(args.every) < 1),
         f"--every {every}: must be one number or two, 1 or above"),
        (args.crop not in (None, "box", "pelvis"), f"--crop {args.crop}: must be box or pelvis"),
    ):  # fmt: skip
        if wrong:
            raise PoseError(what)
    preset = change_config(RunConfig(), preset=args.preset, **read_options(args, SIZES)).options
    from mpii_tools.prepared.dataset import prepare_dataset
    from mpii_tools.prepared.write import CropSpec

    names = ("name", "valid_share", "seed", "limit", "strict", "protocol", "leave_out_damaged", "crop")
    left_out = prepare_dataset(
        args.annotations,
        args.out,
        CropSpec(preset.size, preset.margin, args.apply_exif),
        args.images,
        skeleton=get_skeleton(args.skeleton) if args.skeleton else None,
        derive=not args.no_derived_joints,
        every=args.every or (),
        **{name: getattr(args, name) for name in names},
    )
    if left_out:
        raise Incomplete(left_out)
