"""MATLAB's structs: values of those that `mat_file` read, and structs to write."""

import os
from collections.abc import Sequence
from pathlib import Path

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
    if isinstance(value, str):
        return float(value)
    raise ValueError(f"{describe(value)} instead of a number")


def describe(value: object) -> str:
    """What kind of value it is, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    kinds = {str: "text", list: "a list", dict: "a struct", type(None): "something unknown"}
    return kinds.get(type(value), "a number")


def text(value: object) -> str:
    """A char array's str, '' for an empty one. Raises ValueError for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray) and value.size == 0:
        return ""
    raise ValueError(f"{describe(value)} instead of text")


def records(value: object) -> list[dict[str, object]]:
    """The elements of a struct array; none for the empty matrix that MATLAB has instead of an empty struct.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, list) and all(isinstance(element, dict) for element in value):
        return value
    if isinstance(value, str | np.ndarray | list) and len(value) == 0:
        return []
    raise ValueError(f"{describe(value)} instead of a struct")


def get(record: dict[str, object], name: str) -> object:
    """The field's value; an empty array if the struct lacks the field."""
    return record.get(name, EMPTY)


def struct(rows: Sequence[dict[str, object]], names: Sequence[str]) -> np.ndarray:
    """A 1xN MATLAB struct array with the fields `names`, to write; a field that a row lacks is []."""
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for column, row in enumerate(rows):
        array[0, column] = tuple(row.get(name, EMPTY) for name in names)
    return array


def cell(values: Sequence[object]) -> np.ndarray:
    """An Nx1 MATLAB cell array, to write."""
    array = np.empty((len(values), 1), dtype=object)
    for row, value in enumerate(values):
        array[row, 0] = value
    return array
