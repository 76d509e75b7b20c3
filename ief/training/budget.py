"""A budget in minutes, turned into epochs: of runs that are compared, and of the demo.

All runs get the same number of epochs, so that no result depends on what else the machine was doing at the time. The
speed is measured once, in a short calibration, and the number it gives is kept in `budget.json`.
"""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.model.cascade import Cascade
from ief.training.residuals import POSE_EPOCHS, STATISTICS_SAMPLES
from ief.training.runtime import Runtime
from ief.training.stage_config import StageConfig
from ief.training.trainer import StageTrainer
from ief.training.validation import COST

WARM_UP, TIMED = 3, 10  # steps of the calibration, per stage
FORWARD = 0.5  # a forward and the making of its batch, in steps of stage 0
SAVING = 0.05  # of a short training's time, which its checkpoints and its start take


def epochs_for_budget(minutes: float, runs: Sequence[StageConfig], runtime: Runtime, path: Path) -> float:
    """How often each stage sees each person, so that the trainings of all stages of some runs take `minutes`.

    Args:
        runs: stage 0 of each; one of those with the longest epochs is measured.
        path: `budget.json`, where the answer is kept; if it exists the answer is read from it.

    Raises:
        PoseError: when the budget is too small for one epoch, or `path` holds another budget.
    """
    if kept := read_epochs(minutes, path):
        return kept
    measured = max(runs, key=lambda run: (run.run.stages, 1 / run.people_per_step))
    seconds = [runtime.max(each) for each in seconds_per_step(measured, runtime)]
    epochs = [sum(seconds[: run.run.stages]) * len(run.data.train) / run.people_per_step for run in runs]  # in seconds
    fit = math.floor(100 * 60 * minutes / sum(epochs)) / 100
    if fit < 1:
        raise PoseError(
            f"--minutes {minutes}: {len(runs)} runs need {sum(epochs) / 60:.1f} minutes for a single epoch here"
        )
    runtime.barrier()
    if runtime.is_main:
        longest = sum(epochs) / max(epochs)  # how many of the longest run take as long as all of them
        budget = {"minutes": minutes, "methods": longest, "seconds_per_step": seconds, "epochs": fit}
        write_text(path, json.dumps(budget, indent=1))
    return fit


def read_epochs(minutes: float, path: Path) -> float | None:
    """The epochs that were found to fit `minutes` when a budget was first asked for; None if it never was.

    Raises:
        PoseError: when the file is corrupt, or holds another budget.
    """
    try:
        budget = json.loads(path.read_text(encoding="utf-8"))
        kept, epochs = (float(budget[name]) for name in ("minutes", "epochs"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); remove it, and the speed is measured again") from error
    if kept != minutes:
        raise PoseError(f"{path}: belongs to a budget of {kept:g} minutes, now {minutes:g}; choose another folder")
    return epochs


def epochs_left(seconds: float, steps: Sequence[float], config: StageConfig, predicted: int) -> float:
    """How often all stages can see each person, so that training and predicting them take `seconds`; maybe below 0.

    Args:
        steps: seconds of a step of each of the stages.
        config: what is trained.
        predicted: people to predict with all stages afterwards.
    """
    batch_size, people = config.options.batch_size, len(config.data.train)
    forwards = min(STATISTICS_SAMPLES, POSE_EPOCHS * people) * (len(steps) - 1) + predicted * len(steps)
    seconds -= FORWARD * steps[0] * forwards / batch_size
    one_epoch = sum(steps) * people / config.people_per_step
    return seconds / ((1 + COST + SAVING) * one_epoch)


def seconds_per_step(config: StageConfig, runtime: Runtime) -> list[float]:
    """Seconds that a step of each stage of a run takes here, over a few with random weights; nothing is kept."""
    return [seconds for _, seconds in time_stages(config, runtime)]


def time_stages(config: StageConfig, runtime: Runtime) -> Iterator[tuple[StageTrainer, float]]:
    """A trainer of each stage of a run after a few steps with random weights, and the seconds of one of its steps."""
    residuals, previous = None, None
    data = replace(config.data, valid=None)
    for index in range(config.run.stages):
        trainer = StageTrainer(replace(config, index=index, data=data), runtime)
        if previous is None:
            previous, residuals = trainer.start()
        trainer.build(previous, residuals)
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                started = time.perf_counter()
            trainer.step(step)[0].item()  # waits for the device
        yield trainer, (time.perf_counter() - started) / TIMED
        previous = Cascade(previous.mean_pose, [*previous.stages, trainer.averaged()]).to(runtime.device).eval()
