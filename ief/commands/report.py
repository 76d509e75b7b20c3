"""`ief report`: runs and files of predictions -> who wins, tables, plots and pictures on one HTML page."""

from checkpoints import Incomplete
from evaluation.report.published import TABLE_8, select_rows
from ief.commands.options import ANGLE_LIMITS, FIRST_PIXEL, FOLDER, INTEGER, PATH, TEXT, Namespace, argument, refuse

EXAMPLE = """ief report runs/ief_star runs/all --data data/mpii --images images --out report
others' files: ief report Newell=newell.h5 Ours=ours.h5 --annotations valid_annolist.mat --out report"""
INPUTS = """run folders, and files of predictions that `ief evaluate` reads; the last one's people are drawn. NAME=PATH
    names one in the tables (default: the folder or the file)"""
PUBLISHED = f"published rows below Table 8: all (default), none, or any of {', '.join(TABLE_8)}"
ARGUMENTS = (
    argument("inputs", {"metavar": "[NAME=]PATH"}, INPUTS, nargs="+"),
    argument("--out", FOLDER, "folder to write the report to", required=True),
    argument("--data", FOLDER, "folder that `ief prepare` wrote: ground truth, and Figure 1"),
    argument("--annotations", PATH, "the validation people, instead of those in --data"),
    argument("--training", PATH, "the training people, instead of those in --data"),
    argument("--images", FOLDER, "folder of images, to draw people from the best to the worst"),
    argument("--thumbnails", INTEGER, "most people whose image is in the page; others' are linked", 100),
    argument("--published", {"nargs": "+", "metavar": "ROW"}, PUBLISHED, ["all"]),
    ANGLE_LIMITS,
    FIRST_PIXEL,
    argument("--title", TEXT, "title of the page", "Compositional pose regression"),
    argument("--lead", TEXT, "a paragraph under the title (default: none)", ""),
)


def run(args: Namespace) -> None:
    """Read the people, write the report, print where."""
    from evaluation import load_angle_limits
    from ief.reporting.report import open_loader, read_people, write_report

    people = read_people(args.annotations, args.data, "valid")
    refuse({"--images draws the validation people; add --data or --annotations, which place them":
            args.images and people is None})  # fmt: skip
    left_out: list[str] = []
    page = write_report(
        args.inputs,
        args.out,
        args.title,
        args.lead,
        people=people,
        training=read_people(args.training, args.data, "train"),
        load_image=open_loader(args.images, args.data) if args.images else None,
        published=select_rows(args.published),
        left_out=left_out,
        first_pixel=args.first_pixel,
        thumbnails=args.thumbnails,
        images=args.images,
        angle_limits=load_angle_limits(args.angle_limits) if args.angle_limits else None,
    )
    print(page)
    if left_out:
        raise Incomplete(left_out)
