"""`ief report`: finished runs -> the paper's tables, per-joint tables, plots and pictures on one HTML page."""

import argparse
from pathlib import Path

from checkpoints.errors import Incomplete
from evaluation.report.published import TABLE_8
from ief.commands.options import add_angle_limits

EXAMPLE = "ief report runs/ief_star runs/all --data data/mpii --images images --out report"
OPTIONS = ("data", "annotations", "training", "images", "published", "angle_limits")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    argument = parser.add_argument
    argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders; the last one's people are drawn")
    argument("--out", type=Path, required=True, metavar="DIR", help="folder to write the report to")
    argument("--data", type=Path, metavar="DIR", help="folder that `ief prepare` wrote: ground truth, and Figure 1")
    argument("--annotations", type=Path, metavar="PATH", help="the validation people, instead of those in --data")
    argument("--training", type=Path, metavar="PATH", help="the training people, instead of those in --data")
    argument("--images", type=Path, metavar="DIR", help="folder of images, to draw the worst and the median people")
    rows = f"published rows below Table 8: all (default), none, or any of {', '.join(TABLE_8)}"
    argument("--published", nargs="+", default=["all"], metavar="ROW", help=rows)
    add_angle_limits(parser)
    title = "Compositional pose regression"
    argument("--title", default=title, metavar="TEXT", help=f"title of the page (default: {title})")
    argument("--lead", default="", metavar="TEXT", help="a paragraph under the title (default: none)")


def run(args: argparse.Namespace) -> None:
    """Write the report and print where."""
    from ief.reporting.report import report_runs

    options = {name: getattr(args, name) for name in OPTIONS}
    page, left_out = report_runs(args.runs, args.out, args.title, args.lead, **options)
    print(page)
    if left_out:
        raise Incomplete(left_out)
