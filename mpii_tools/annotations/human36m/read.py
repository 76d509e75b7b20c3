"""Human3.6M's people in any safe format: which one a file or folder has, and what it holds."""

from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.integral import ENDING, OF_IMAGE, read_posenet, read_rle
from mpii_tools.annotations.human36m.mmpose import KEYS, read_mmpose
from mpii_tools.annotations.human36m.official import FOLDER, NUMBERS, read_cdf, read_fetch
from mpii_tools.annotations.reading import Reading, join_readings
from mpii_tools.formats.content import load_json

SAFE = "mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's annot.h5 or the official .cdf"
PICKLED = {"positions_3d", "positions_2d"}  # arrays of VideoPose3D's .npz, which are pickled objects
LEVELS = 4  # folders that the official files may be inside

# What kind of file it is, arrays or fields that it has, who reads it, and the names of such files in a folder.
FORMS = (
    ("npz", {*KEYS}, read_mmpose, ("h36m_*.npz",)),
    ("json", {"keypoints_world"}, read_rle, ()),
    ("json", {*OF_IMAGE}, read_posenet, (f"*{ENDING}", f"annotations/*{ENDING}")),
    ("hdf5", {*NUMBERS} - {"subaction"}, read_fetch, ("S*/*/annot.h5",)),
    ("cdf", set(), read_cdf, tuple(f"{'*/' * level}[!_]*.cdf" for level in range(LEVELS))),
)


def read_human36m(path: Path, content: str, stored: Any = ()) -> Reading | None:
    """The people of a file in one of FORMS; None if it is in none.

    Args:
        content: what kind of file it is.
        stored: the names of an .npz' or HDF5 file's arrays, or a JSON file's value.

    Raises:
        PoseError: a file that is not as its format has it, or VideoPose3D's, which holds pickles.
    """
    names = _field_names(stored) if content == "json" else set(stored)
    if content == "npz" and PICKLED & names:
        raise PoseError(
            f"{path}: VideoPose3D's .npz holds pickled objects, which could run code; give Human3.6M as {SAFE}"
        )
    read = next((read for kind, fields, read, _ in FORMS if kind == content and fields <= names), None)
    if read is None:
        return None
    return read(path, stored) if content == "json" else read(path)


def read_human36m_folder(folder: Path) -> Reading | None:
    """The people of a folder: mmpose's h36m_*.npz, PoseNet's files, h36m-fetch's S*/*/annot.h5 or the official .cdf.

    Returns:
        None if it is none of these.

    Raises:
        PoseError: a file that is not as its format has it.
    """
    for kind, _, read, patterns in FORMS:
        paths = sorted(path for pattern in patterns for path in folder.glob(pattern))
        paths = [path for path in paths if kind != "cdf" or path.parent.name.endswith(FOLDER)]
        if paths:
            readings = [read(path, load_json(path)) if kind == "json" else read(path) for path in paths]
            return join_readings(readings, renumber=True)
    return None


def _field_names(stored: Any) -> set[str]:
    """What the first image and the first ten annotations of a JSON file's value have."""
    lists = [stored.get(key) for key in ("images", "annotations")] if isinstance(stored, dict) else []
    entries = [entry for entries, count in zip(lists, (1, 10), strict=False) if isinstance(entries, list)
               for entry in entries[:count] if isinstance(entry, dict)]  # fmt: skip
    return set().union(*entries)
