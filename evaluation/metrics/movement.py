"""What a stage does to the pose before it: how far it moves each joint, and whether towards the truth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import percentile_interval, resample
from evaluation.metrics.evaluate import Tree
from evaluation.metrics.inputs import check_poses, ratio
from heads.skeleton import MPII, Skeleton

FIGURES = ("moved", "closer", "before", "after", "change")


def movement(
    before: ArrayLike,
    after: ArrayLike,
    gt: ArrayLike,
    annotated: ArrayLike | None = None,
    *,
    skeleton: Skeleton = MPII,
) -> Tree:
    """How the poses `before` became the poses `after`, over annotated joints.

    Args:
        before, after: (N, K, D) predicted joints, image pixels.
        gt: (N, K, D) true joints; NaN where not annotated.
        annotated: (N, K) bool; None takes the joints where `gt` is finite.
        skeleton: names of the K joints.

    Returns:
        {"all": F, "per_joint": {joint: F}} with F = {"joints", "moved", "closer", "before", "after", "change",
        "interval"}: mean length of the movement in pixels, percentage of the joints that ended nearer to the truth,
        mean error before and after in pixels and its change. "interval" repeats the five as [low, high].

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    before, gt, annotated = check_poses(before, gt, annotated, skeleton.names)
    after, _, _ = check_poses(after, gt, annotated, skeleton.names)

    def lengths(offset: np.ndarray) -> np.ndarray:
        return np.where(annotated, np.linalg.norm(offset, axis=-1), 0)

    first, last = lengths(before - gt), lengths(after - gt)
    terms = {
        "joints": annotated,
        "moved": lengths(after - before),
        "closer": 100.0 * (last < first),
        "before": first,
        "after": last,
        "change": last - first,
    }
    # The last column holds all joints together.
    terms = {name: np.column_stack([term, term.sum(axis=1)]).astype(np.float64) for name, term in terms.items()}
    draws, joints = resample(terms), terms["joints"].sum(axis=0)
    means = {name: ratio(terms[name].sum(axis=0), joints) for name in FIGURES}
    bounds = {name: percentile_interval(ratio(draws[name], draws["joints"])) for name in FIGURES}

    def figures(column: int) -> Tree:
        return {
            "joints": int(joints[column]),
            **{name: _number(values[column]) for name, values in means.items()},
            "interval": {name: [_number(bound[column]) for bound in pair] for name, pair in bounds.items()},
        }

    per_joint = {name: figures(column) for column, name in enumerate(skeleton.names)}
    return {"all": figures(-1), "per_joint": per_joint}


def _number(value: np.ndarray) -> float | None:
    return float(value) if math.isfinite(value) else None
