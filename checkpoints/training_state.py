"""The state of an unfinished training: what makes the next step the same as if nothing had happened.

A state is a file `training-STEP-DIGEST.pt`; DIGEST begins the SHA-256 of its bytes, and no byte of the file is
looked at before they are found to fit. A new state is whole on the disk before the oldest one goes, so that two
remain: a state that turns out corrupt costs the time since the one before, not the training.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
import warnings
from pathlib import Path

import torch

from checkpoints.errors import PoseError
from checkpoints.files import checksum, write_atomically

KEPT = 2  # the last state and the one before
DIGITS = 16  # of the SHA-256
STATE_FILE = re.compile(rf"training-(\d+)-([0-9a-f]{{{DIGITS}}})\.pt")


def state_files(folder: Path) -> list[Path]:
    """The states in a folder, the latest step first."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if STATE_FILE.fullmatch(path.name)]
    return sorted(found, key=step_of, reverse=True)


def step_of(path: Path) -> int:
    """The step that a state's file name says."""
    return int(path.name.split("-")[1])


def save_state(folder: Path, step: int, state: dict) -> Path:
    """Write a dict of tensors, numbers, strings and containers of these, atomically; keep it and the one before.

    Raises:
        PoseError: when the disk refuses; the states before are still there.
    """

    def write(part: Path) -> None:
        try:
            torch.save(state, part)
        except RuntimeError as error:  # torch's zip writer's way to say that the disk refused
            taken = part.stat().st_size / 1e6 if part.exists() else 0
            raise OSError(f"the disk took {taken:.0f} MB of it and then no more; is it full?") from error

    def named(part: Path) -> Path:
        return folder / f"training-{step:08d}-{checksum(part)[:DIGITS]}.pt"

    saved = write_atomically(folder / f"training-{step:08d}.pt", write, named)
    before = [path for path in state_files(folder) if step_of(path) < step]
    for path in set(state_files(folder)) - {saved, *before[: KEPT - 1]}:  # also a corrupt one of a later step
        path.unlink(missing_ok=True)
    return saved


def load_state(folder: Path) -> tuple[Path, dict] | None:
    """The latest whole state of a folder and its file, or None where there is none; a corrupt one is said on stderr.

    Raises:
        PoseError: when there are states and none of them is whole.
    """
    paths = state_files(folder)
    for path in paths:
        try:
            if not checksum(path).startswith(path.stem.split("-")[2]):
                raise PoseError(f"{path}: corrupt, its bytes do not fit the checksum in its name")
            return path, load_plain_data(path)
        except PoseError as error:
            print(f"{error}; looking for the state before", file=sys.stderr)
    if paths:
        raise PoseError(f"{folder}: none of its {len(paths)} saved states is whole; delete it to start again")
    return None


def remove_states(folder: Path) -> None:
    """Remove the states of a training that is done."""
    for path in state_files(folder):
        path.unlink(missing_ok=True)


def load_plain_data(path: str | os.PathLike) -> object:
    """What `torch.save` wrote, on the CPU. Nothing in the file can run code (`weights_only=True`).

    Raises:
        PoseError: when the file is missing, corrupt or holds anything but plain data.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle's protocol, of a file that is then refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise PoseError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise PoseError(
            f"{path}: corrupt, or holds more than tensors, numbers and text; what could run code is not loaded"
        ) from error
    except Exception as error:  # whatever a foreign file sets off in torch's reader
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise PoseError(f"{path}: corrupt, or nothing that torch.save wrote ({reason})") from error
