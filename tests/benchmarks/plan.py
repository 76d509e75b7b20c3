"""What three trainings of different kinds were planned to take, and what they then took.

`python tests/benchmarks/plan.py OUT [--minutes 3] [--images 600]` on a machine that does nothing else: draws people,
and trains each kind for about so many minutes. Networks and sizes are others than `ief.training.plan.FORWARD` was
measured on.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from ief.training.options import RunConfig, change_config
from ief.training.plan import count_seconds, epochs_for_budget, plan_training
from ief.training.runtime import open_runtime
from ief.training.stage_config import StageConfig, load_training_data
from ief.workflow.compare import train_and_score
from ief.workflow.demo import draw_upright, prepare_drawn

KINDS = {
    "both stages of a ResNet-18 at 96 px, demo": {"preset": "demo", "size": 96},
    "stage 0 of a ResNet-50 at 80 px, paper": {"preset": "paper", "size": 80, "batch_size": 16, "stages": 1},
    "both stages of a ResNet-34 at 48 px, swift, validated after each epoch": {
        "preset": "swift", "backbone": "resnet34", "size": 48, "batch_size": 24, "validate_every": 1.0,
    },
}  # fmt: skip


def main() -> None:
    """Draw, plan, train, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="new folder")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each training")
    parser.add_argument("--images", type=int, default=600, help="to train on; a third as many validate")
    args = parser.parse_args()
    drawn = draw_upright(args.out, args.images, seed=0)["synthetic"]
    for number, (name, options) in enumerate(KINDS.items()):
        data, run = args.out / f"data{number}", args.out / f"run{number}"
        config = change_config(RunConfig(), data=data, weights="none", **options)
        prepare_drawn(drawn, data, name, config.options)
        with open_runtime() as runtime:
            stage = StageConfig(config, load_training_data(config), run)
            epochs = epochs_for_budget(args.minutes, [stage], runtime, run / "budget.json")
            stage = replace(stage, run=change_config(config, epochs=epochs))
            steps = [plan.seconds for plan in plan_training(stage, runtime)]
            planned, started = count_seconds([stage], steps, runtime), time.monotonic()
            train_and_score([stage], runtime)
        taken = time.monotonic() - started
        print(f"{name}, {epochs:g} epochs: planned {planned:.0f} s, taken {taken:.0f} s, {taken / planned - 1:+.0%}")


if __name__ == "__main__":
    main()
