"""Writing a checkpoint so that a kill at any moment leaves the old file or the whole new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from checkpoints.errors import BadCheckpoint


def write_atomically(
    path: str | os.PathLike, write: Callable[[Path], object], named: Callable[[Path], Path] | None = None
) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to the disk and rename it to `path`.

    Args:
        path: the file to write.
        write: fills the temporary file it is given.
        named: makes the final path from the filled file, where the name depends on what is in it.

    Returns:
        the final path.

    Raises:
        BadCheckpoint: when the disk refuses (full, read-only); what `path` held before is still there.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        flush(part)
        path = named(part) if named else path
        os.replace(part, path)
        flush(path.parent)  # the new name itself
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be written ({error}); what was there before is intact") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def flush(path: Path) -> None:
    """Force a file, or a folder's list of names, onto the disk: a power cut after it loses nothing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder`: each is as large as a checkpoint."""
    for part in folder.glob(".*.part*"):
        part.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike, data: bytes) -> Path:
    """Write `data` through `write_atomically`."""
    return write_atomically(path, lambda part: part.write_bytes(data))


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write `text` as UTF-8, as `write_bytes` does."""
    return write_bytes(path, text.encode("utf-8"))


def checksum(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hex: the identity of a stage file.

    Raises:
        BadCheckpoint: when the file is missing or cannot be read.
    """
    digest = sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()
