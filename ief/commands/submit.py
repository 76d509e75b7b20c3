"""`ief submit`: predictions -> the .mat that MPII takes, labels of YOLO-pose, or 3D poses as people exchange them."""

from ief.commands.options import FILE, FIRST_PIXEL, PATH, Namespace, argument, refuse
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.submission import write_exchange, write_submission, write_yolo

EXAMPLE = """ief predict --run runs/all --data data/mpii --split test
         ief submit --annotations mpii_human_pose_v1_u12_1.mat --predictions runs/all/predictions-test.npz \\
                    --out pred_keypoints_mpii.mat
         ief submit --annotations data/h36m/valid.npz --predictions runs/h36m/predictions-valid.npz --out poses.json
         ief submit --form yolo --annotations people.json --predictions predictions-valid.npz --out labeled"""
PREDICTIONS = """poses of its test people, of any network: .npz, .h5, .mat, .npy, or COCO results (.json); without
    names: one per scored rect, or per rect with objpos and scale, in the order of --annotations"""
OUT = """.mat to write, pred_keypoints_mpii.mat to MPII's toolkit; or .npz or .json for 3D poses: camera coordinates in
    mm, of 16 joints and of Human3.6M's 17, the pelvis at its ground-truth depth"""
ARGUMENTS = (
    argument("--annotations", PATH, "MPII's RELEASE .mat; of 3D poses, any with depth and cameras", required=True),
    argument("--predictions", FILE, PREDICTIONS, required=True),
    FIRST_PIXEL,
    argument("--form", {"choices": ("yolo",)}, "labels of YOLO-pose, --out their folder (default: by --out's ending)"),
    argument("--out", FILE, OUT, required=True),
)


def run(args: Namespace) -> None:
    """Write the file and print what it holds."""
    if args.form or args.out.suffix in (".npz", ".json"):
        return write_aligned(args)
    predictions = read_predictions(args.predictions, first_pixel=args.first_pixel)
    held = write_submission(args.annotations, predictions, args.out)
    rects = f"{held['rects']:,} rects, {held['predicted']:,} with a pose, all {held['scored']:,} that MPII scores too"
    print(f"{args.out}: {held['images']:,} test images, {rects}")
    if held["unplaced"]:
        print(f"{held['unplaced']:,} rects have no objpos or scale in {args.annotations} and so no pose")


def write_aligned(args: Namespace) -> None:
    """Write poses of the people of the annotations whom the predictions hold: in 3D, or as labels of YOLO-pose."""
    from mpii_tools.annotations.placement import place_people
    from mpii_tools.annotations.read import read_annotations
    from mpii_tools.results.matching import align_annotated

    people = read_annotations(args.annotations).people
    flat = people.depth is None and not args.form
    refuse({f"{args.annotations}: has no depth; give annotations in 3D, or --out FILE.mat for MPII": flat})
    predictions = read_predictions(args.predictions, people.joint_names, args.first_pixel)
    aligned, people = align_annotated(predictions, people)
    if not args.form:
        print(f"{write_exchange(args.out, people, aligned.joints)}: {len(people):,} people")
        return
    flags = 2.0 if aligned.shown is None else 2 * aligned.shown
    held = write_yolo(args.out, place_people(people)[0], aligned.joints, flags)
    print(f"{args.out}: data.yaml and labels of {held['people']:,} people; put their images into {args.out / 'images'}")
    if held["outside"]:
        print(f"{held['outside']:,} joints are outside their images, where YOLO-pose has none")
