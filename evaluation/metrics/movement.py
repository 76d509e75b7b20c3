"""What a stage does to the previous pose: how far it moves each joint, and whether towards the ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Estimate, estimates, totals
from evaluation.metrics.ground_truth import GroundTruth, ratio


@dataclass(frozen=True)
class JointMovement:
    """How a joint moved, over the people who have it annotated; or how all joints did.

    Attributes:
        joints: annotated joints.
        moved: mean length of the movement, in the pixels of the poses.
        closer: percentage of the joints that ended nearer to the ground truth.
        before, after: mean error in pixels before and after.
        change: mean of the error after minus the error before.
    """

    joints: int
    moved: Estimate
    closer: Estimate
    before: Estimate
    after: Estimate
    change: Estimate


@dataclass(frozen=True)
class Movement:
    """How poses moved: `all` joints together, and `per_joint` by the joint's name."""

    all: JointMovement
    per_joint: dict[str, JointMovement]


def movement(before: ArrayLike, after: ArrayLike, gt: GroundTruth) -> Movement:
    """How the poses `before` became the poses `after`, over annotated joints, with confidence intervals over people.

    Args:
        before, after: (N, K, D) predicted joints, image pixels.
        gt: of the same people.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    before, after = gt.check(before), gt.check(after)
    offsets = (after - before, before - gt.joints, after - gt.joints)
    moved, first, last = (np.where(gt.annotated, np.linalg.norm(offset, axis=-1), 0) for offset in offsets)
    terms = {"joints": gt.annotated, "moved": moved, "closer": 100.0 * (last < first)}
    terms |= {"before": first, "after": last, "change": last - first}
    # The last column holds all joints together.
    terms = {name: np.column_stack([term, term.sum(axis=1)]).astype(np.float64) for name, term in terms.items()}
    sums = totals(terms, DEFAULT_BOOTSTRAP)
    joints = sums.pop("joints")
    columns = (joints[0].astype(int).tolist(), *(estimates(ratio(each, joints)) for each in sums.values()))
    *parts, everything = map(JointMovement, *columns)
    return Movement(everything, dict(zip(gt.skeleton.names, parts, strict=True)))
