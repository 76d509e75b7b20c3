"""The state of an unfinished training: what makes the next step the same as if nothing had happened."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import torch

from checkpoints.errors import BadCheckpoint
from checkpoints.files import write_atomically


def save_state(path: str | os.PathLike, state: dict) -> Path:
    """Write a dict of tensors, numbers, strings and containers of these, atomically.

    Raises:
        BadCheckpoint: when the disk refuses; what `path` held before is still there.
    """

    def write(part: Path) -> None:
        try:
            torch.save(state, part)
        except RuntimeError as error:  # torch's zip writer reports a full disk as a RuntimeError
            raise OSError(str(error).splitlines()[0]) from error

    return write_atomically(path, write)


def load_state(path: str | os.PathLike) -> dict:
    """What `save_state` wrote, on the CPU. Nothing in the file can run code (`weights_only=True`).

    Raises:
        BadCheckpoint: when the file is missing, torn or holds anything but plain data.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: no such file") from None
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadCheckpoint(
            f"{path}: torn, or no training state ({reason}); delete it to start this stage again"
        ) from error
