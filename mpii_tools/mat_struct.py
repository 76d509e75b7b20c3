"""MATLAB's nested structs and cells as scipy hands them over, and plain arrays made of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
import scipy.io

from heads.errors import BadInput
from mpii_tools.files import atomic_path, require_file

HEADER = b"MATLAB 5.0 MAT-file, Platform: any, Created by: compositional-pose".ljust(116)


def load_mat(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """All variables of a MATLAB 5 file. Raises BadInput for anything else, a torn file included."""
    path = require_file(path)
    try:
        return {name: value for name, value in scipy.io.loadmat(path).items() if isinstance(value, np.ndarray)}
    except NotImplementedError:
        raise BadInput(f"{path}: MATLAB 7.3 (HDF5) form; save it in MATLAB with '-v7' and pass that file") from None
    except Exception as error:  # scipy raises whatever its parser trips over
        raise BadInput(
            f"{path}: not a whole MATLAB .mat file ({type(error).__name__}: {error}); copy it again"
        ) from error


def save_mat(path: str | os.PathLike, variables: dict[str, object]) -> None:
    """Writes a MATLAB 5 file, compressed, whole or not at all: the same bytes for the same variables.

    Raises:
        BadInput: where it cannot be written.
    """
    with atomic_path(path) as part:
        scipy.io.savemat(part, variables, do_compression=True)
        with part.open("r+b") as file:
            file.write(HEADER)  # scipy's holds the date


def number(value: object) -> float:
    """The number in a 1x1 matrix of any type, also a digit kept as a char; NaN for an empty one."""
    flat = np.asarray(value).ravel()
    return float(flat[0]) if flat.size and flat[0] != "" else np.nan


def numbers(values: Iterable[object]) -> np.ndarray:
    """`number` of each, as float64. Cast before arithmetic: MPII's uint8 differences would overflow."""
    return np.array([number(value) for value in values], dtype=np.float64)


def text(value: object) -> str:
    """The char array as a str; '' for an empty one."""
    flat = np.asarray(value).ravel()
    return str(flat[0]) if flat.size else ""


def records(value: object) -> list[np.void]:
    """The elements of a struct array; none for the empty matrix that MATLAB has in place of an empty struct."""
    array = np.asarray(value)
    return list(array.ravel()) if array.dtype.names else []


def get(record: np.void, name: str) -> object:
    """The field's value; an empty array where the struct lacks the field."""
    return record[name] if name in record.dtype.names else EMPTY


def struct(rows: Sequence[dict[str, object]], names: Sequence[str]) -> np.ndarray:
    """A 1xN MATLAB struct array with the fields `names`; a field that a row lacks is []."""
    array = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for column, row in enumerate(rows):
        array[0, column] = tuple(row.get(name, EMPTY) for name in names)
    return array


def cell(values: Sequence[object]) -> np.ndarray:
    """An Nx1 MATLAB cell array."""
    array = np.empty((len(values), 1), dtype=object)
    for row, value in enumerate(values):
        array[row, 0] = value
    return array


EMPTY = np.zeros((0, 0))
