"""A budget in minutes, turned into epochs.

Every method gets the same number of epochs, so that no result depends on what else the machine was doing at the time.
The speed is measured once, in a short calibration, and the number it gives is kept.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.model.cascade import Cascade
from ief.model.stage import Residuals
from ief.training.config import StageConfig
from ief.training.residuals import mean_training_pose
from ief.training.trainer import StageTrainer

WARM_UP, TIMED = 3, 10  # steps of the calibration, per stage


def epochs_within(minutes: float, methods: int, stages: int, config: StageConfig, path: Path) -> float:
    """How often a stage sees each person, so that `methods` trainings of all `stages` take `minutes`.

    Args:
        path: `budget.json`, where the answer is kept; if it exists the answer is read from it.

    Raises:
        PoseError: when the budget is too small for one epoch, or `path` holds another budget.
    """
    kept = read_budget(path)
    if kept:
        if kept["minutes"] != minutes:
            raise PoseError(
                f"{path}: belongs to a budget of {kept['minutes']} minutes, now {minutes}; choose another --run"
            )
        return kept["epochs"]
    seconds = [config.dist.max(measured, config.device) for measured in seconds_per_step(stages, config)]
    one_epoch = methods * sum(seconds) * len(config.data) / config.preset.batch_size
    epochs = math.floor(100 * 60 * minutes / one_epoch) / 100
    if epochs < 1:
        raise PoseError(
            f"--minutes {minutes}: {methods} methods need {one_epoch / 60:.1f} minutes for a single epoch here"
        )
    config.dist.barrier()
    if config.dist.is_main:
        budget = {"minutes": minutes, "methods": methods, "seconds_per_step": seconds, "epochs": epochs}
        write_text(path, json.dumps(budget, indent=1))
    return epochs


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
        trainer = StageTrainer(replace(config, index=index))
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
