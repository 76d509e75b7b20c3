"""`valid_images.txt`: the validation images of a dataset, one file name per line, beside its annotations."""

from __future__ import annotations

from pathlib import Path

from checkpoints.errors import PoseError
from checkpoints.files import write_text

NAME = "valid_images.txt"


def read_valid_list(folder: Path) -> list[str] | None:
    """The names that `folder/valid_images.txt` lists, in order; None if there is no such file."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PoseError(f"{path}: not a text file with an image name per line ({error}); write or remove it") from error
    return [line.strip() for line in lines if line.strip()]


def write_valid_list(folder: Path, images: list[str]) -> None:
    """Writes `folder/valid_images.txt`, replacing an older one. Raises PoseError if it cannot be written."""
    write_text(folder / NAME, "".join(f"{image}\n" for image in images))
