"""Arrays of an HDF5 file, read with clear errors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file

if TYPE_CHECKING:
    import h5py

# All of MPII's joints and names take 20 MB.
MAX_BYTES = 1 << 28


def load_hdf5(path: str | os.PathLike, groups: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The datasets at the top level of an HDF5 file, as arrays, and those in `groups` of it, as `group/dataset`.

    Links to other files are not followed, nor are values read that another file holds.

    Raises:
        PoseError: no such file, not HDF5, corrupt, or a dataset of more than MAX_BYTES.
    """
    import h5py  # here, as most commands need none of it and it takes 0.1 s to import

    path = require_file(path)
    try:
        with h5py.File(path, "r") as file:
            held = {name: file[name] for name in _own(file)}
            inside = [name for name in groups if isinstance(held.get(name), h5py.Group)]
            held |= {f"{name}/{inner}": held[name][inner] for name in inside for inner in _own(held[name])}
            return {name: _values(name, item) for name, item in held.items() if isinstance(item, h5py.Dataset)}
    # HDF5 reports damage through any of these.
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PoseError(f"{path}: not a whole HDF5 file ({reason}); copy it again") from error


def _own(group: h5py.Group) -> list[str]:
    """What a group holds itself, not by a link to elsewhere."""
    import h5py

    return [name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink)]


def _values(name: str, item: object) -> np.ndarray:
    size = item.size * item.dtype.itemsize if item.size else 0
    if size > MAX_BYTES or item.external or item.is_virtual:
        raise ValueError(f"'{name}' takes {size:,} bytes, or is in another file")
    return np.asarray(item[()])
