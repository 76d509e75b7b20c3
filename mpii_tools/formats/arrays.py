"""Arrays in files: numpy's own, one array (.npy) or several with names (.npz), and values of any file as arrays.

There is no pickle in numpy's. They are read without believing what a header claims, written whole or not at all.
"""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format

from checkpoints import PoseError, name_fault, require_file, write_atomically

# All of MPII's people take 20 MB. An archive may claim any size for what it holds compressed.
MAX_BYTES = 1 << 28
# What zipfile and the reader raise for files that are corrupt, foreign, encrypted or compressed in another way.
UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)

KINDS = {"f": "fractions", "i": "whole numbers", "u": "whole numbers", "b": "bools", "U": "text"}  # numpy's letters


def read_budget(path: str | os.PathLike) -> int:
    """Bytes that all arrays of a file may take together: MAX_BYTES, or many times what a large one takes itself."""
    return max(MAX_BYTES, 32 * os.path.getsize(path))


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
    letters = np.ascontiguousarray(array).view(f"{array.dtype.byteorder}u4") if array.dtype.kind == "U" else np.empty(0)
    if letters.max(initial=0) > 0x10FFFF:
        raise ValueError("text of impossible characters")
    return array


def check_array(array: np.ndarray, surplus: int) -> None:
    """Raises ValueError for an array of anything but numbers, bools and text, or `surplus` bytes behind it."""
    if array.dtype.kind not in "biufU" or surplus:
        raise ValueError(f"no file of numbers, bools or text alone, but of {array.dtype} {array.shape}")


def load_npy(path: str | os.PathLike) -> np.ndarray:
    """The array of a .npy file. Raises PoseError for one that cannot be read."""
    faults = OSError, EOFError, ValueError
    with name_fault(path, "not a whole .npy file", "make it again", *faults), open(path, "rb") as file:
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


def save_arrays(path: str | os.PathLike, arrays: dict[str, np.ndarray]) -> None:
    """Writes `arrays` under exactly the name `path`. Raises PoseError if it cannot be written."""

    def write(part: Path) -> None:
        with open(part, "wb") as file:  # given a path, numpy would add .npz to another ending
            np.savez(file, **arrays)

    write_atomically(path, write)


@contextmanager
def open_npz(path: str | os.PathLike, what: str) -> Iterator[zipfile.ZipFile]:
    """The archive that an .npz of `what` is. Raises PoseError for none, or if reading it in the `with` goes wrong."""
    kind = f"not a whole .npz file of {what}"
    with name_fault(path, kind, "make it again", *UNREADABLE), zipfile.ZipFile(require_file(path)) as archive:
        yield archive


def array_names(path: str | os.PathLike, what: str) -> list[str]:
    """The names of the arrays in an .npz of `what`, whatever they hold. Raises PoseError if it is no whole .npz."""
    with open_npz(path, what) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def load_arrays(
    path: str | os.PathLike, kinds: dict[str, str], what: str, optional: dict[str, str] | None = None
) -> dict[str, np.ndarray]:
    """The arrays asked for, of the types asked for.

    Args:
        path: the .npz file.
        kinds: array name -> the numpy type kinds it may have ('f' float, 'iu' whole number, 'U' text, 'b' bool).
        what: what such a file is, for the error messages: 'predictions'.
        optional: as `kinds`, of arrays that may be missing.

    Raises:
        PoseError: no such file, not a whole .npz, an array missing, of another type, or one that would need pickle.
    """
    held, arrays = array_names(path, what), {}
    if missing := [name for name in kinds if name not in held]:
        raise PoseError(f"{path}: not {what}: no array '{missing[0]}', only {listed(held)}; give {what}")
    kinds = kinds | {name: kind for name, kind in (optional or {}).items() if name in held}
    room = read_budget(path)
    with open_npz(path, what) as archive:
        for name in kinds:
            room -= (size := archive.getinfo(f"{name}.npy").file_size)
            if size > MAX_BYTES or room < 0:
                raise ValueError(f"'{name}' takes {size:,} bytes, of which {max(0, room + size):,} are left to it")
            with archive.open(f"{name}.npy") as member:
                arrays[name] = read_array(member)
            if arrays[name].dtype.kind not in kinds[name]:
                wanted = " or ".join(dict.fromkeys(map(KINDS.get, kinds[name])))
                raise ValueError(f"array '{name}' holds {arrays[name].dtype}, not {wanted}")
    return arrays


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
