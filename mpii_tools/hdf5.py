"""Arrays of an HDF5 file, read with clear errors."""

from __future__ import annotations

import os

import h5py
import numpy as np

from heads.errors import BadInput
from mpii_tools.files import require_file


def load_hdf5(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The data sets at the top level of an HDF5 file. Raises BadInput for no or a torn HDF5 file."""
    path = require_file(path)
    try:
        with h5py.File(path, "r") as file:
            return {name: item[()] for name, item in file.items() if isinstance(item, h5py.Dataset)}
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a whole HDF5 file ({error}); copy it again") from error


def numeric(
    path: str | os.PathLike, stored: dict[str, np.ndarray], name: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """`stored[name]` as float64 of the shape asked for, None standing for any length. Raises BadInput."""
    if name not in stored:
        raise BadInput(f"{path}: no '{name}', only {', '.join(stored) or 'nothing'}")
    array = np.asarray(stored[name])
    fits = array.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind not in "iufb":
        wanted = " x ".join("N" if length is None else str(length) for length in shape)
        raise BadInput(f"{path}: '{name}' is {array.dtype} {array.shape}; expected numbers, {wanted}")
    return array.astype(np.float64)
