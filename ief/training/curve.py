"""The training curve, and the watch for a loss that is not finite.

Losses stay on the device where they were computed and are fetched once in LOG_STEPS steps: fetching each would make
the GPU wait for the program at every step. Nothing is lost by looking late: it is done before a checkpoint is saved.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.training_state import checkpoint_files, step_of
from ief.model.run_folder import METRICS

LOG_STEPS = 20


class Curve:
    """Loss by step.

    Attributes:
        rows: step, mean loss since the previous row, lr, and the metrics if it was validated after that step.
        recent: (LOG_STEPS,) losses of the row being filled, on the device.
        filled: how many of them there are.
    """

    def __init__(self, device: torch.device) -> None:
        self.rows: list[list[float]] = []
        self.recent = torch.zeros(LOG_STEPS, device=device)
        self.filled = 0

    def add(self, loss: Tensor) -> None:
        """Note the next step's loss, a scalar, without waiting for it."""
        self.recent[self.filled] = loss
        self.filled += 1

    @property
    def full(self) -> bool:
        """Whether a row is complete."""
        return self.filled == LOG_STEPS

    def bad(self) -> tuple[int, float] | None:
        """The first of the recent losses that is not finite: its place among them and its value."""
        losses = self.recent[: self.filled].tolist()
        return next(((place, loss) for place, loss in enumerate(losses) if not math.isfinite(loss)), None)

    def close(self, step: int, lr: float, metrics: Sequence[float | None] | None = None) -> float:
        """End a row after `step` steps at learning rate `lr`; returns its mean loss."""
        mean = sum(self.recent[: self.filled].tolist()) / self.filled
        self.rows.append([step, mean, lr, *(metrics or ())])
        self.filled = 0
        return mean

    def state(self) -> dict:
        """Plain data, for `restore`."""
        return {"rows": self.rows, "recent": self.recent[: self.filled].tolist()}

    def restore(self, state: dict) -> None:
        """Continue from what `state` returned."""
        self.rows, self.filled = [list(row) for row in state["rows"]], len(state["recent"])
        self.recent[: self.filled] = torch.tensor(state["recent"])

    def write(self, path: Path) -> None:
        """The complete rows as CSV: step, loss, learning_rate, and the METRICS, empty if it was not validated."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step", "loss", "learning_rate", *METRICS])
        for step, loss, lr, *metrics in self.rows:
            missing = [None] * (len(METRICS) - len(metrics))  # all, or those that older checkpoints lack
            writer.writerow([step, f"{loss:.6f}", f"{lr:.3e}", *metrics, *missing])
        write_text(path, text.getvalue())


def check_losses(curve: Curve, steps: int, folder: Path, find_people: Callable[[int], list[str]], write: bool) -> None:
    """Raises PoseError for the first of the recent losses that is not finite, naming its step and people.

    Args:
        steps: steps taken so far, the last of them the curve's latest.
        folder: the stage's, for `not-finite.json`.
        find_people: step -> ids of the people in its batch, over all ranks.
        write: whether this rank writes files.
    """
    bad = curve.bad()
    if bad is None:
        return
    place, loss = bad
    step = steps - curve.filled + place
    people, path = find_people(step), folder / "not-finite.json"
    if write:
        write_text(path, json.dumps({"step": step + 1, "loss": str(loss), "persons": people}, indent=1))
    raise PoseError(
        f"{folder}: the loss of step {step + 1} is {loss}, on {', '.join(people[:3])}, ... "
        f"({len(people)} people, all in {path.name}); {kept_checkpoint(folder)}; lower --lr, or look at these people"
    )


def check_weights(values: Iterable[object], steps: int, folder: Path) -> None:
    """Raises PoseError when a floating-point tensor among `values` is not finite; waits for the device."""
    floats = (value for value in values if isinstance(value, torch.Tensor) and value.is_floating_point())
    if not all(bool(value.isfinite().all()) for value in floats):
        raise PoseError(
            f"{folder}: the weights are not finite after step {steps}; {kept_checkpoint(folder)}; lower --lr"
        )


def kept_checkpoint(folder: Path) -> str:
    """Which checkpoint a training that has gone wrong can resume from, in words."""
    found = checkpoint_files(folder)
    return f"the checkpoint after step {step_of(found[0])} is kept" if found else "no checkpoint had been saved yet"
