"""`valid_images.txt`: the validation images of a dataset, beside its annotations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import read_text, write_text
from mpii_tools.annotations.reading import Findings
from mpii_tools.formats.lines import split_line
from mpii_tools.images.index import SUFFIXES, ImageIndex

NAME = "valid_images.txt"
UNKNOWN = f"names in {NAME} that no image has"
SEVERAL = f"names in {NAME} that several images have: all of them validate"
NOBODY = f"{UNKNOWN}: not one is of an image here"


def read_valid_list(folder: Path) -> list[str] | None:
    """The names that `folder/valid_images.txt` lists, in order; None if there is no such file.

    Names stand on lines of their own or between tabs, commas or spaces, quoted or not; a name of several words is one
    if it is quoted or alone on its line. Of a table's other columns nothing is taken.

    Raises:
        PoseError: not a text file.
    """
    if not (path := folder / NAME).is_file():
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


def find_listed(images: np.ndarray, listed: Sequence[str]) -> tuple[np.ndarray, Findings, Findings]:
    """The images that a list names.

    A name and an image's are the same if they are equal or one is the other's end (`ImageIndex.overlapping`).

    Returns:
        (N,) bool; faults, of a list that names no image here; notes, of names that no image has, or several.
    """
    index = ImageIndex(tuple(dict.fromkeys(images.tolist())))
    meant = {name: index.overlapping(name) for name in listed}
    named = set().union(*meant.values())
    unknown = [name for name in listed if not meant[name]]
    notes = {UNKNOWN: unknown, SEVERAL: [f"{name} ({', '.join(paths)})" for name, paths in meant.items() if paths[1:]]}
    mask = np.array([image in named for image in images.tolist()], dtype=bool)
    return mask, *(({NOBODY: unknown}, {}) if listed and not named else ({}, notes))


def name_rows(folder: Path, rows: int) -> tuple[list[str], dict[str, list[str]]]:
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
