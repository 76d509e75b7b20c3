"""The training curve, and the watch for a loss that is not finite.

Losses stay on the device where they were computed and are fetched once in LOG_STEPS steps: fetching each would make
the GPU wait for the program at every step. Nothing is lost by looking late: it is done before a checkpoint is saved.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from checkpoints import PoseError, name_corrupt, read_text, write_text
from checkpoints.training_state import checkpoint_files, step_of
from ief.model.run_folder import METRICS
from mpii_tools.prepared.batches import MixedBatches, TrainingBatches

LOG_STEPS = 20  # losses of a row


class Curve:
    """Loss by step.

    Args:
        state: what `state` returned, to continue from; None to begin.

    Attributes:
        rows: step, mean loss since the previous row, lr, and the metrics if it was validated after that step.
        recent: losses of the row being filled, scalars that nobody has waited for, or of a checkpoint.
    """

    def __init__(self, state: dict | None = None) -> None:
        self.rows: list[list[float]] = [list(row) for row in state["rows"]] if state else []
        self.recent: list[torch.Tensor | float] = list(state["recent"]) if state else []

    def close(self, step: int, lr: float, metrics: Sequence[float | None] | None = None) -> float:
        """End a row after `step` steps at learning rate `lr`; returns its mean loss."""
        self.rows.append([step, sum(map(float, self.recent)) / len(self.recent), lr, *(metrics or ())])
        self.recent = []
        return self.rows[-1][1]

    @classmethod
    def read(cls, path: Path) -> "Curve":
        """What `write` wrote. Raises PoseError for a file that is missing or corrupt."""
        with name_corrupt(path, "copy the run again, or train it anew"):
            rows = [
                [float(value) if value else None for value in row] for row in csv.reader(read_text(path).split()[1:])
            ]
        return cls({"rows": [[int(step), *row] for step, *row in rows], "recent": []})

    def state(self) -> dict:
        """Plain data, to continue from."""
        return {"rows": self.rows, "recent": [float(loss) for loss in self.recent]}

    def write(self, folder: Path, epoch: Callable[[int], float], title: str) -> None:
        """Write `log.csv`, and `results.csv` with the names that other programs' tables have.

        The first has the complete rows: step, loss, learning_rate, and the METRICS, empty if it was not validated; the
        second a row per epoch: its mean loss, last lr and metrics.

        Args:
            epoch: how often each person was seen after so many steps; a row of the log is of the epoch that it ends in.
            title: of the first metric, such as `PCKh@0.5`.
        """
        log = [[step, f"{loss:.6f}", f"{lr:.3e}", *metrics] for step, loss, lr, *metrics in self.rows]
        write_csv(folder / "log.csv", ["step", "loss", "learning_rate", *METRICS], log)
        table, before = {}, 0
        for step, loss, lr, *metrics in self.rows:
            number = math.ceil(epoch(step))
            steps, total, *earlier = table.get(number, (0, 0.0))
            metrics = metrics if any(value is not None for value in metrics) else earlier[1:]
            table[number] = (steps + step - before, total + loss * (step - before), lr, *metrics)
            before = step
        names = [f"metrics/{name}" for name in (title.lower(), *METRICS[1:])]
        rows = [[number, f"{total / steps:.6f}", f"{lr:.3e}", *metrics]
                for number, (steps, total, lr, *metrics) in table.items()]  # fmt: skip
        write_csv(folder / "results.csv", ["epoch", "train/loss", "lr", *names], rows)


def write_csv(path: Path, header: list[str], rows: Iterable[list]) -> None:
    """Write rows below a header; short ones, as those of older checkpoints are, end with empty cells."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [header, *(row + [None] * (len(header) - len(row)) for row in rows)]
    )
    write_text(path, text.getvalue())


def check_losses(curve: Curve, steps: int, folder: Path, batches: TrainingBatches | MixedBatches, write: bool) -> None:
    """Raises PoseError for the first of the recent losses that is not finite, naming its step and people.

    Args:
        steps: steps taken so far, the last of them the curve's latest.
        folder: the stage's, for `not-finite.json`.
        batches: of the people, whom all ranks share.
        write: whether this rank writes files.
    """
    for step, loss in enumerate(map(float, curve.recent), steps - len(curve.recent)):
        if math.isfinite(loss):
            continue
        people, path = batches.whole()(step, images=False).person_ids.tolist(), folder / "not-finite.json"
        if write:
            write_text(path, json.dumps({"step": step + 1, "loss": str(loss), "persons": people}, indent=1))
        raise PoseError(
            f"{folder}: the loss of step {step + 1} is {loss}, on {', '.join(people[:3])}, ... "
            f"({len(people)} people, all in {path.name}); {kept_checkpoint(folder)}; lower --lr, or look at these "
            "people"
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
    kept = checkpoint_files(folder)
    return f"the checkpoint after step {step_of(kept[0])} is kept" if kept else "no checkpoint had been saved yet"
