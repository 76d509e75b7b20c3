"""`ief report`: finished runs -> the paper's tables, per-joint tables, plots and pictures on one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.errors import Incomplete, PoseError
from evaluation.report.published import TABLE_8, select_rows
from ief.commands.options import add_angle_limits

if TYPE_CHECKING:
    from mpii_tools.people import People

EXAMPLE = "ief report runs/ief_star runs/all --data data/mpii --images images --out report"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    argument = parser.add_argument
    argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders; the last one's people are drawn")
    argument("--out", type=Path, required=True, metavar="DIR", help="folder to write the report to")
    argument("--data", type=Path, metavar="DIR", help="folder that `ief prepare` wrote: ground truth, and Figure 1")
    argument("--annotations", type=Path, metavar="PATH", help="the validation people, instead of those in --data")
    argument("--training", type=Path, metavar="PATH", help="the training people, instead of those in --data")
    argument("--images", type=Path, metavar="DIR", help="folder of images, to draw the worst and the median people")
    argument(
        "--published",
        nargs="+",
        default=["all"],
        metavar="ROW",
        help=f"published rows below Table 8: all (default), none, or any of {', '.join(TABLE_8)}",
    )
    add_angle_limits(parser)
    title = "Compositional pose regression"
    argument("--title", default=title, metavar="TEXT", help=f"title of the page (default: {title})")
    argument("--lead", default="", metavar="TEXT", help="a paragraph under the title (default: none)")


def run(args: argparse.Namespace) -> None:
    """Read, compare, draw, write, print where."""
    from evaluation.metrics.angle_limits import load_angle_limits
    from ief.reporting.report import write_report
    from mpii_tools.images.decode import image_loader
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.read import read_description

    people = split_people(args.annotations, args.data, "valid")
    training = split_people(args.training, args.data, "train")
    limits = load_angle_limits(args.angle_limits) if args.angle_limits else None
    if args.images and people is None:
        raise PoseError("--images draws the validation people; add --data or --annotations, which place them")
    upright = bool(args.data and read_description(args.data).get("apply_exif"))
    left_out: list[str] = []
    page = write_report(
        args.runs,
        args.out,
        args.title,
        args.lead,
        people=people,
        training=training,
        load_image=image_loader(open_images(args.images), upright) if args.images else None,
        published=select_rows(args.published),
        left_out=left_out,
        angle_limits=limits,
    )
    print(page)
    if left_out:
        raise Incomplete(left_out)


def split_people(path: Path | None, data: Path | None, split: str) -> People | None:
    """The people of an annotation file, else of a split of prepared data; None if not given.

    Raises:
        PoseError: a file of no known format, or prepared data without that split.
    """
    from mpii_tools.annotations.read import read_annotations
    from mpii_tools.prepared.read import read_description

    if path is None and data is None:
        return None
    if path is None:
        splits = read_description(data)["splits"]
        if split not in splits:
            raise PoseError(f"{data}: has no split '{split}'; it has {', '.join(splits) or 'none'}")
        path = data / f"{split}.npz"
    return read_annotations(path).people
