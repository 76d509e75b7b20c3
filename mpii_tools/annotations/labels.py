"""Joints and their visibility as people write them in JSON: pairs or triples, flags as numbers, text or null."""

from __future__ import annotations

from typing import Any

import numpy as np

WORDS = {"": -1, "null": -1, "none": -1, "nan": -1, "true": 1, "visible": 1, "false": 0, "occluded": 0, "hidden": 0}


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
    return np.array([_flag(flag, name) for flag in value])


def _flag(flag: Any, name: str) -> float:
    if isinstance(flag, list) and flag and not isinstance(flag[0], list):
        flag = flag[0]
    if flag is None:
        return np.nan
    if isinstance(flag, str):
        word = flag.strip().lower()
        if word in WORDS:
            return np.nan if WORDS[word] < 0 else float(WORDS[word])
        try:
            return float(word)
        except ValueError:
            raise ValueError(f"'{name}' holds {flag[:20]!r}, no flag") from None
    if isinstance(flag, (bool, int, float)):
        return float(flag)
    raise ValueError(f"'{name}' holds no numbers, text or null")


def read_points(value: Any, joints: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(K, 2) coordinates and (K,) flags, None without any: rows x y or x y v, or the same one after the other.

    A null coordinate is NaN.

    Raises:
        ValueError: another shape, or what is no number.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"'{name}' is a list of other things, not numbers") from None
    if array.size not in (2 * joints, 3 * joints) or array.shape[:-1] not in ((), (joints,)):
        raise ValueError(f"'{name}' has numbers of shape {array.shape}, not ({joints}, 2 or 3)")
    array = array.reshape(joints, -1)
    return array[:, :2], array[:, 2] if array.shape[1] == 3 else None


def missing_points(points: np.ndarray) -> np.ndarray:
    """(..., K) bool: points at exactly 0, 0, where files put a joint that nobody labeled, or at -1, -1."""
    return (points == 0).all(axis=-1) | (points == -1).all(axis=-1)
