"""Human3.6M's people in any safe format: which one a file or folder has, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkpoints.errors import PoseError
from mpii_tools.annotations.human36m.integral import ENDING, is_posenet, is_rle, read_posenet, read_rle
from mpii_tools.annotations.human36m.mmpose import is_mmpose, is_mpi_inf, read_mmpose, read_mpi_inf
from mpii_tools.annotations.human36m.official import FOLDER, is_fetch, read_cdf, read_fetch
from mpii_tools.annotations.human36m.protocols import HUMAN36M
from mpii_tools.annotations.human36m.recording import Recording, join_recordings, make_reading
from mpii_tools.annotations.reading import Reading

SAFE = "mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's annot.h5 or the official .cdf"
PICKLED = {"positions_3d", "positions_2d"}  # arrays of VideoPose3D's .npz, which are pickled objects


@dataclass(frozen=True)
class Form:
    """A format.

    Attributes:
        name: in words.
        content: of its files, as `formats.content` names them.
        holds: whether a file holds it, of its path and names of arrays or JSON value.
        read: one file's people; of JSON files also from their value, if it is loaded. Raises PoseError for a file that
            is not as the format has it.
        patterns: of its files in a folder.
        inside: how the name of the folder that holds these files ends.
    """

    name: str
    content: str
    holds: Callable[[Path, Any], bool]
    read: Callable[..., Recording]
    patterns: tuple[str, ...] = ()
    inside: str = ""


FORMS = (
    Form("MPI-INF-3DHP as mmpose has it (.npz)", "npz", is_mpi_inf, read_mpi_inf),
    Form(f"{HUMAN36M} as mmpose has it (.npz)", "npz", is_mmpose, read_mmpose, ("h36m_*.npz",)),
    Form(f"{HUMAN36M} as RLE has it (JSON)", "json", is_rle, read_rle),
    Form(f"{HUMAN36M} as PoseNet has it (JSON)", "json", is_posenet, read_posenet,
         (f"*{ENDING}", f"annotations/*{ENDING}")),
    Form(f"{HUMAN36M} as h36m-fetch has it (.h5)", "hdf5", is_fetch, read_fetch, ("S*/*/annot.h5",)),
    Form(f"{HUMAN36M}'s own .cdf", "cdf", lambda path, stored: True, read_cdf,
         tuple(f"{place}[!_]*.cdf" for place in ("", *(f"{above}*{FOLDER}/" for above in ("", "*/", "*/*/")))), FOLDER),
)  # fmt: skip


def read_human36m(path: Path, content: str, stored: Any = None) -> Reading | None:
    """The people of a file in one of FORMS; None if it is in none.

    Args:
        content: what kind of file it is.
        stored: the names of an .npz' or HDF5 file's arrays, or a JSON file's value.

    Raises:
        PoseError: a file that is not as its format has it, or VideoPose3D's, which holds pickles.
    """
    if content == "npz" and PICKLED & set(stored):
        raise PoseError(
            f"{path}: VideoPose3D's .npz holds pickled objects, which could run code; give Human3.6M as {SAFE}"
        )
    form = next((form for form in FORMS if form.content == content and form.holds(path, stored)), None)
    if form is None:
        return None
    return make_reading(form.read(path, stored) if content == "json" else form.read(path), form.name)


def read_human36m_folder(folder: Path) -> Reading | None:
    """The people of a folder: mmpose's h36m_*.npz, PoseNet's files, h36m-fetch's S*/*/annot.h5 or the official .cdf.

    Returns:
        None if it is none of these.

    Raises:
        PoseError: a file that is not as its format has it.
    """
    for form in FORMS:
        paths = sorted(path for pattern in form.patterns for path in folder.glob(pattern))
        if paths := [path for path in paths if path.parent.name.endswith(form.inside)]:
            return make_reading(join_recordings([form.read(path) for path in paths]), form.name)
    return None
