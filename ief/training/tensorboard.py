"""TensorBoard's view of a training, in RUN/stageK/tensorboard: loss, lr, metrics and some validation people."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.crops import apply_affine
from mpii_tools.prepared.read import PreparedSplit

PEOPLE, COLUMNS = 8, 4  # who are drawn, spread over the split
SIDE = 192  # pixels of each picture, at least


def check_installed() -> None:
    """Raises PoseError when the package is missing."""
    if find_spec("tensorboard") is None:
        raise PoseError("--tensorboard: not installed; pip install tensorboard, or leave the option out")


class TensorBoard:
    """Writes what `tensorboard --logdir RUN` shows.

    Args:
        folder: the stage's.
        done: steps that were taken before; what an interrupted training wrote after them is not shown.
    """

    def __init__(self, folder: Path, done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=done + 1)

    def add(self, step: int, values: dict[str, float]) -> None:
        """Add a point to the curve of each value."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def draw(self, step: int, data: PreparedSplit, poses: np.ndarray) -> None:
        """Add a picture of some people with their predicted (colored) and true (white) poses.

        Args:
            data: the split they are of.
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
        pictures = [draw_poses(*person) for person in zip(crops, predicted, gt, strict=True)]
        self.writer.add_image("people", grid(pictures, COLUMNS), step, dataformats="HWC")

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()
