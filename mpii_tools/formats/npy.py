"""One array in numpy's .npy form, read without believing its header: no code, and no memory for what is not there."""

from __future__ import annotations

import math
import os
import re
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

MAGIC = b"\x93NUMPY"
# What numpy writes for arrays of numbers, bools and text; structured arrays and pickled objects do not match.
HEADER = re.compile(
    rb"\{'descr': '([<>|][biufU]\d+)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), \} *\n"
)
MAX_HEADER = 1 << 12


def read_array(file: BinaryIO, size: int) -> np.ndarray:
    """The array in `file`, all of whose `size` bytes are its .npy.

    Raises:
        ValueError: no .npy of numbers, bools or text, or one that is not as long as it says.
        OSError, EOFError: as reading `file` does.
    """
    dtype, order, shape, start = _read_header(file, size)
    array = np.frombuffer(bytearray(file.read(size - start)), dtype).reshape(shape, order=order)
    if dtype.kind == "U" and array.size and np.ascontiguousarray(array).view(dtype.byteorder + "u4").max() > 0x10FFFF:
        raise ValueError("text of impossible characters")
    return array


def load_npy(path: str | os.PathLike) -> np.ndarray:
    """The array of a .npy file. Raises as `read_array`."""
    with open(path, "rb") as file:
        return read_array(file, os.fstat(file.fileno()).st_size)


def map_npy(path: str | os.PathLike) -> np.memmap:
    """The array of a .npy file, left on the disk until it is used, read only. Raises as `read_array`."""
    with open(path, "rb") as file:
        dtype, order, shape, start = _read_header(file, os.fstat(file.fileno()).st_size)
    return np.memmap(Path(path), dtype, "r", start, shape, order)


def _read_header(file: BinaryIO, size: int) -> tuple[np.dtype, str, tuple[int, ...], int]:
    """Type, order ('C' or 'F'), shape, and where the values begin, which fill the rest of the `size` bytes."""
    opening = file.read(8)
    version = opening[6:7]
    if opening[:6] != MAGIC or version not in (b"\1", b"\2", b"\3"):
        raise ValueError("no .npy")
    form = "<H" if version == b"\1" else "<I"
    (length,) = struct.unpack(form, file.read(struct.calcsize(form)).ljust(struct.calcsize(form), b"\0"))
    if length > MAX_HEADER:
        raise ValueError(f"a header of {length:,} bytes")
    match = HEADER.fullmatch(file.read(length))
    if match is None:
        raise ValueError("no array of numbers, bools or text")
    try:
        dtype = np.dtype(match[1].decode())
    except TypeError as error:
        raise ValueError(str(error)) from None
    shape = tuple(int(axis) for axis in match[3].replace(b" ", b"").split(b",") if axis)
    if len(shape) > 8:
        raise ValueError(f"{len(shape)} dimensions")
    start = 8 + struct.calcsize(form) + length
    if start + math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{size - start:,} bytes for {dtype} {shape}")
    return dtype, "F" if match[2] == b"True" else "C", shape, start
