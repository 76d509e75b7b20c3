"""What one stage's training is, as plain values: nothing is seeded, built, printed or written here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ief.model.run_folder import stage_file, stage_folder
from ief.model.stage import StageDesign
from ief.training.data import TrainingData
from ief.training.options import OF_PREPARE, Preset, RunConfig


@dataclass(frozen=True)
class StageConfig:
    """One stage of a run; `dataclasses.replace(config, index=1)` is the next.

    Attributes:
        run: every option of the run.
        data: what the run reads.
        run_folder: what it writes to.
        index: the stage's number, 0 or above.
    """

    run: RunConfig
    data: TrainingData
    run_folder: Path
    index: int = 0

    @cached_property
    def options(self) -> Preset:
        """How the stage trains: the run's options, but for those that the data decide.

        Their size and margin come with the crops, and a skeleton that cannot be mirrored has no flips.
        """
        of_data = {name: getattr(self.data.train, name) for name in OF_PREPARE}
        flip = self.run.options.flip if self.data.skeleton.can_mirror else 0.0
        return replace(self.run.options, **of_data, flip=flip)

    @property
    def folder(self) -> Path:
        """`RUN/stage<index>`."""
        return stage_folder(self.run_folder, self.index)

    @property
    def file(self) -> Path:
        """The finished stage's file."""
        return stage_file(self.run_folder, self.index)

    @property
    def seed(self) -> int:
        """Stages start from different random weights and see different orders and augmentations."""
        return self.run.seed * 1000 + self.index

    def lr(self, step: int) -> float:
        """The learning rate of a step."""
        first = self.options.lr * (self.options.lr_mult_later if self.index else 1)
        return scheduled_lr(first, self.options, step / self.steps)

    @property
    def people_per_step(self) -> int:
        """How many of a step's people are of --data, by whom epochs are counted: all, or half with --also."""
        return self.options.batch_size // len(self.data.datasets)

    @property
    def steps(self) -> int:
        """Length of the training."""
        return math.ceil(self.options.epochs * len(self.data.train) / self.people_per_step)

    def epoch(self, step: int) -> float:
        """How often each person was seen after `step` steps."""
        return min(step * self.people_per_step / len(self.data.train), self.options.epochs)

    @property
    def design(self) -> StageDesign:
        """What the stage is, but for its stride, which comes with the weights that it starts from."""
        options = self.options
        return StageDesign(
            backbone=options.backbone,
            method=self.run.method,
            size=options.size,
            sigma=options.sigma * options.size,
            skeleton=self.data.skeleton,
            absolute=self.index > 0 and options.continue_head,
            likelihood=options.loss == "rle",
            unlabeled=self.data.unlabeled(mirrored=options.flip > 0),
        )


def scheduled_lr(lr: float, preset: Preset, done: float) -> float:
    """The learning rate `lr` as the preset's schedule has it when the fraction `done` of the training is over."""
    lr = lr * min(1.0, (done + 1e-3) / preset.warmup if preset.warmup else 1.0)
    if preset.schedule == "steps":
        return lr * 0.1 ** sum(done >= milestone for milestone in preset.milestones)
    return lr * 0.5 * (1 + math.cos(math.pi * done))
