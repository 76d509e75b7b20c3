"""`valid_images.txt`: the validation images of a dataset, beside its annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import read_text, write_text
from mpii_tools.formats.lines import split_line
from mpii_tools.images.sources import SUFFIXES

NAME = "valid_images.txt"
UNKNOWN = f"names in {NAME} that no image has"
NOBODY = f"{UNKNOWN}: not one is of an image here"


def read_valid_list(folder: Path) -> list[str] | None:
    """The names that `folder/valid_images.txt` lists, in order; None if there is no such file.

    Names stand on lines of their own or between tabs, commas or spaces, quoted or not; a name of several words is one
    if it is quoted or alone on its line. Of a table's other columns nothing is taken.

    Raises:
        PoseError: not a text file.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeError) as error:
        raise PoseError(f"{path}: not a text file with an image name per line ({error}); write or remove it") from error
    return [name for line in lines if line.strip() for name in _names(line)]


def _names(line: str) -> list[str]:
    fields = split_line(line)
    images = [field for field in fields if field.lower().endswith(SUFFIXES)]
    if not any(mark in line for mark in "\t,\"'") and len(images) < len(fields):
        return [line.strip()]  # one name with spaces in it, or without an ending
    return images or fields[:1]


def find_listed(images: np.ndarray, listed: list[str]) -> tuple[np.ndarray, list[str]]:
    """(N,) bool: the images that a list names, and the names that are of none.

    A name and an image's are the same if they are equal or one is the other's end, folders before it aside.
    """
    by_end: dict[str, list[str]] = {}
    for name in listed:
        plain = _plain(name)
        by_end.setdefault(plain.rpartition("/")[2], []).append(plain)
    found, met = {}, set()
    for image in set(images.tolist()):
        plain = _plain(image)
        same = [name for name in by_end.get(plain.rpartition("/")[2], []) if _is_end(name, plain)]
        found[image] = bool(same)
        met.update(same)
    unknown = [name for name in listed if _plain(name) not in met]
    return np.array([found[image] for image in images.tolist()], dtype=bool), unknown


def _plain(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _is_end(one: str, other: str) -> bool:
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def findings_of(listed: list[str], unknown: list[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Faults and notes about the names of a list that are of no image: a note for some, a fault for all of them."""
    if listed and len(unknown) == len(listed):
        return {NOBODY: unknown}, {}
    return {}, {UNKNOWN: unknown}


def names_by_row(folder: Path, rows: int) -> tuple[list[str], dict[str, list[str]]]:
    """Image names for a file without any: those of `valid_images.txt` if it has one per row, else row1, row2, ...

    Returns:
        The names, and a note that tells of a list of another length.
    """
    listed = read_valid_list(folder)
    if listed is not None and len(listed) == rows:
        return listed, {}
    counted = [f"row{row + 1}" for row in range(rows)]
    return counted, {f"names in {NAME}, not used: {len(listed):,} for {rows:,} rows": listed} if listed else {}


def write_valid_list(folder: Path, images: list[str]) -> None:
    """Writes `folder/valid_images.txt`, replacing an older one. Raises PoseError if it cannot be written."""
    names = (f'"{image}"' if _names(image) != [image] else image for image in images)
    write_text(folder / NAME, "".join(f"{name}\n" for name in names))
