"""HDF5 files, and MATLAB 7.3's, which are HDF5: arrays, or the same plain Python that `mat_file` makes of MATLAB 5's.

In a MATLAB 7.3 file a struct is a group, an array of structs a group of arrays of references, a cell an array of
references; numbers have their axes reversed. Links to other files are not followed, nor are values read that another
file holds; each object is read once, so that the work is bounded by the size of the file.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import h5py  # it takes 0.1 s, so whoever reads other files as well imports this module where it is needed
import numpy as np

from checkpoints import PoseError, require_file
from mpii_tools.formats.arrays import read_budget

MAX_MAT_BYTES = 1 << 29  # of a MATLAB 7.3 file


def load_hdf5(path: str | os.PathLike, groups: Sequence[str] = (), matlab: bool = False) -> dict[str, object]:
    """The datasets at the top level of an HDF5 file, as arrays, and those in `groups` of it, as `group/dataset`; or the
    variables of a MATLAB 7.3 file.

    Raises:
        PoseError: no such file, not HDF5, corrupt, or values of more than `read_budget` or MAX_MAT_BYTES together.
    """
    path, kind = require_file(path), "MATLAB 7.3 file, which is HDF5" if matlab else "HDF5 file"
    try:
        with h5py.File(path, "r") as file:
            held, reader = own_items(file), _MatReader(file, MAX_MAT_BYTES if matlab else read_budget(path))
            if matlab:
                return {name: reader.value(item) for name, item in held.items() if not name.startswith("#")}
            held |= {f"{name}/{inner}": item for name in groups for inner, item in own_items(held.get(name)).items()}
            return {name: reader.stored(item) for name, item in held.items() if hasattr(item, "shape")}
    # HDF5 reports damage through any of these.
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PoseError(f"{path}: not a whole {kind} ({reason}); copy it again") from error


def own_items(group: h5py.Group | h5py.Dataset | None) -> dict[str, h5py.Group | h5py.Dataset]:
    """What a group holds itself, not by a link to elsewhere; nothing for anything but a group."""
    names = group if isinstance(group, h5py.Group) else ()
    return {name: group[name] for name in names if isinstance(group.get(name, getlink=True), h5py.HardLink)}


@dataclass
class _MatReader:
    file: h5py.File
    room: int  # bytes that are left to arrays
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
            rows = zip(*map(self._referred, fields.values()), strict=True)
            return [dict(zip(fields, row, strict=True)) for row in rows]
        return [{name: self.value(item) for name, item in fields.items()}]

    def _referred(self, item: h5py.Dataset) -> list[object]:
        """The values that an array of references points to, column by column of MATLAB's."""
        return [self.value(self.file[reference]) for reference in self.stored(item).ravel().tolist()]

    def _array(self, item: h5py.Dataset) -> object:
        kind = _kind(item)
        if item.attrs.get("MATLAB_empty", 0):
            return "" if kind == "char" else [] if kind in ("cell", "struct") else np.zeros((0, 0))
        if _is_references(item):
            return self._referred(item)
        stored = self.stored(item)
        if kind == "char":
            return "\n".join("".join(map(chr, column)) for column in np.atleast_2d(stored.T).tolist())
        numbers = stored.item() if stored.size == 1 else stored.T
        return numbers if stored.dtype.kind in "iufb" else None

    def stored(self, item: h5py.Dataset) -> np.ndarray:
        """The array of a dataset. Raises ValueError if it or a chunk takes more than `room`, or it is elsewhere."""
        size = max(item.size or 0, math.prod(item.chunks or (0,))) * item.dtype.itemsize
        if size > self.room or item.external or item.is_virtual:
            raise ValueError(f"'{item.name.lstrip('/')}' takes {size:,} bytes, or is in another file")
        values = np.asarray(item[()])
        self.room -= values.nbytes
        return values


def _kind(item: h5py.Dataset) -> str:
    """MATLAB's class of a value, '' if the file names none."""
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _is_references(item: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is h5py.Reference
