"""`ief train`: prepared data -> trained stages, predictions of the validation split and their scores."""

import argparse

from checkpoints.errors import PoseError
from checkpoints.stopping import is_main_rank
from ief.commands.options import add_training, read_run_config, read_runtime
from ief.training.options import RUN_OPTIONS

EXAMPLE = """ief train --data data/mpii --run runs/all --preset paper
several GPUs: torchrun --nproc-per-node 8 -- -m ief train --data data/mpii --run runs/all"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--stage",
        default="both",
        metavar="K|both",
        help="train stage K alone, 0 or above (default: both, or all --stages)",
    )
    add_training(parser, RUN_OPTIONS)


def run(args: argparse.Namespace) -> None:
    """Train the stages that are not trained yet, then predict and score the validation split."""
    config = read_run_config(args, RUN_OPTIONS)
    if args.stage != "both" and not args.stage.isdecimal():
        raise PoseError(f"--stage {args.stage}: must be a stage's number, 0, 1, ..., or both")
    from ief.workflow import train

    stages = None if args.stage == "both" else [int(args.stage)]
    files = train(args.run, config, only=stages, **read_runtime(args))
    if is_main_rank():
        print("wrote " + "\n      ".join(map(str, files)))
        if args.run / "metrics.json" in files:
            print(f"next: ief report {args.run} --data {config.data} --out {args.run / 'report'}")
            print(f"next: ief predict --run {args.run} IMAGE --out {args.run / 'poses'}")
