"""`ief table2`: five methods in 3D, with and without the second dataset, under one budget, then the report."""

import argparse
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.stopping import is_main_rank
from ief.commands.options import (
    add_angle_limits,
    add_minutes,
    add_training,
    check_budget,
    read_run_config,
    read_runtime,
)
from ief.training.options import RUN_OPTIONS

EXAMPLE = """ief table2 --data data/h36m --also data/mpii --run runs/table2 --preset paper3d
         on a machine lent for ten minutes at a time: add --stop-after 9, and repeat until the status is 0"""
OPTIONS = {name: field for name, field in RUN_OPTIONS.items() if name != "method"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except the method and the stage."""
    add_training(parser, OPTIONS)
    add_minutes(parser)
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of --data's images, for Figure 3")
    add_angle_limits(parser)


def run(args: argparse.Namespace) -> None:
    """Train ten runs with the same seed, weights and budget of epochs; what is done is skipped."""
    check_budget(args.minutes, args.epochs)
    config = read_run_config(args, OPTIONS)
    if not config.also:
        raise PoseError("give --also, the second dataset, without depth: half of the runs train on it, too")
    from evaluation.metrics.angle_limits import load_angle_limits
    from ief.reporting.report import open_loader
    from ief.workflow.compare import compare_runs, table_2
    from mpii_tools.prepared.read import load_prepared, read_description

    if load_prepared(config.data, "valid").people.depth is None:
        raise PoseError(f"{config.data}: its validation people have no depth; `ief table7` compares methods in 2D")
    pages = compare_runs(
        table_2(config),
        args.run,
        f"Five methods in 3D, with {read_description(config.also)['name']} and without",
        minutes=args.minutes,
        load_image=open_loader(args.images, Path(config.data)) if args.images else None,
        angle_limits=load_angle_limits(args.angle_limits) if args.angle_limits else None,
        **read_runtime(args),
    )
    if is_main_rank():
        print("wrote " + "\n      ".join(map(str, pages)))
