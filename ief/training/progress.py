"""What is seen of a stage's steps: the progress line, and TensorBoard if it is asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from checkpoints.progress import progress
from ief.training.stage_config import StageConfig
from ief.training.tensorboard import TensorBoard
from ief.training.validation import Metrics, Validator


class StepProgress:
    """The steps of a stage from `first` on, shown as they are iterated over; and in TensorBoard if it is asked for.

    Args:
        config: the stage's training.
        first: steps taken before.
        shown: whether this rank shows them.
    """

    def __init__(self, config: StageConfig, first: int, shown: bool) -> None:
        last = config.steps
        if first and shown:
            print(f"{config.folder}: resuming after step {first} of {last}", file=sys.stderr)
        title = f"stage {config.index} ({config.run.method})"
        self.config, self.first, self.started = config, first, time.monotonic()
        self.steps = progress(range(first, last), title, last, initial=first, shown=shown)
        self.board = TensorBoard(config.folder, first) if config.run.tensorboard and shown else None
        self.scores: dict[str, str] = {}

    def __enter__(self) -> StepProgress:
        return self

    def __exit__(self, *error: object) -> None:
        if self.board:
            self.board.close()

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
        self.scores["loss"] = f"{loss:.4f}"
        if metrics:
            self.scores |= {name: f"{value:.1f}" for name, value in validator.named(metrics).items()}
        if self.board:
            self.board.add(step, {"loss": loss, "lr": lr, **(validator.named(metrics) if metrics else {})})
            if metrics and validator:
                self.board.draw(step, validator.data, validator.poses)
