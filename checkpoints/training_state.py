"""The checkpoints of an unfinished training: what makes the next step the same as if nothing had happened.

A checkpoint is a file `training-STEP-DIGEST.pt`; DIGEST begins the SHA-256 of its bytes, and no byte of the file is
looked at before they are found to match. A new checkpoint is whole on the disk before the oldest one is removed, so
that two remain: a corrupt one costs the time since the previous one, not the training.
"""

import re
from collections.abc import Collection
from pathlib import Path

import torch

from checkpoints import PoseError, checksum, log, write_atomically
from checkpoints.tensors import load_plain_data

KEPT = 2  # the last checkpoint and the previous one
DIGITS = 16  # of the SHA-256
CHECKPOINT_FILE = re.compile(rf"training-(\d+)-([0-9a-f]{{{DIGITS}}})\.pt")


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the latest step first."""
    paths = (path for path in folder.glob("training-*") if CHECKPOINT_FILE.fullmatch(path.name))
    return sorted(paths, key=step_of, reverse=True)


def step_of(path: Path) -> int:
    """The step in a checkpoint's file name."""
    return int(path.name.split("-")[1])


def save_checkpoint(folder: Path, step: int, checkpoint: dict) -> Path:
    """Write a dict of tensors, numbers, strings and containers of these, atomically; keep it and the previous one.

    Raises:
        PoseError: when the disk refuses; the earlier checkpoints are still there.
    """

    def write(part: Path) -> None:
        try:
            torch.save(checkpoint, part)
        except RuntimeError as error:  # torch's zip writer's way to say that the disk refused
            taken = part.stat().st_size / 1e6 if part.exists() else 0
            raise OSError(f"the disk took {taken:.0f} MB of it and then no more; is it full?") from error

    path = folder / f"training-{step:08d}.pt"
    saved = write_atomically(path, write, lambda part: path.with_stem(f"{path.stem}-{checksum(part)[:DIGITS]}"))
    earlier = [path for path in checkpoint_files(folder) if step_of(path) < step]
    remove_checkpoints(folder, but={saved, *earlier[: KEPT - 1]})  # also a corrupt one of a later step
    return saved


def load_checkpoint(folder: Path) -> tuple[Path, dict] | None:
    """The latest whole checkpoint of a folder and its file, or None if there is none; reports a corrupt one on stderr.

    Raises:
        PoseError: when there are checkpoints and none of them is whole.
    """
    paths = checkpoint_files(folder)
    for path in paths:
        try:
            if not checksum(path).startswith(path.stem.split("-")[2]):
                raise PoseError(f"{path}: corrupt, its bytes do not fit the checksum in its name")
            return path, load_plain_data(path)
        except PoseError as error:
            log.warning(f"{error}; trying the previous checkpoint")
    if paths:
        raise PoseError(f"{folder}: none of its {len(paths)} checkpoints is whole; delete it to start again")
    return None


def remove_checkpoints(folder: Path, but: Collection[Path] = ()) -> None:
    """Remove the checkpoints of a training that is done, or all but some."""
    for path in set(checkpoint_files(folder)).difference(but):
        path.unlink(missing_ok=True)
