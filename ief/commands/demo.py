"""`ief demo`: the whole line on synthetic people, from drawing them to a report."""

import argparse
from pathlib import Path

from ief.commands.options import add_device, check_budget
from ief.training.options import PRESETS

EXAMPLE = """ief demo --out demo
         ief demo --dimensions 3 --out demo3d"""
MINUTES = {2: 5.0, 3: 8.0}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write; an unfinished one resumes")
    add(
        "--images",
        type=int,
        default=1200,
        metavar="N",
        help="training images, 30 or more, and a third as many to validate; in 3D half as many again without depth "
        "(default: 1200)",
    )
    add(
        "--dimensions",
        type=int,
        default=2,
        choices=(2, 3),
        help="2 for both stages on MPII-like people; 3 for one stage on people with and without depth (default: 2)",
    )
    add(
        "--minutes",
        type=float,
        metavar="M",
        help="time for all of it: the machine's speed is measured, and as many epochs are trained as fit, from 1 to "
        f"{PRESETS['demo'].epochs:g} (default: {MINUTES[2]:g}, in 3D {MINUTES[3]:g})",
    )
    add("--epochs", type=float, metavar="X", help="times a stage sees each person, above 0 (default: by --minutes)")
    add("--seed", type=int, default=0, metavar="N", help="seed of the people and of training (default: 0)")
    add_device(parser)


def run(args: argparse.Namespace) -> None:
    """Draw, prepare, train, predict, evaluate, report."""
    check_budget(args.minutes, args.epochs)
    from ief.workflow.demo import demo

    demo(
        args.out,
        args.dimensions,
        images=args.images,
        minutes=args.minutes or MINUTES[args.dimensions],
        epochs=args.epochs,
        seed=args.seed,
        device=args.device,
    )
