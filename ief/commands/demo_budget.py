"""What the demos share: their time, turned into epochs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ief.training.config import StageConfig

MINUTES, MINUTES_3D = 5.0, 8.0  # that a demo takes unless --minutes or --epochs says otherwise
LEAST = 1.0  # epochs that are trained however slow the machine is
REPORTING = 4.0  # time of report, pictures and submission / time of preparing the crops
say = partial(print, flush=True)  # what is printed is seen at once in a log file too


def fitted(config: StageConfig, stages: int, minutes: float, end: float, predicted: int) -> StageConfig:
    """The training with as many epochs as fit the demo's minutes; a resumed demo continues with those it began with.

    Args:
        config: of stage 0.
        stages: number of stages.
        minutes: that the whole demo is given.
        end: when training and predicting have to be done, on the clock of `time.monotonic`.
        predicted: people to predict afterwards.
    """
    from ief.training.budget import epochs_left, keep_budget, kept_epochs, seconds_per_step

    path, most = config.run / "budget.json", config.preset.epochs
    epochs = kept_epochs(minutes, path)
    if not epochs:
        steps = seconds_per_step(stages, config)
        fit = epochs_left(end - monotonic(), steps, config, predicted)
        epochs = min(max(int(10 * fit) / 10, LEAST), most)
        keep_budget(path, {"minutes": minutes, "seconds_per_step": steps, "epochs": epochs})
        if fit < LEAST:
            say(f"{minutes:g} minutes are too few on this machine; the least is trained all the same")
    say(f"{epochs:g} epochs of each stage")
    preset = replace(config.preset, epochs=epochs)
    return replace(config, preset=preset, run_config=replace(config.run_config, options=preset))
