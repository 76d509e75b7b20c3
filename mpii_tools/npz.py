"""Named arrays in one .npz file, without pickle: written whole or not at all, checked when read."""

from __future__ import annotations

import os
import zipfile
import zlib

import numpy as np

from heads.errors import BadInput
from mpii_tools.files import atomic_path, require_file

# What numpy and zipfile raise for files that are torn, foreign (TypeError: a bare .npy), encrypted or pickled.
UNREADABLE = (OSError, EOFError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)


def save_arrays(path: str | os.PathLike, arrays: dict[str, np.ndarray]) -> None:
    """Writes `arrays` under exactly the name `path`. Raises BadInput where it cannot be written."""
    with atomic_path(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays, allow_pickle=False)


def load_arrays(path: str | os.PathLike, kinds: dict[str, str], what: str) -> dict[str, np.ndarray]:
    """The arrays called for, of the types called for.

    Args:
        path: the .npz file.
        kinds: array name -> the numpy type kinds it may have ('f' float, 'iu' whole number, 'U' text, 'b' bool).
        what: what such a file is, for the error messages: 'predictions'.

    Raises:
        BadInput: no such file, no whole .npz, an array missing, of another type, or one that would need pickle.
    """
    path = require_file(path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            missing = [name for name in kinds if name not in stored.files]
            if missing:
                raise BadInput(f"{path}: not {what}: no array '{missing[0]}', only {', '.join(stored.files) or 'none'}")
            arrays = {name: stored[name] for name in kinds}
    except BadInput:
        raise
    except UNREADABLE as error:
        raise BadInput(f"{path}: not a whole .npz file of {what} ({error}); make it again") from error
    for name, array in arrays.items():
        if array.dtype.kind not in kinds[name]:
            raise BadInput(f"{path}: not {what}: array '{name}' holds {array.dtype}")
    return arrays
