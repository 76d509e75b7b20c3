"""When a training goes wrong: losses or weights that are not finite are reported, and never saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.training_state import checkpoint_files, step_of
from ief.training.curve import Curve


def check_losses(curve: Curve, steps: int, folder: Path, people_of: Callable[[int], list[str]], write: bool) -> None:
    """Raises PoseError for the first of the recent losses that is not finite, naming its step and people.

    Args:
        steps: steps taken so far, the last of them the curve's latest.
        folder: the stage's, for `not-finite.json`.
        people_of: step -> ids of the people in its batch, over all ranks.
        write: whether this rank writes files.
    """
    bad = curve.bad()
    if bad is None:
        return
    place, loss = bad
    step = steps - curve.filled + place
    people, path = people_of(step), folder / "not-finite.json"
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
