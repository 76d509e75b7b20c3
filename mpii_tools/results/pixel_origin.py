"""Whether predictions count pixels from 1 although annotations, once read, count from 0, or the other way round.

A network's own bias grows with the person, as its output has a fixed resolution in the crop; a wrong origin is one
pixel for everybody. So the offset from the ground truth is extrapolated to a person of no size, which tells the two
apart: over three published sets of predictions for MPII's validation people it is -0.26 to 0.12 px as they are, 0.63 to
0.97 shifted by one pixel, -0.76 to -1.09 shifted the other way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpii_tools.people import People

# Where annotators agree on the point. Hips, shoulders, neck and head are placed by rules that differ between systems.
LIMBS = ("r_ankle", "r_knee", "l_knee", "l_ankle", "r_wrist", "r_elbow", "l_elbow", "l_wrist")
NEAR = 0.5  # head sizes: joints found, which alone tell of the origin
SLIP = 0.5  # px: half of a slip
WIDEST = 0.3  # px: half the width of a 95 % confidence interval that still tells 1 from 0


@dataclass(frozen=True)
class Offset:
    """How far predictions are right of and below the ground truth, extrapolated to a person of no size; image pixels.

    Attributes:
        pixels: mean over x and y.
        margin: half the width of its 95 % confidence interval over people.
        joints: how many it was measured on.
    """

    pixels: float
    margin: float
    joints: int

    @property
    def slipped(self) -> bool:
        """Whether it is nearer to one pixel than to none, and surely so."""
        return self.margin <= WIDEST and SLIP <= abs(self.pixels) <= 1 + SLIP


def measure_offset(joints: np.ndarray, people: People) -> Offset | None:
    """The constant part of the offset of (N, K, D) predictions from the ground truth, image pixels.

    Least squares of offset / head size = bias of the joint + pixels / head size, which weighs small people most; the
    margin takes a person's joints as one.

    Returns:
        None if fewer than 100 limb joints are near the ground truth.
    """
    limbs = [people.joint_names.index(name) for name in LIMBS if name in people.joint_names]
    offset = (joints[..., :2] - people.joints)[:, limbs]
    size = np.broadcast_to(people.head_size[:, None], offset.shape[:2])
    with np.errstate(invalid="ignore"):
        near = people.annotated[:, limbs] & (size > 0) & (np.linalg.norm(offset, axis=-1) < NEAR * size)
    person, joint = np.nonzero(near)
    if len(person) < 100:
        return None
    target, inverse = offset[near].mean(axis=1) / size[near], 1 / size[near]
    target, inverse = target - _mean_of(joint, target), inverse - _mean_of(joint, inverse)
    weight = inverse @ inverse
    pixels = (inverse @ target) / weight if weight > 0 else 0.0
    pull = np.bincount(person, inverse * (target - pixels * inverse))
    margin = 1.96 * np.sqrt(pull @ pull) / weight if weight > 0 else np.inf
    return Offset(float(pixels), float(margin), len(person))


def origin_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions that seem to have slipped by a pixel; None if they have not."""
    offset = measure_offset(joints, people)
    if offset is None or not offset.slipped:
        return None
    side, cure = ("right of and below", "subtract 1") if offset.pixels > 0 else ("left of and above", "add 1")
    return (
        f"the predictions are {abs(offset.pixels):.2f} px (+- {offset.margin:.2f}, 95 %; {offset.joints:,} joints) "
        f"{side} the ground truth, whatever the person's size, as if their pixels were counted from the wrong origin "
        f"(.npz files count from 0; .h5, .mat and .npy files from 1); if so, {cure} and evaluate again. "
        "The metrics are of the predictions as they are"
    )


def _mean_of(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Each value's group mean."""
    count = np.bincount(group)
    return (np.bincount(group, values) / np.maximum(count, 1))[group]
