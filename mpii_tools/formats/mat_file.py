"""MATLAB files (version 5; 7.3 by `hdf5`) read into plain Python, numbers, strings, arrays, lists, dicts; and written.

A reader of our own, because no file may end the process: every length is checked against what is there before anything
is made of it. What each MATLAB class becomes:

    1x1 number                 int or float
    other numbers, logicals    array in the type that the file stores (often smaller than the class)
    char                       str; rows of a matrix are joined with line ends
    cell                       list, column by column
    struct                     list of dicts, column by column, even if it is 1x1
    empty                      an array of shape (0, 0), '' or []
    anything else (sparse, complex, objects, function handles)    UNKNOWN
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import name_fault, write_atomically
from mpii_tools.formats.content import HDF5, content

UNKNOWN, EMPTY = None, np.zeros((0, 0))
# Once inflated: all of MPII's annotations take 0.2 GB, and a small file no more than this times its size.
MAX_BYTES, SMALL_BYTES, MAX_RATIO = 1 << 29, 1 << 25, 32
MAX_DEPTH = 32

HEADER = b"MATLAB 5.0 MAT-file, Platform: any, Created by: compositional-pose".ljust(116)
HEADER_SIZE = 128
MATRIX, COMPRESSED, INT32, UINT32, INT8 = 14, 15, 5, 6, 1
NUMERIC = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCT, CHAR = 1, 2, 4
NUMBER_CLASSES = range(6, 16)
COMPLEX = 0x0800
SMALL, MAX_KNOWN = 64, 1 << 16  # bytes of a matrix that holds a number or a word; how many of them are remembered


def load_mat(path: str | os.PathLike) -> dict[str, object]:
    """The variables of a MATLAB file ("-v6", "-v7" or "-v7.3"), or the arrays of any other HDF5 file.

    Raises:
        PoseError: no such file, version 4, corrupt, or too large once inflated.
    """
    kind, head = content(path := Path(path))
    if kind == "hdf5":
        from mpii_tools.formats.hdf5 import load_hdf5

        return load_hdf5(path, matlab=not head.startswith(HDF5))
    faults = ValueError, struct.error, zlib.error, OverflowError, LookupError
    with name_fault(path, "not a whole MATLAB .mat file", "copy it again", *faults):
        parsers = (_Parser(element, order) for element, order in _elements(path.read_bytes()))
        return {parser.head(0, len(parser.data))[2]: parser.matrix(0, len(parser.data), 0) for parser in parsers}


def _elements(data: bytes) -> Iterator[tuple[bytes, str]]:
    """(bytes, byte order) of each matrix at the top level, inflated."""
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or len(data) < HEADER_SIZE:
        raise ValueError("no header of MATLAB 5")
    place, room = HEADER_SIZE, min(MAX_BYTES, max(SMALL_BYTES, MAX_RATIO * len(data)))
    while place < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        body = data[place + 8 : place + 8 + size]
        if len(body) < size:
            raise ValueError(f"ends inside the variable at byte {place:,}")
        if kind == COMPRESSED:
            body = zlib.decompressobj().decompress(body, room + 1)
            if len(body) > room:
                raise ValueError(f"more than {room >> 20} MiB once inflated")
            kind, _ = struct.unpack_from(f"{order}II", body)
            body = body[8:]  # which end early if the file does; their parts tell
        if kind != MATRIX:
            raise ValueError(f"the variable at byte {place:,} is of type {kind}, no matrix")
        room -= len(body)
        yield body, order
        place += 8 + size


@dataclass
class _Parser:
    """Reads matrices out of the body of one variable."""

    data: bytes
    order: str
    known: dict[bytes, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tag = struct.Struct(f"{self.order}II").unpack_from

    def matrix(self, place: int, end: int, depth: int) -> object:
        """The value of the matrix whose parts are between `place` and `end`."""
        if place == end:
            return EMPTY
        if depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        kind, shape, _, place = self.head(place, end)
        if kind in NUMBER_CLASSES:
            return self._numbers(place, end, shape)
        if kind == CHAR:
            return self._text(place, end, shape)
        if kind == CELL:
            return self._cells(place, end, math.prod(shape), depth)
        return self._structs(place, end, math.prod(shape), depth) if kind == STRUCT else UNKNOWN

    def head(self, place: int, end: int) -> tuple[int, tuple[int, ...], str, int]:
        """Class (0 for complex numbers), dimensions, name (empty below the top level), and the contents' place."""
        _, start, _, place = self._part(place, end, UINT32)
        _, axes, size, place = self._part(place, end, INT32)
        (flags,) = struct.unpack_from(f"{self.order}I", self.data, start)
        shape = struct.unpack_from(f"{self.order}{min(size // 4, 33)}i", self.data, axes)
        if not 1 < len(shape) <= 32 or min(shape) < 0:
            raise ValueError(f"dimensions {shape}")
        _, start, size, place = self._part(place, end)
        kind = 0 if flags & COMPLEX else flags & 0xFF
        return kind, shape, self.data[start : start + size].decode("latin-1"), place

    def _part(self, place: int, end: int, wanted: int = 0) -> tuple[int, int, int, int]:
        """Type, start and size of the data at `place`, and the place of the next. Up to 4 bytes are in the tag.

        Raises ValueError if they go beyond `end`, or are of another type than is `wanted`.
        """
        kind, size = self.tag(self.data, place)
        if kind >> 16:
            kind, size, start, following = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        else:
            start, following = place + 8, place + 8 + -(-size // 8) * 8
        if start + size > min(end, following) or kind != (wanted or kind):
            raise ValueError(f"{size:,} bytes of type {kind} at byte {start:,}, of which {end - start:,} are left")
        return kind, start, size, following

    def _numbers(self, place: int, end: int, shape: tuple[int, ...]) -> object:
        kind, start, size, _ = self._part(place, end)
        code, count = NUMERIC.get(kind, "i0"), math.prod(shape)
        if size != count * int(code[1]) or kind not in NUMERIC:
            raise ValueError(f"{size:,} bytes of type {kind} for {shape} numbers at byte {start:,}")
        values = np.frombuffer(self.data, self.order + code, count, start)
        return values.item() if count == 1 else values.reshape(shape, order="F")

    def _text(self, place: int, end: int, shape: tuple[int, ...]) -> str:
        if math.prod(shape) == 0:
            return ""
        kind, start, size, _ = self._part(place, end)
        suffix = {"<": "-le", ">": "-be"}[self.order] if kind in (4, 17, 18) else ""
        letters = self.data[start : start + size].decode(TEXT.get(kind, f"type {kind}") + suffix)
        return "\n".join(letters[row :: shape[0]] for row in range(shape[0])) if shape[0] > 1 else letters

    def _cells(self, place: int, end: int, count: int, depth: int) -> list[object]:
        """The values of `count` matrices, the first with its tag at `place`.

        A small one is parsed once: of the millions of numbers in a large file most are the same bytes.
        """
        values, data, known = [], self.data, self.known
        for _ in range(count):
            if place + 8 > end:
                raise ValueError(f"a list ends early at byte {place:,}")
            kind, size = self.tag(data, place)
            inside, place = place + 8, place + 8 + size
            if kind != MATRIX or place > end:
                raise ValueError(f"{size:,} bytes of type {kind} at byte {inside - 8:,}, no matrix")
            part = data[inside:place] if size <= SMALL else None
            value = known.get(part)
            if value is None:
                value = self.matrix(inside, place, depth + 1)
                if part and isinstance(value, int | float | str) and len(known) < MAX_KNOWN:
                    known[part] = value
            values.append(value)
        return values

    def _structs(self, place: int, end: int, count: int, depth: int) -> list[dict[str, object]]:
        _, start, _, place = self._part(place, end, INT32)
        (length,) = struct.unpack_from(f"{self.order}i", self.data, start)
        _, start, size, place = self._part(place, end, INT8)
        if length < 1 or size % length:
            raise ValueError(f"no field names at byte {start:,}")
        names = _field_names(self.data[start : start + size], length)
        if not names and count > end - start:
            raise ValueError(f"{count:,} structs without fields")
        values, width = self._cells(place, end, count * len(names), depth), len(names)
        return [dict(zip(names, values[at * width : (at + 1) * width], strict=True)) for at in range(count)]


@lru_cache(maxsize=1024)
def _field_names(data: bytes, length: int) -> tuple[str, ...]:
    """The names of a struct's fields, `length` bytes each with zeros at the end: a large file repeats them."""
    return tuple(data[at : at + length].split(b"\0")[0].decode("latin-1") for at in range(0, len(data), length))


def save_mat(path: str | os.PathLike, variables: dict[str, object]) -> None:
    """Writes a MATLAB 5 file, compressed, whole or not at all: the same bytes for the same variables.

    Raises:
        PoseError: when it cannot be written.
    """
    import scipy.io  # here, as reading needs none of it and it takes 0.2 s to import

    def write(part: Path) -> None:
        scipy.io.savemat(part, variables, do_compression=True)
        with part.open("r+b") as file:
            file.write(HEADER)  # scipy's holds the date

    write_atomically(path, write)


def number(value: object) -> float:
    """A float, of a digit stored as a char too; NaN for an empty matrix. Raises ValueError for anything else.

    Not a number as it is stored: differences of MPII's bytes would overflow.
    """
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str | np.ndarray) and len(value) == 0:
        return np.nan
    return float(_require(value, str, "a number"))


