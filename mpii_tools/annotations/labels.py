"""Joints and their visibility as people write them in JSON: pairs or triples, flags as numbers, text or null."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from checkpoints.errors import PoseError

UNTOLD, SEEN, HIDDEN = ("", "null", "none", "nan"), ("true", "visible"), ("false", "occluded", "hidden")
WORDS = {**dict.fromkeys(UNTOLD), **dict.fromkeys(SEEN, 1), **dict.fromkeys(HIDDEN, 0)}


def read_entries(
    path: str | os.PathLike, entries: list, read: Callable[[dict], tuple], program: str, give: str
) -> tuple[list[tuple], list[str]]:
    """What `read` makes of each entry of a JSON list, column by column; and what is wrong with the others.

    Args:
        path: of the file, for messages, which say that it is not as `program` has it, and what to `give`.

    Raises:
        PoseError: not one entry that can be read; the message has the first fault.
    """
    rows, malformed = [], []
    for place, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise TypeError(f"expected an object, found {describe(entry)}")
            rows.append(read(entry))
        except (TypeError, ValueError, LookupError, OverflowError, AttributeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else error
            malformed.append(f"{name_entry(place, entry)}: {reason}")
    if not rows:
        first = f", first {malformed[0]}" if malformed else ""
        raise PoseError(f"{path}: not one of its {len(entries):,} entries is as {program} has it{first}; give {give}")
    return list(zip(*rows, strict=True)), malformed


def name_entry(place: int, entry: Any) -> str:
    """What messages call an entry: its id, or its place in the list."""
    return str(entry["id"])[:40] if isinstance(entry, dict) and "id" in entry else f"entry {place}"


def read_numbers(value: Any, shape: tuple[int, ...] | None, name: str) -> np.ndarray:
    """JSON numbers, or text of them, as float64 of `shape`, or of any for None; NaN for null.

    Raises:
        ValueError: anything else.
    """
    if value is None and shape is not None:
        return np.full(shape, np.nan)
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{name}' is {describe(value)}, not {'a number' if shape == () else 'numbers'}") from None
    if shape is not None and array.shape != shape:
        raise ValueError(f"'{name}' has numbers of shape {array.shape}, not {shape}")
    return array


def describe(value: Any) -> str:
    """A JSON value's kind, in JSON's words."""
    kinds = {dict: "an object", list: "a list of other things", str: "text", type(None): "null"}
    empty = "an empty list" if value == [] else "an empty object" if value == {} else None
    return empty or kinds.get(type(value), "a number")


def read_flags(value: Any, joints: int, name: str) -> np.ndarray:
    """(K,) float64 flags of K joints; NaN where it is null, or text that tells nothing.

    Numbers 0, 1, 2, text of them or of `WORDS`, true and false; null for all; (K, 1) or (K, D) rows, of which the first
    number counts, as in code that repeats a weight per coordinate.

    Raises:
        ValueError: another shape, or a flag that is none of these.
    """
    if value is None:
        return np.full(joints, np.nan)
    if not isinstance(value, list) or len(value) != joints:
        raise ValueError(f"'{name}' is no list of {joints} flags")
    flags = [flag[0] if isinstance(flag, list) and flag else flag for flag in value]
    flags = [WORDS.get(flag.strip().lower(), flag) if isinstance(flag, str) else flag for flag in flags]
    try:
        return np.array([np.nan if flag is None else float(flag) for flag in flags])
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{name}' holds no flags ({str(error)[:60]})") from None


def read_points(value: Any, joints: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(K, 2) coordinates and (K,) flags, None without any: rows x y or x y v, or the same one after the other.

    A null coordinate is NaN.

    Raises:
        ValueError: another shape, or what is no number.
    """
    array = read_numbers(value, None, name)
    if array.size not in (2 * joints, 3 * joints) or array.shape[:-1] not in ((), (joints,)):
        raise ValueError(f"'{name}' has numbers of shape {array.shape}, not ({joints}, 2 or 3)")
    array = array.reshape(joints, -1)
    return array[:, :2], array[:, 2] if array.shape[1] == 3 else None


def missing_points(points: np.ndarray) -> np.ndarray:
    """(..., K) bool: points at exactly 0, 0, where files put a joint that nobody labeled, or at -1, -1."""
    return (points == 0).all(axis=-1) | (points == -1).all(axis=-1)
