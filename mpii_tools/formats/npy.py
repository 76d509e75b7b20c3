"""One array in numpy's .npy format, read without believing its header: no code, and no memory for what is not there."""

import io
import math
import os
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format

MAX_HEADER = 1 << 12


def check_array(file: BinaryIO, size: int) -> None:
    """Compare the header of a .npy with the length of its file, which numpy does too late or not at all.

    Args:
        file: at its beginning, and so again afterwards.
        size: bytes of the whole .npy.

    Raises:
        ValueError: not a .npy of numbers, bools or text, or not as long as its header claims.
    """
    start = io.BytesIO(file.read(MAX_HEADER))
    file.seek(0)
    try:
        # Version 3 differs from 2 by the letters of a field's name, and only structured arrays have fields.
        first = npy_format.read_magic(start) == (1, 0)
        read = npy_format.read_array_header_1_0 if first else npy_format.read_array_header_2_0
        shape, _, dtype = read(start)
    except Exception:  # numpy evaluates the header as a Python literal, which fails in many ways
        raise ValueError("no header of a .npy") from None
    if dtype.kind not in "biufU":
        raise ValueError(f"no array of numbers, bools or text, but of {dtype}")
    if start.tell() + math.prod(shape) * dtype.itemsize != size:
        raise ValueError(f"{size:,} bytes for {dtype} {shape}")


def read_array(file: BinaryIO, size: int) -> np.ndarray:
    """The array in `file`, all of whose `size` bytes are its .npy.

    Raises:
        ValueError: not a .npy of numbers, bools or text, not as long as its header claims, or text of impossible
            characters.
        OSError, EOFError: as reading `file` does.
    """
    check_array(file, size)
    array = np.load(file, allow_pickle=False)
    if array.dtype.kind == "U" and array.size:
        letters = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
        if letters.max() > 0x10FFFF:
            raise ValueError("text of impossible characters")
    return array


def load_npy(path: str | os.PathLike) -> np.ndarray:
    """The array of a .npy file. Raises ValueError, OSError or EOFError for one that cannot be read."""
    with open(path, "rb") as file:
        return read_array(file, os.fstat(file.fileno()).st_size)


def map_npy(path: str | os.PathLike) -> np.memmap:
    """The array of a .npy file, left on the disk until it is used, read only.

    Raises:
        ValueError, OSError, EOFError: when it cannot be read.
    """
    with open(path, "rb") as file:
        check_array(file, os.fstat(file.fileno()).st_size)
    return np.load(path, mmap_mode="r", allow_pickle=False)
