"""MATLAB 7.3 files, which are HDF5, read into the same plain Python as `mat_file` makes of MATLAB 5's.

A struct is a group, an array of structs a group of arrays of references, a cell an array of references; numbers have
their axes reversed. Each object is read once, so that the work is bounded by the size of the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from checkpoints.errors import PoseError

if TYPE_CHECKING:
    import h5py

MAX_BYTES = 1 << 29
MAX_DEPTH = 32
UNKNOWN = None


def load_mat_hdf5(path: str | os.PathLike) -> dict[str, object]:
    """The variables of a MATLAB 7.3 file. Links to other files are not followed.

    Raises:
        PoseError: not HDF5, corrupt, or more than MAX_BYTES.
    """
    import h5py  # here, as most commands need none of it and it takes 0.1 s to import

    path = Path(path)
    try:
        with h5py.File(path, "r") as file:
            reader = _Reader(file)
            own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
            return {name: reader.value(file[name], 0) for name in own if not name.startswith("#")}
    # HDF5 reports damage through any of these.
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PoseError(f"{path}: not a whole MATLAB 7.3 file, which is HDF5 ({reason}); copy it again") from error


@dataclass
class _Reader:
    file: h5py.File
    room: int = MAX_BYTES
    known: dict[int, object] = field(default_factory=dict)

    def value(self, item: h5py.Group | h5py.Dataset, depth: int) -> object:
        """A MATLAB value, as `mat_file` has it."""
        import h5py

        if depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        address = h5py.h5o.get_info(item.id).addr
        if address not in self.known:
            self.known[address] = UNKNOWN  # what a value that refers to itself finds
            self.known[address] = (
                self._structs(item, depth) if isinstance(item, h5py.Group) else self._array(item, depth)
            )
        return self.known[address]

    def _structs(self, group: h5py.Group, depth: int) -> list[dict[str, object]]:
        """A group's fields: arrays of references if it is an array of structs, values if it is one struct."""
        import h5py

        own = [name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink)]
        fields = {name: group[name] for name in own}
        many = [isinstance(item, h5py.Dataset) and _is_references(item) and not _kind(item) for item in fields.values()]
        if not fields or not all(many):
            return [{name: self.value(item, depth + 1) for name, item in fields.items()}]
        columns = [self._referred(item, depth) for item in fields.values()]
        return [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]

    def _referred(self, item: h5py.Dataset, depth: int) -> list[object]:
        """The values that an array of references points to, column by column of MATLAB's."""
        return [self.value(self.file[reference], depth + 1) for reference in self._stored(item).ravel().tolist()]

    def _array(self, item: h5py.Dataset, depth: int) -> object:
        kind = _kind(item)
        if item.attrs.get("MATLAB_empty", 0):
            return "" if kind == "char" else [] if kind in ("cell", "struct") else np.zeros((0, 0))
        if _is_references(item):
            return self._referred(item, depth)
        stored = self._stored(item)
        if kind == "char":
            letters = ["".join(map(chr, column)) for column in np.atleast_2d(stored.T).tolist()]
            return "\n".join(letters)
        if stored.dtype.kind not in "iufb":
            return UNKNOWN
        return stored.item() if stored.size == 1 else stored.T

    def _stored(self, item: h5py.Dataset) -> np.ndarray:
        size = item.size * item.dtype.itemsize if item.size else 0
        self.room -= size
        if self.room < 0 or item.external or item.is_virtual:
            raise ValueError(f"'{item.name}' takes {size:,} bytes, or is in another file")
        return np.asarray(item[()])


def _kind(item: h5py.Dataset) -> str:
    """MATLAB's class of a value, '' if the file names none."""
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _is_references(item: h5py.Dataset) -> bool:
    import h5py

    return h5py.check_ref_dtype(item.dtype) is h5py.Reference
