"""Writing a checkpoint so that a kill at any moment leaves the old file or the whole new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from checkpoints.errors import BadCheckpoint


def write_atomically(path: str | os.PathLike, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to the disk and rename it to `path`.

    Raises:
        BadCheckpoint: when the disk refuses (full, read-only); what `path` held before is still there.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be written ({error}); the file it held before is intact") from error
    finally:
        part.unlink(missing_ok=True)
    return path


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
