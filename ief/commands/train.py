"""`ief train`: prepared data -> trained stages, predictions of the validation split and their scores."""

from checkpoints import is_main_rank
from ief.commands.options import Namespace, argument, list_training, print_files, read_run, refuse
from ief.training.options import RUN_OPTIONS

EXAMPLE = """ief train --data data/mpii --run runs/all --preset paper
several GPUs: torchrun --nproc-per-node 8 -- -m ief train --data data/mpii --run runs/all"""
STAGE = "train stage K alone, 0 or above (default: both, or all --stages)"
ARGUMENTS = (argument("--stage", {"metavar": "K|both"}, STAGE, default="both"), *list_training(RUN_OPTIONS))


def run(args: Namespace) -> None:
    """Train the stages that are not trained yet, then predict and score the validation split."""
    config, machine = read_run(args)
    both = args.stage == "both"
    wrong = not both and not args.stage.isdecimal()
    refuse({f"--stage {args.stage}: must be a stage's number, 0, 1, ..., or both": wrong})
    from ief.workflow import train

    files = train(args.run, config, only=None if both else [int(args.stage)], **machine)
    print_files(files)
    if is_main_rank() and args.run / "metrics.json" in files:
        print(f"next: ief report {args.run} --data {config.data} --out {args.run / 'report'}")
        print(f"next: ief predict --run {args.run} IMAGE --out {args.run / 'poses'}")
