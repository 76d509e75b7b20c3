"""Values from a file as arrays of the type and shape that a reader needs."""

import os
from collections.abc import Iterable, Mapping

import numpy as np

from checkpoints.errors import PoseError


def as_array(value: object) -> np.ndarray:
    """An array as it is, a number as an array of no dimension, anything else as an array of objects."""
    return value if isinstance(value, np.ndarray) else np.asarray(value if isinstance(value, int | float) else None)


def listed(names: Iterable[str]) -> str:
    """The first few names that a file holds, for a message: one line, whatever characters are in them."""
    names = [name if name.isprintable() else repr(name) for name in names]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"


def numeric(
    path: str | os.PathLike, stored: Mapping[str, object], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """`stored[name]` as float64 of the given shape, None for any length. Raises PoseError for anything else."""
    if name not in stored:
        raise PoseError(f"{path}: no '{name}', only {listed(stored)}; give a file that has it")
    array = as_array(stored[name])
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind not in "iufb":
        wanted = " x ".join("N" if length is None else str(length) for length in shape)
        raise PoseError(f"{path}: '{name}' is {array.dtype} {array.shape}; expected numbers, {wanted}; save it so")
    return array.astype(np.float64)
