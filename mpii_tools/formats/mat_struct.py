"""MATLAB's structs: values of those that `mat_file` read, and structs to write."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.files import write_atomically

HEADER = b"MATLAB 5.0 MAT-file, Platform: any, Created by: compositional-pose".ljust(116)
EMPTY = np.zeros((0, 0))


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


def struct(rows: Sequence[dict[str, object]], names: Sequence[str]) -> np.ndarray:
    """A 1xN MATLAB struct array with the fields `names`, to write; a field that a row lacks is []."""
    values = [tuple(row.get(name, EMPTY) for name in names) for row in rows]
    return np.array(values, dtype=[(name, object) for name in names])[None]


def cell(values: Sequence[object]) -> np.ndarray:
    """An Nx1 MATLAB cell array, to write."""
    return np.fromiter(values, dtype=object, count=len(values))[:, None]
