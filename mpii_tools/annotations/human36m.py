"""Human3.6M's people in any safe form, and the choice of those whom a protocol trains and tests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.reading import Reading, merge
from mpii_tools.human36m.crops import crop_around_pelvis
from mpii_tools.human36m.fetch_h5 import NAME as FETCH
from mpii_tools.human36m.fetch_h5 import read_fetch_h5
from mpii_tools.human36m.mmpose_npz import is_mpi_inf, read_mmpose_npz, read_mpi_inf_npz
from mpii_tools.human36m.official_cdf import find_official, read_official_cdf
from mpii_tools.human36m.posenet_json import ENDING, read_posenet_json
from mpii_tools.human36m.protocols import (
    EVERY,
    describe_protocol,
    every_frame,
    is_damaged,
    protocol_of,
    split_of,
)
from mpii_tools.human36m.recording import Recording, join_recordings, to_people
from mpii_tools.human36m.rle_json import read_rle_json

HUMAN36M = "Human3.6M"  # what the formats of its readings begin with
SAFE = "mmpose's .npz, PoseNet's or RLE's JSON, h36m-fetch's annot.h5 or the official .cdf"
PICKLED = {"positions_3d", "positions_2d"}  # arrays of VideoPose3D's .npz, which are pickled objects
CROPPED = {
    "box": "crops around the box of the joints, 1.2 x 1.25 of its longer side",
    "pelvis": "crops of 2000 x 2000 mm around the pelvis, at its ground-truth depth",
}
DAMAGED = "people of damaged sequences (S9 Greeting 2, SittingDown 2, Waiting 1; S11 Directions 2 of 54138969)"


def refuse_pickled(path: Path, names: Sequence[str]) -> None:
    """Nothing, for arrays that are no pickles. Raises PoseError for VideoPose3D's, told by their `names`."""
    if PICKLED & set(names):
        raise PoseError(
            f"{path}: VideoPose3D's .npz holds pickled objects, which could run code; give Human3.6M as {SAFE}"
        )


def read_mmpose(path: Path) -> Reading:
    """mmpose's .npz of Human3.6M or MPI-INF-3DHP. Raises PoseError as their readers."""
    if is_mpi_inf(path):
        return _reading([path], read_mpi_inf_npz, "MPI-INF-3DHP as mmpose has it (.npz)")
    return _reading([path], read_mmpose_npz, f"{HUMAN36M} as mmpose has it (.npz)")


def read_posenet(path: Path, stored: object = None) -> Reading:
    """PoseNet's `_data.json` of one subject. Raises PoseError as its reader."""
    return _reading([path], lambda path: read_posenet_json(path, stored), f"{HUMAN36M} as PoseNet has it (JSON)")


def read_rle(path: Path, stored: object = None) -> Reading:
    """RLE's JSON. Raises PoseError as its reader."""
    return _reading([path], lambda path: read_rle_json(path, stored), f"{HUMAN36M} as RLE has it (JSON)")


def read_fetch(path: Path) -> Reading:
    """One annot.h5 of h36m-fetch. Raises PoseError as its reader."""
    return _reading([path], read_fetch_h5, f"{HUMAN36M} as h36m-fetch has it (.h5)")


def read_official(path: Path) -> Reading:
    """One .cdf of Human3.6M. Raises PoseError as its reader."""
    return _reading([path], read_official_cdf, f"{HUMAN36M}'s own .cdf")


def read_human36m_folder(folder: Path) -> Reading | None:
    """The people of a folder: mmpose's h36m_*.npz, PoseNet's files, h36m-fetch's S*/*/annot.h5 or the official .cdf.

    Returns:
        None if it is none of these.

    Raises:
        PoseError: a file that is not as its form has it.
    """
    if mmpose := sorted(folder.glob("h36m_*.npz")):
        return _reading(mmpose, read_mmpose_npz, f"{HUMAN36M} as mmpose has it (.npz)")
    posenet = [path for place in (folder, folder / "annotations") for path in sorted(place.glob(f"*{ENDING}"))]
    if posenet:
        return _reading(posenet, read_posenet_json, f"{HUMAN36M} as PoseNet has it (JSON)")
    fetched = sorted(folder.glob(f"S*/*/{FETCH}"))
    if fetched:
        return _reading(fetched, read_fetch_h5, f"{HUMAN36M} as h36m-fetch has it (.h5)")
    official = find_official(folder)
    return _reading(official, read_official_cdf, f"{HUMAN36M}'s own .cdf") if official else None


def _reading(paths: Sequence[Path], read: Callable[[Path], Recording], form: str) -> Reading:
    people, depth, faults, notes = to_people(join_recordings([read(path) for path in paths]))
    return Reading(people, form, faults, notes, depth)


def choose(
    reading: Reading, protocol: int | None = None, every: Sequence[int] = (), leave_out_damaged: bool = False
) -> Reading:
    """The people of Human3.6M whom a protocol trains and tests on; other datasets' as they are.

    Depths of validation people then name the protocol: the given one, or the one that the splits as they are follow.

    Args:
        protocol: 1 or 2, which decides everybody's split and leaves out whom it has not; None: the splits as they are.
        every: which frames of a video: one number, or two, of training and of other people; none: EVERY.
        leave_out_damaged: the sequences of `is_damaged`; the paper names none that it left out.

    Raises:
        PoseError: nobody is left.
    """
    if not reading.format.startswith(HUMAN36M):
        return reading
    people, depth = reading.people, reading.depth
    if protocol is not None:
        people = replace(people, split=split_of(depth.subject.tolist(), protocol))
    followed = protocol or protocol_of(depth.subject.tolist(), people.split)
    train, others = (*every, *every)[:2] if every else (EVERY["train"], EVERY["valid"])
    chosen = every_frame(people.images, depth.frame, np.where(people.split == "train", train, others))
    chosen &= (people.split != "") | (protocol is None)
    damaged = chosen & is_damaged(depth.sequence, people.images)
    notes = {f"{DAMAGED}, {'left out' if leave_out_damaged else 'kept'}": people.person_ids[damaged].tolist()}
    if leave_out_damaged:
        chosen &= ~damaged
    if not chosen.any():
        held = ", ".join(np.unique(depth.subject).tolist())
        raise PoseError(f"{reading.format} of {held}: nobody is left of them; give other annotations or another choice")
    words = describe_protocol(followed, others, leave_out_damaged) if followed else ""
    depth = replace(depth, protocol=np.where(people.split == "valid", words, ""))
    return replace(reading, people=people.select(chosen), depth=depth.select(chosen), notes=merge(reading.notes, notes))


def with_crop(reading: Reading, crop: str | None = None) -> Reading:
    """The reading with crops around the `pelvis` instead of the `box` of the joints, noted; None: as it is.

    Raises:
        PoseError: people in two dimensions, or as `crop_around_pelvis`.
    """
    if crop is None or reading.depth is None:
        if crop == "pelvis":
            raise PoseError(f"--crop pelvis: {reading.format} has no depth; take --crop box")
        return reading
    people = reading.people
    if crop == "pelvis":
        people = crop_around_pelvis(people, reading.depth)
    return replace(reading, people=people, notes=merge(reading.notes, {CROPPED[crop]: people.person_ids.tolist()}))


def has_human36m(readings: Sequence[Reading]) -> bool:
    """Whether any of the readings is of Human3.6M."""
    return any(reading.format.startswith(HUMAN36M) for reading in readings)
