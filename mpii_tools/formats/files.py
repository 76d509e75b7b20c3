"""Writing a file so that readers see the old one or the whole new one, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkpoints.errors import BadInput


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to `path` on success, removed on failure.

    The temporary name keeps the suffix, since writers such as `np.save` choose their form by it.

    Raises:
        BadInput: when the folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.part{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written ({error.strerror or error}); nothing was changed, so make room or choose "
            "another path and start again"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def require_file(path: str | os.PathLike) -> Path:
    """`path` as a Path. Raises BadInput where there is no such file."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: no such file; check the path")
    return path
