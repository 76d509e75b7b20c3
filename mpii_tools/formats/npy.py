"""One array in numpy's .npy format, read without believing its header: no code, and no array longer than its file."""

import os
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format


def read_array(file: BinaryIO) -> np.ndarray:
    """The array in `file`, all of which is its .npy.

    Raises:
        ValueError: not a .npy of numbers, bools or text, not as long as its header claims, or text of impossible
            characters.
    """
    try:
        array = npy_format.read_array(file, allow_pickle=False)
    except Exception as error:  # numpy evaluates the header as a Python literal, which fails in many ways
        raise ValueError(f"no whole .npy: {str(error)[:80]}") from error
    check_array(array, len(file.read(1)))
    if array.dtype.kind == "U" and array.size:
        letters = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4")
        if letters.max() > 0x10FFFF:
            raise ValueError("text of impossible characters")
    return array


def check_array(array: np.ndarray, surplus: int) -> None:
    """Raises ValueError for an array of anything but numbers, bools and text, or `surplus` bytes behind it."""
    if array.dtype.kind not in "biufU" or surplus:
        raise ValueError(f"no file of numbers, bools or text alone, but of {array.dtype} {array.shape}")


def load_npy(path: str | os.PathLike) -> np.ndarray:
    """The array of a .npy file. Raises ValueError or OSError for one that cannot be read."""
    with open(path, "rb") as file:
        return read_array(file)


def map_npy(path: str | os.PathLike) -> np.memmap:
    """The array of a .npy file, left on the disk until it is used, read only.

    Raises:
        ValueError: when it cannot be read.
    """
    try:
        array = npy_format.open_memmap(path, mode="r")
    except Exception as error:  # as above
        raise ValueError(f"no whole .npy: {str(error)[:80]}") from error
    check_array(array, os.path.getsize(path) - array.offset - array.nbytes)
    return array
