"""A budget in minutes, turned into passes over the people.

Every method gets the same number of passes, so that no figure depends on what else the machine was doing at the time.
The speed is measured once, in a short calibration, and the number it gives is kept.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from ief.model.cascade import Cascade
from ief.training.beginning import batches_of, new_training, starting_point
from ief.training.job import Job
from ief.training.presets import Preset
from ief.training.training import take_step

WARM_UP, TIMED = 3, 10  # steps of the calibration, a stage


def passes_within(minutes: float, methods: int, stages: int, job: Job, preset: Preset, path: Path) -> float:
    """How often each person is seen in a stage, so that `methods` trainings of all `stages` take `minutes`.

    Args:
        path: `budget.json`, where the answer is kept; where it exists the answer is read from it.

    Raises:
        PoseError: where the budget is too small for one pass, or `path` holds another budget.
    """
    kept = read_budget(path)
    if kept:
        if kept["minutes"] != minutes:
            raise PoseError(
                f"{path}: belongs to a budget of {kept['minutes']} minutes, now {minutes}; choose another --run"
            )
        return kept["passes"]
    seconds = [job.processes.largest(measured, job.device) for measured in seconds_per_step(stages, job, preset)]
    one_pass = methods * sum(seconds) * len(job.data) / preset.batch
    passes = math.floor(100 * 60 * minutes / one_pass) / 100
    if passes < 1:
        raise PoseError(
            f"--minutes {minutes}: {methods} methods need {one_pass / 60:.1f} minutes for a single pass here"
        )
    job.processes.barrier()
    if job.processes.first:
        budget = {"minutes": minutes, "methods": methods, "seconds_per_step": seconds, "passes": passes}
        write_text(path, json.dumps(budget, indent=1))
    return passes


def read_budget(path: Path) -> dict | None:
    """What `passes_within` kept, or None. Raises PoseError where the file is corrupt."""
    try:
        budget = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(budget[name]) for name in ("minutes", "passes")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); remove it, and the speed is measured again") from error


def seconds_per_step(stages: int, job: Job, preset: Preset) -> list[float]:
    """Seconds that a step of each stage takes here, measured over a few with random weights; nothing is kept."""
    seconds = []
    for index in range(stages):
        batches = batches_of(index, job, preset)
        if index == 0:
            before, residuals = starting_point(0, job, preset, batches.whole(), None)
        training = new_training(index, job, preset, batches, before, residuals)
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                started = time.perf_counter()
            take_step(training, step)[0].item()  # waits for the device
        seconds.append((time.perf_counter() - started) / TIMED)
        before = Cascade(before.mean_pose, [*before.stages, training.learner.kept()]).to(job.device).eval()
    return seconds