def text(value: object) -> str:
    """A char array's str, '' for an empty one. Raises ValueError for anything else."""
    return "" if isinstance(value, np.ndarray) and value.size == 0 else _require(value, str, "text")


def records(value: object) -> list[dict[str, object]]:
    """The elements of a struct array; none for the empty matrix that MATLAB has instead of an empty struct.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, str | np.ndarray) and len(value) == 0:
        return []
    return [_require(element, dict, "a struct") for element in _require(value, list, "a struct")]


def _require(value: object, kind: type, wanted: str) -> Any:
    """The value. Raises ValueError, with the words for what is `wanted`, unless it is of the kind."""
    if isinstance(value, kind):
        return value
    kinds = {str: "text", list: "a list", dict: "a struct", type(None): "something unknown"}
    array = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else "a number"
    raise ValueError(f"{kinds.get(type(value), array)} instead of {wanted}")


def make_struct(rows: Sequence[dict[str, object]], names: Sequence[str]) -> np.ndarray:
    """A 1xN MATLAB struct array with the fields `names`, to write; a field that a row lacks is []."""
    values = [tuple(row.get(name, EMPTY) for name in names) for row in rows]
    return np.array(values, dtype=[(name, object) for name in names])[None]


def make_cell(values: Sequence[object]) -> np.ndarray:
    """An Nx1 MATLAB cell array, to write."""
    return np.fromiter(values, dtype=object, count=len(values))[:, None]
