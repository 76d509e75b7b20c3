"""A budget in minutes, turned into epochs: of the five methods of Table 1, and of the demo.

Every method gets the same number of epochs, so that no result depends on what else the machine was doing at the time.
The speed is measured once, in a short calibration, and the number it gives is kept.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.model.cascade import Cascade
from ief.model.stage import Residuals
from ief.training.config import StageConfig
from ief.training.residuals import POSE_EPOCHS, STATISTICS_SAMPLES, mean_training_pose
from ief.training.trainer import StageTrainer
from ief.training.validation import COST

WARM_UP, TIMED = 3, 10  # steps of the calibration, per stage
FORWARD = 0.5  # a forward and the making of its batch, in steps of stage 0
SAVING = 0.05  # of a short training's time, which its checkpoints and its start take


def epochs_within(minutes: float, methods: float, stages: int, config: StageConfig, path: Path) -> float:
    """How often a stage sees each person, so that `methods` trainings of all `stages` take `minutes`.

    Args:
        methods: number of trainings like `config`'s; a fraction for those with fewer steps.
        path: `budget.json`, where the answer is kept; if it exists the answer is read from it.

    Raises:
        PoseError: when the budget is too small for one epoch, or `path` holds another budget.
    """
    if kept := kept_epochs(minutes, path):
        return kept
    seconds = [config.dist.max(measured, config.device) for measured in seconds_per_step(stages, config)]
    one_epoch = methods * sum(seconds) * len(config.data) / config.people_per_step
    epochs = math.floor(100 * 60 * minutes / one_epoch) / 100
    if epochs < 1:
        raise PoseError(
            f"--minutes {minutes}: {methods} methods need {one_epoch / 60:.1f} minutes for a single epoch here"
        )
    config.dist.barrier()
    if config.dist.is_main:
        keep_budget(path, {"minutes": minutes, "methods": methods, "seconds_per_step": seconds, "epochs": epochs})
    return epochs


def keep_budget(path: Path, budget: dict) -> None:
    """Write the answer, with what led to it, for `kept_epochs`. Raises PoseError when the disk refuses."""
    write_text(path, json.dumps(budget, indent=1))


def kept_epochs(minutes: float, path: Path) -> float | None:
    """The epochs that were found to fit `minutes` when a budget was first asked for; None if it never was.

    Raises:
        PoseError: when the file is corrupt, or holds another budget.
    """
    kept = read_budget(path)
    if kept and kept["minutes"] != minutes:
        raise PoseError(
            f"{path}: belongs to a budget of {kept['minutes']:g} minutes, now {minutes:g}; choose another folder"
        )
    return kept["epochs"] if kept else None


def epochs_left(seconds: float, steps: Sequence[float], config: StageConfig, predicted: int) -> float:
    """How often both stages can see each person, so that training and predicting them take `seconds`; maybe below 0.

    Args:
        steps: seconds of a step of each of the stages.
        config: what is trained.
        predicted: people to predict with all stages afterwards.
    """
    batch_size, people = config.preset.batch_size, len(config.data)
    forwards = min(STATISTICS_SAMPLES, POSE_EPOCHS * people) * (len(steps) - 1) + predicted * len(steps)
    seconds -= FORWARD * steps[0] * forwards / batch_size
    one_epoch = sum(steps) * people / config.people_per_step
    return seconds / ((1 + COST + SAVING) * one_epoch)


def read_budget(path: Path) -> dict | None:
    """What `epochs_within` kept, or None. Raises PoseError when the file is corrupt."""
    try:
        budget = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(budget[name]) for name in ("minutes", "epochs")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); remove it, and the speed is measured again") from error


def seconds_per_step(stages: int, config: StageConfig) -> list[float]:
    """Seconds that a step of each stage takes here, measured over a few with random weights; nothing is kept."""
    seconds, residuals, previous = [], None, None
    for index in range(stages):
        trainer = StageTrainer(replace(config, index=index, validation=None))
        previous = previous or Cascade(mean_training_pose(trainer.batches.whole()))
        trainer.build(previous, residuals)
        residuals = residuals or Residuals.of(trainer.stage.state_dict())
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                started = time.perf_counter()
            trainer.step(step)[0].item()  # waits for the device
        seconds.append((time.perf_counter() - started) / TIMED)
        previous = Cascade(previous.mean_pose, [*previous.stages, trainer.averaged()]).to(config.device).eval()
    return seconds
