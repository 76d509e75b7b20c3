"""`ief table2`: five methods in 3D, with and without the second dataset, under one budget, then the report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from checkpoints.errors import PoseError
from heads.pairs import METHODS
from ief.commands import train
from ief.commands.options import add_angle_limits
from ief.commands.table7 import OPTIONS, add_minutes, compare

EXAMPLE = """ief table2 --data data/h36m --also data/mpii --run runs/table2 --preset paper3d
         on a machine lent for ten minutes at a time: add --stop-after 9, and repeat until the status is 0"""
ALONE, BOTH = "3d", "3d+2d"  # folders of the runs on --data alone, and with --also
MIXED = 2  # steps of an epoch with --also / of one without: half of each batch is of --data


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: those of `ief train`, except the method and the stage."""
    train.configure_training(parser, OPTIONS)
    add_minutes(parser)
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of --data's images, for Figure 3")
    add_angle_limits(parser)


def run(args: argparse.Namespace) -> None:
    """Train ten runs with the same seed, weights and budget of epochs; what is done is skipped."""
    train.check_budget(args.minutes, args.epochs)
    config = train.chosen(args, OPTIONS)
    if not config.also:
        raise PoseError("give --also, the second dataset, without depth: half of the runs train on it, too")
    from evaluation.metrics.angle_limits import load_angle_limits
    from ief.training.budget import epochs_within
    from mpii_tools.images.decode import image_loader
    from mpii_tools.images.sources import open_images
    from mpii_tools.prepared.read import load_prepared, read_description

    upright = read_description(config.data).get("apply_exif", False)
    load_image = image_loader(open_images(args.images), upright) if args.images else None
    limits = load_angle_limits(args.angle_limits) if args.angle_limits else None
    valid = load_prepared(config.data, "valid")
    if valid.depth is None:
        raise PoseError(f"{config.data}: its validation people have no depth; `ief table7` compares methods in 2D")
    with train.training(args, config) as first:
        if args.minutes is not None:
            trainings = len(METHODS) * (1 + MIXED) / MIXED  # in trainings with --also
            epochs = epochs_within(args.minutes, trainings, config.stages, first, args.run / "budget.json")
            config = replace(config, options=replace(config.options, epochs=epochs))
        configs = {}
        for folder, also, data in ((ALONE, None, None), (BOTH, config.also, first.also)):
            for method in METHODS:
                run = args.run / folder / method
                options = replace(config, method=method, also=also)
                configs[run] = replace(
                    first, method=method, run=run, also=data, preset=config.options, run_config=options
                )
        title = f"Five methods in 3D, with {first.also.name} and without"
        compare(configs, valid, args.run / "report", title, load_image=load_image, angle_limits=limits)
