"""`ief prepare`: annotations and images -> preprocessed crops, with a table of everything that was left out."""

import argparse
from pathlib import Path

from checkpoints.errors import Incomplete
from ief.commands.options import add_options, read_options
from ief.training.options import OF_PREPARE, OPTIONS, PRESETS, RunConfig, change_config
from mpii_tools.skeletons import SKELETONS, get_skeleton

EXAMPLE = """ief prepare --annotations mpii_human_pose_v1_u12_1.mat --images images --out data/mpii
         ief prepare --annotations train=people.json valid=others.json --images images --out data/mine
         ief prepare --annotations h36m_train.npz h36m_test.npz --images images --out data/h36m --protocol 2"""
ANNOTATIONS = (
    "official .mat, HRNet/mmpose .json, COCO keypoints .json, pytorch-pose's .json, Newell's .h5, a folder of LSP, or "
    "Human3.6M (mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's .h5, official .cdf); one or more. SPLIT= (train, "
    "valid or test) may be left out if the content or a word in the name, as in my_val_people.json, tells it. A "
    "valid_images.txt beside it lists validation images: names between line ends, tabs, commas or spaces, quoted or not"
)
SKELETON = (
    f"joints to keep, found by name, and their tree: {', '.join(SKELETONS)}, or a JSON file with names, parents (a "
    "name each, null for the root) and, if it has them, flip_pairs (right, left; [] if a mirrored image keeps every "
    "joint's name; left out, no mirrored image is used), groups of the tables (name: joints), derived (joint: those in "
    "whose middle it is), torso (two joints) and sigmas of OKS (default: the annotations' own)"
)
DAMAGED = (
    "leave out sequences with damaged labels or video (the paper names none that it left out): S9 Greeting 2, "
    "SittingDown 2, Waiting 1, S11 Directions 2 of camera 54138969 (default: kept)"
)
SIZES = {name: OPTIONS[name] for name in OF_PREPARE}
OF_DATASET = (
    "annotations", "out", "images", "name", "category", "valid_share", "seed", "limit", "strict", "derive", "protocol",
    "every", "leave_out_damaged", "crop",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add, folder, number = parser.add_argument, {"type": Path, "metavar": "DIR"}, {"type": int, "metavar": "N"}
    add("--annotations", action="extend", nargs="+", required=True, metavar="SPLIT=PATH", help=ANNOTATIONS)
    share = "make a random share of the training images, 0 < X < 1, and everybody in them the validation split"
    add("--valid-share", type=float, metavar="X", help=f"{share} (default: none)")
    add("--seed", default=0, help="seed of --valid-share (default: 0)", **number)
    images = "folder of images, of folders of them or of tar files of them (default: beside the annotations)"
    add("--images", help=images, **folder)
    add("--out", required=True, help="folder for the crops and their people", **folder)
    add("--name", help="name of the dataset (default: that of --out)")
    preset = "preset whose --size and --margin to use (default: paper)"
    add("--preset", default="paper", metavar="|".join(PRESETS), help=preset)
    add_options(parser, SIZES, "paper")
    add("--limit", help="only the first N people of each split, 1 or more, to try things", **number)
    add("--category", metavar="NAME|ID", help="which category of COCO's format, if several have keypoints of their own")
    add("--skeleton", metavar="NAME|FILE", help=SKELETON)
    plain = "leave joints without a label (MPII's pelvis) missing (default: placed by the skeleton's `derived`)"
    add("--no-derived-joints", action="store_false", dest="derive", help=plain)
    exif = "turn images as their EXIF data ask: for labels made on images as viewers show them (MPII's were not)"
    add("--apply-exif", action="store_true", help=exif)
    add("--strict", action="store_true", help="write nothing if anything is wrong with the data")
    add = parser.add_argument_group("Human3.6M").add_argument
    protocol = "who trains and validates: 1 for S1 5 6 7 8 9 and S11, 2 for S1 5 6 7 8 and S9 11; decides over SPLIT="
    add("--protocol", type=int, metavar="1|2", help=f"{protocol} (default: SPLIT=, else 2)")
    every = "take every N-th frame of each video, 1 or more; two numbers are for training and for the others"
    add("--every", nargs="+", default=(), help=f"{every} (default: 5 64, the paper's 64 within each video)", **number)
    add("--leave-out-damaged", action="store_true", help=DAMAGED)
    crop = "what crops show of people with depth: 1.5 of the longer side of the joints' box, or 2000 x 2000 mm around"
    add("--crop", metavar="box|pelvis", help=f"{crop} the pelvis, at its ground-truth depth (default: box)")


def run(args: argparse.Namespace) -> None:
    """Read, report, write."""
    preset = change_config(RunConfig(), preset=args.preset, **read_options(args, SIZES)).options
    from mpii_tools.prepared.dataset import prepare_dataset
    from mpii_tools.prepared.write import CropSpec

    spec = CropSpec(preset.size, preset.margin, args.apply_exif)
    skeleton = get_skeleton(args.skeleton) if args.skeleton else None
    options = {name: getattr(args, name) for name in OF_DATASET}
    if left_out := prepare_dataset(spec=spec, skeleton=skeleton, **options):
        raise Incomplete(left_out)
