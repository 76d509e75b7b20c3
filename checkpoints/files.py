"""The project's one way to write a file: a kill at any moment leaves the old one or the whole new one."""

import errno
import os
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from checkpoints.errors import PoseError

# How a file system says that it has no fsync for this (Windows, network and FUSE mounts), not that the disk is full.
NO_FSYNC = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.EISDIR, errno.ENOSYS, errno.ENOTSUP, errno.EPERM}


def write_atomically(
    path: str | os.PathLike,
    write: Callable[[Path], object],
    named: Callable[[Path], Path] | None = None,
    durable: bool = True,
) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to the disk and rename it to `path`.

    Args:
        path: the file to write; missing folders above it are made.
        write: fills the temporary file it is given, whose suffix is that of `path`.
        named: makes the final path from the filled file, when the name depends on what is in it.
        durable: wait until the disk has it, so that a power cut loses nothing. False for what is soon made again.

    Returns:
        the final path.

    Raises:
        PoseError: a folder, or when the disk refuses (full, read-only); what `path` held before is still there.
    """
    path = refuse_folder(path)
    part = path.with_name(f".{path.stem}.part{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        if durable:
            flush(part)
        path = named(part) if named else path
        os.replace(part, path)
        if durable:
            flush(path.parent)  # the new name itself
    except OSError as error:
        raise PoseError(
            f"{path}: cannot be written ({error.strerror or error}); what was there before is intact, so make room or "
            "choose another path and start again"
        ) from error
    finally:
        with suppress(OSError):  # a name that is too long has no file
            part.unlink()
    return path


def refuse_folder(path: str | os.PathLike) -> Path:
    """`path`, of a file to write, as a Path. Raises PoseError for a folder; a command asks before it works."""
    path = Path(path)
    if os.path.isdir(path):
        raise PoseError(f"{path}: cannot be written (it is a folder); give the name of a file")
    return path


def flush(path: Path) -> None:
    """Force a file, or a folder's list of names, onto the disk. Does nothing on a file system that has no fsync."""
    try:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_FSYNC:
            raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder`: each may be as large as a checkpoint."""
    for part in folder.glob(".*.part[0-9]*"):
        part.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike, data: bytes, durable: bool = True) -> Path:
    """Write `data`, whole or not at all. Raises PoseError when the disk refuses."""
    return write_atomically(path, lambda part: part.write_bytes(data), durable=durable)


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write `text` as UTF-8, whole or not at all. Raises PoseError when the disk refuses."""
    return write_bytes(path, text.encode("utf-8"))


def read_text(path: str | os.PathLike) -> str:
    """The text of a file, by its byte order mark: UTF-8 with or without one, or UTF-16 as Windows' programs write it.

    Raises:
        OSError, UnicodeError: when it cannot be read, or is no text.
    """
    data = Path(path).read_bytes()
    return data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")


def checksum(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hex: the identity of a stage file.

    Raises:
        PoseError: when the file is missing or cannot be read.
    """
    digest = sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def require_file(path: str | os.PathLike) -> Path:
    """`path` as a Path. Raises PoseError when there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise PoseError(f"{path}: no such file; check the path")
    return path


def distinct_names(paths: Sequence[str | os.PathLike]) -> list[str]:
    """The paths' last parts, with as many folders before them as it takes to tell the paths apart."""
    absolute = [Path(os.path.abspath(path)).parts for path in paths]  # a name has no `..`, which would leave a folder
    for count in range(1, max(map(len, absolute), default=0) + 1):
        names = ["/".join(parts[-count:]).lstrip("/") for parts in absolute]
        if len(set(names)) == len(set(absolute)):
            break
    return names if absolute else []
