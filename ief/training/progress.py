"""What is seen of a stage's steps: the progress line, and loggers (loss, lr, metrics, some validation people)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from checkpoints.console import log
from checkpoints.progress import progress
from ief.training.loggers import open_loggers
from ief.training.pictures import draw_people
from ief.training.stage_config import StageConfig
from ief.training.validation import Metrics, Validator


class StepProgress:
    """The steps of a stage from `first` on, shown as they are iterated over, and in the loggers that are asked for.

    Args:
        config: the stage's training.
        first: steps taken before.
        show: whether this rank shows them.
    """

    def __init__(self, config: StageConfig, first: int, show: bool) -> None:
        last = config.steps
        if first and show:
            log.warning(f"{config.folder}: resuming after step {first} of {last}")
        title = f"stage {config.index} ({config.run.method})"
        self.config, self.first, self.started = config, first, time.monotonic()
        self.steps = progress(range(first, last), title, last, initial=first, show=show)
        self.scores, self.loggers = {}, open_loggers(config, first) if show else []

    def __enter__(self) -> StepProgress:
        return self

    def __exit__(self, *error: object) -> None:
        for logger in self.loggers:
            logger.close()

    def __iter__(self) -> Iterator[int]:
        config = self.config
        for step in self.steps:
            yield step
            seen = (step + 1 - self.first) * config.options.batch_size
            epoch = f"{config.epoch(step + 1):.1f} of {config.options.epochs:g}"
            rate = f"{seen / max(time.monotonic() - self.started, 1e-9):.0f}"
            self.steps.set_postfix({"epoch": epoch, **self.scores, "images/s": rate}, refresh=False)

    def show(self, step: int, loss: float, lr: float, metrics: Metrics | None, validator: Validator | None) -> None:
        """A row of the log: after `step` steps, the mean loss since the previous row, lr, and metrics if validated."""
        named = validator.name_metrics(metrics) if metrics else {}
        self.scores |= {"loss": f"{loss:.4f}", **{name: f"{value:.1f}" for name, value in named.items()}}
        picture = draw_people(validator.data, validator.poses) if metrics and self.loggers else None
        for logger in self.loggers:
            if picture is not None:
                logger.draw("people", picture, step)
            logger.add({"loss": loss, "lr": lr, **named}, step)
