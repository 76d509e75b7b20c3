"""What makes people unusable, whatever their images hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mpii_tools.annotations.units import wrong_units
from mpii_tools.people import People

FAR = 10.0  # crop sides; of 10,958 people of MPII and LSP none has a joint farther than 1 from the crop's center


def drop_unusable(people: People) -> tuple[People, dict[str, list[str]]]:
    """The people that can be trained on or, in the test split, predicted; the others by their first fault."""
    left, faults = np.ones(len(people), bool), {}
    for what, rows in find_faults(people).items():
        if (left & rows).any():
            faults[f"people left out: {what}"] = people.person_ids[left & rows].tolist()
        left &= ~rows
    return people.select(left), faults


def find_faults(people: People) -> dict[str, np.ndarray]:
    """What makes people unusable, whatever their images hold -> (N,) bool.

    Of the test split, which has no joints, every rect with a crop is kept: MPII scores them all.
    """
    test = people.split == "test"
    crop = np.isfinite(people.crop_center).all(axis=-1) & np.isfinite(people.crop_side) & (people.crop_side > 0)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        away = np.abs(people.joints - people.crop_center[:, None]).max(axis=-1) / people.crop_side[:, None]
        far = (away > FAR).any(axis=1)
    poses = people.joints.reshape(len(people), 2 * len(people.joint_names))
    same = np.concatenate([poses, people.center, people.scale[:, None]], axis=1)
    return {
        "their id appears twice": find_repeated(zip(people.split, people.person_ids.tolist(), strict=True)),
        "no usable center and scale (NaN, 0 or below)": ~crop,
        "no annotated joint": ~people.supervised.any(axis=-1) & ~test,
        f"a joint more than {FAR:.0f} crop sides away": far,
        **{what: rows & ~test for what, rows in wrong_units(people).items()},
        "the same person again": find_repeated(zip(people.images.tolist(), map(np.ndarray.tobytes, same), strict=True))
        & ~test,
    }


def find_repeated(keys: Iterable[object]) -> np.ndarray:
    """(N,) bool: which of N keys came before."""
    seen: set[object] = set()
    return np.array([key in seen or bool(seen.add(key)) for key in keys], dtype=bool)
