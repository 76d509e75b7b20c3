"""The arrays that every metric takes, checked once: predictions, ground truth and what is annotated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError


def check_poses(
    pred: ArrayLike, gt: ArrayLike, annotated: ArrayLike | None, joint_names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions, ground truth and annotation mask as matching arrays.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: (N, K, D) true joints, the same pixels; NaN where not annotated.
        annotated: (N, K) bool, or None: the joints where `gt` is finite.
        joint_names: K names.

    Returns:
        pred and gt as float64 (N, K, D), annotated as bool (N, K).

    Raises:
        PoseError: shapes that do not match; an annotated joint without a finite true or predicted position.
    """
    pred, gt = np.asarray(pred, dtype=np.float64), np.asarray(gt, dtype=np.float64)
    if pred.ndim != 3 or pred.shape != gt.shape:
        raise PoseError(
            f"predictions have shape {pred.shape} and ground truth {gt.shape}; "
            "give both as (people, joints, dimensions), of the same people, joints and dimensions"
        )
    if pred.shape[1] != len(joint_names):
        raise PoseError(f"poses have {pred.shape[1]} joints but {len(joint_names)} are named; name each joint")
    annotated = np.isfinite(gt).all(axis=-1) if annotated is None else np.asarray(annotated, dtype=bool)
    if annotated.shape != gt.shape[:2]:
        raise PoseError(f"the annotation mask has shape {annotated.shape}, expected {gt.shape[:2]}: one bool a joint")
    for what, joints in (("ground truth", gt), ("prediction", pred)):
        bad = np.argwhere(annotated & ~np.isfinite(joints).all(axis=-1))
        if len(bad):
            person, joint = bad[0]
            raise PoseError(
                f"{what}: row {person}, joint '{joint_names[joint]}' is annotated but has no finite position "
                f"({len(bad)} such joints); give a position or mark it as not annotated"
            )
    return pred, gt, annotated


def check_per_person(values: ArrayLike, people: int, name: str) -> np.ndarray:
    """One float64 per person, (N,). Raises PoseError for another shape, naming the argument."""
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (people,):
        raise PoseError(f"{name} has shape {values.shape}, expected ({people},): one value a person")
    return values


def has_size(sizes: np.ndarray) -> np.ndarray:
    """Which sizes (head size, scale) are known and usable: finite and positive."""
    return np.isfinite(sizes) & (sizes > 0)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator as float64 (broadcast); NaN, without a warning, where nothing was counted."""
    numerator, denominator = np.broadcast_arrays(np.float64(numerator), np.float64(denominator))
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)
