"""HDF5 files, and MATLAB 7.3's, which are HDF5: arrays, or the same plain Python that `mat_file` makes of MATLAB 5's.

In a MATLAB 7.3 file a struct is a group, an array of structs a group of arrays of references, a cell an array of
references; numbers have their axes reversed. Links to other files are not followed, nor are values read that another
file holds; each object is read once, so that the work is bounded by the size of the file.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import h5py  # it takes 0.1 s, so whoever reads other files as well imports this module where it is needed
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file

# Of one dataset, where all of MPII's joints and names take 20 MB; and of a whole MATLAB 7.3 file.
MAX_BYTES, MAX_MAT_BYTES = 1 << 28, 1 << 29


def load_hdf5(path: str | os.PathLike, groups: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The datasets at the top level of an HDF5 file, as arrays, and those in `groups` of it, as `group/dataset`.

    Raises:
        PoseError: no such file, not HDF5, corrupt, or a dataset of more than MAX_BYTES.
    """
    with open_hdf5(path, "HDF5 file") as file:
        held = own_items(file)
        held |= {f"{name}/{inner}": item for name in groups for inner, item in own_items(held.get(name, ())).items()}
        return {name: read_values(name, item, MAX_BYTES) for name, item in held.items() if hasattr(item, "shape")}


def load_mat_hdf5(path: str | os.PathLike) -> dict[str, object]:
    """The variables of a MATLAB 7.3 file.

    Raises:
        PoseError: not HDF5, corrupt, or more than MAX_MAT_BYTES.
    """
    with open_hdf5(path, "MATLAB 7.3 file, which is HDF5") as file:
        reader = _MatReader(file)
        return {name: reader.value(item) for name, item in own_items(file).items() if not name.startswith("#")}


@contextmanager
def open_hdf5(path: str | os.PathLike, kind: str) -> Iterator[h5py.File]:
    """An open HDF5 file. Whatever reading it raises becomes a PoseError that says it is not a whole file of `kind`."""
    path = require_file(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    # HDF5 reports damage through any of these.
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PoseError(f"{path}: not a whole {kind} ({reason}); copy it again") from error


def own_items(group: h5py.Group | h5py.Dataset | tuple) -> dict[str, h5py.Group | h5py.Dataset]:
    """What a group holds itself, not by a link to elsewhere; nothing for anything but a group."""
    names = group if isinstance(group, h5py.Group) else ()
    return {name: group[name] for name in names if isinstance(group.get(name, getlink=True), h5py.HardLink)}


def read_values(name: str, item: h5py.Dataset, room: int) -> np.ndarray:
    """The array of a dataset. Raises ValueError if it takes more than `room` bytes, or is in another file."""
    size = item.size * item.dtype.itemsize if item.size else 0
    if size > room or item.external or item.is_virtual:
        raise ValueError(f"'{name}' takes {size:,} bytes, or is in another file")
    return np.asarray(item[()])


@dataclass
class _MatReader:
    file: h5py.File
    room: int = MAX_MAT_BYTES
    known: dict[int, object] = field(default_factory=dict)

    def value(self, item: h5py.Group | h5py.Dataset) -> object:
        """A MATLAB value, as `mat_file` has it."""
        address = h5py.h5o.get_info(item.id).addr
        if address not in self.known:
            self.known[address] = None  # what a value that refers to itself finds
            self.known[address] = self._structs(item) if isinstance(item, h5py.Group) else self._array(item)
        return self.known[address]

    def _structs(self, group: h5py.Group) -> list[dict[str, object]]:
        """A group's fields: arrays of references if it is an array of structs, values if it is one struct."""
        fields = own_items(group)
        if fields and all(_is_references(item) and not _kind(item) for item in fields.values()):
            columns = map(self._referred, fields.values())
            return [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]
        return [{name: self.value(item) for name, item in fields.items()}]

    def _referred(self, item: h5py.Dataset) -> list[object]:
        """The values that an array of references points to, column by column of MATLAB's."""
        return [self.value(self.file[reference]) for reference in self._stored(item).ravel().tolist()]

    def _array(self, item: h5py.Dataset) -> object:
        kind = _kind(item)
        if item.attrs.get("MATLAB_empty", 0):
            return "" if kind == "char" else [] if kind in ("cell", "struct") else np.zeros((0, 0))
        if _is_references(item):
            return self._referred(item)
        stored = self._stored(item)
        if kind == "char":
            return "\n".join("".join(map(chr, column)) for column in np.atleast_2d(stored.T).tolist())
        numbers = stored.item() if stored.size == 1 else stored.T
        return numbers if stored.dtype.kind in "iufb" else None

    def _stored(self, item: h5py.Dataset) -> np.ndarray:
        values = read_values(item.name, item, self.room)
        self.room -= values.nbytes
        return values


def _kind(item: h5py.Dataset) -> str:
    """MATLAB's class of a value, '' if the file names none."""
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _is_references(item: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is h5py.Reference
