"""`ief prepare`: annotations and images -> preprocessed crops, with a table of everything that was left out."""

from checkpoints import Incomplete
from ief.commands.options import FLAG, FOLDER, INTEGER, NUMBER, Namespace, argument, list_options, read_options
from ief.training.options import OF_PREPARE, OPTIONS, PRESETS, RunConfig, change_config
from mpii_tools.skeletons import SKELETONS, get_skeleton

EXAMPLE = """ief prepare --annotations mpii_human_pose_v1_u12_1.mat --images images --out data/mpii
         ief prepare --annotations train=people.json valid=others.json --images images --out data/mine
         ief prepare --annotations h36m_train.npz h36m_test.npz --images images --out data/h36m --protocol 2"""
ANNOTATIONS = """one or more files or folders. MPII: official .mat, HRNet/mmpose .json or its folder, pytorch-pose's
    .json, Newell's .h5, gt_valid.mat; COCO keypoints .json (COCO, CVAT, Roboflow); YOLO-pose data.yaml (Ultralytics,
    Roboflow); labelme's folder of .json; Label Studio's .json; LSP's folder; Human3.6M: mmpose's .npz, PoseNet's or
    RLE's JSON, h36m-fetch's .h5, official .cdf; this program's .npz or folder. SPLIT= (train, valid or test) may be
    left out if the content or a word in the name, as in my_val_people.json, tells it. A valid_images.txt beside it
    lists validation images: names between line ends, tabs, commas or spaces, or quoted"""
SKELETON = f"""joints to keep, found by name, and their tree: {", ".join(SKELETONS)}, or a JSON file with names, parents
    (a name each, null for the root) and, if it has them, flip_pairs (right, left; [] if a mirrored image keeps every
    joint's name; left out, no mirrored image is used), groups of the tables (name: joints), derived (joint: those in
    whose middle it is), torso (two joints) and sigmas of OKS (default: the annotations' own)"""
UNPLACED = "leave joints without a label missing (default: placed by the skeleton's `derived`)"
SIZES = {name: OPTIONS[name] for name in OF_PREPARE}
PROTOCOL = """who trains and validates: 1 for S1 5 6 7 8 9 and S11, 2 for S1 5 6 7 8 and S9 11; decides over SPLIT=
    (default: SPLIT=, else 2)"""
EVERY = """take every N-th frame of each video, 1 or more; two numbers are for training and for the others (default: 5
    64, the paper's 64 within each video)"""
DAMAGED = """leave out sequences with damaged labels or video (the paper names none that it left out): S9 Greeting 2,
    SittingDown 2, Waiting 1, S11 Directions 2 of camera 54138969 (default: kept)"""
CROP = """what crops show of people with depth: 1.5 of the longer side of the joints' box, or 2000 x 2000 mm around the
    pelvis, at its ground-truth depth (default: box)"""
HUMAN36M = {"group": "Human3.6M"}
ARGUMENTS = (
    argument("--annotations", {"nargs": "+", "metavar": "SPLIT=PATH"}, ANNOTATIONS, action="extend", required=True),
    argument("--valid-share", NUMBER, "share of the training images, 0 < X < 1, that validates (default: none)"),
    argument("--seed", INTEGER, "seed of --valid-share", 0),
    argument("--images", FOLDER, "of images, folders of them or tar files of them (default: beside the annotations)"),
    argument("--out", FOLDER, "folder for the crops and their people", required=True),
    argument("--name", {}, "name of the dataset (default: that of --out)"),
    argument("--preset", {"metavar": "|".join(PRESETS)}, "preset whose --size and --margin to use", "paper"),
    *list_options(SIZES, "paper"),
    argument("--limit", INTEGER, "only the first N people of each split, 1 or more, to try things"),
    argument("--category --class", {"metavar": "NAME|ID"}, "the one to take of several with keypoints (COCO, YOLO)"),
    argument("--skeleton", {"metavar": "NAME|FILE"}, SKELETON),
    argument("--no-derived-joints", {"action": "store_false"}, UNPLACED, dest="derive"),
    argument("--apply-exif", FLAG, "turn images as their EXIF data ask: for labels made in viewers (MPII's were not)"),
    argument("--strict", FLAG, "write nothing if anything is wrong with the data"),
    argument("--protocol", {"type": int, "metavar": "1|2"}, PROTOCOL, **HUMAN36M),
    argument("--every", INTEGER, EVERY, (), nargs="+", **HUMAN36M),
    argument("--leave-out-damaged", FLAG, DAMAGED, **HUMAN36M),
    argument("--crop", {"metavar": "box|pelvis"}, CROP, **HUMAN36M),
)


def run(args: Namespace) -> None:
    """Read, report, write."""
    preset = change_config(RunConfig(), preset=args.preset, **read_options(args, SIZES)).options
    from mpii_tools.prepared.dataset import prepare_dataset
    from mpii_tools.prepared.write import CropSpec

    spec = CropSpec(preset.size, preset.margin, args.apply_exif)
    args.skeleton = get_skeleton(args.skeleton) if args.skeleton else None
    options = {name: getattr(args, name) for name in prepare_dataset.__kwdefaults__}
    if left_out := prepare_dataset(args.annotations, args.out, spec, args.images, **options):
        raise Incomplete(left_out)
