"""What is seen of a stage's steps: the progress line, and TensorBoard if it is asked for.

TensorBoard, in RUN/stageK/tensorboard, shows loss, lr, metrics and some validation people; `tensorboard --logdir RUN`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.progress import progress
from ief.training.stage_config import StageConfig
from ief.training.validation import Metrics, Validator
from mpii_tools.crops import apply_affine
from mpii_tools.prepared.read import PreparedSplit

log = logging.getLogger(__name__)

PEOPLE, COLUMNS = 8, 4  # who are drawn, spread over the split
SIDE = 192  # pixels of each picture, at least


def check_tensorboard() -> None:
    """Raises PoseError when the package is missing."""
    if find_spec("tensorboard") is None:
        raise PoseError("--tensorboard: not installed; pip install tensorboard, or leave the option out")


class StepProgress:
    """The steps of a stage from `first` on, shown as they are iterated over; and in TensorBoard if it is asked for.

    Args:
        config: the stage's training.
        first: steps taken before; what an interrupted training wrote to TensorBoard after them is not shown.
        show: whether this rank shows them.
    """

    def __init__(self, config: StageConfig, first: int, show: bool) -> None:
        last = config.steps
        if first and show:
            log.warning(f"{config.folder}: resuming after step {first} of {last}")
        title = f"stage {config.index} ({config.run.method})"
        self.config, self.first, self.started = config, first, time.monotonic()
        self.steps = progress(range(first, last), title, last, initial=first, show=show)
        self.board, self.scores = None, {}
        if config.run.tensorboard and show:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(config.folder / "tensorboard"), purge_step=first + 1)

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
        named = validator.name_metrics(metrics) if metrics else {}
        self.scores |= {"loss": f"{loss:.4f}", **{name: f"{value:.1f}" for name, value in named.items()}}
        if not self.board:
            return
        for name, value in {"loss": loss, "lr": lr, **named}.items():
            self.board.add_scalar(name, value, step)
        if metrics:
            self.board.add_image("people", draw_people(validator.data, validator.poses), step, dataformats="HWC")
        self.board.flush()


def draw_people(data: PreparedSplit, poses: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) of some people of a split with their predicted (colored) and true (white) poses.

    Args:
        poses: (N, K, D) image pixels, of all its people.
    """
    from evaluation.report.skeletons import draw_poses, grid

    rows = np.unique(np.linspace(0, len(data) - 1, PEOPLE).astype(int))
    inner, factor = slice(data.border, data.border + data.size), -(-SIDE // data.size)
    predicted, gt = (
        apply_affine(data.to_crop[rows], joints[rows, :, :2]) * factor + (factor - 1) / 2
        for joints in (poses, data.people.joints)
    )
    crops = data.crops[rows, inner, inner].repeat(factor, axis=1).repeat(factor, axis=2)
    return grid([draw_poses(*person) for person in zip(crops, predicted, gt, strict=True)], COLUMNS)
