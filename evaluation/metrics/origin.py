"""Whether predictions count pixels from the wrong origin.

Whether predictions count pixels from 1 although annotations, once read, count from 0, or the other way round: a
network's own bias grows with the person, as its output has a fixed resolution in the crop; a wrong origin is one
pixel for everybody. So the offset from the ground truth is extrapolated to a person of no size, which tells the two
apart: over three published sets of predictions for MPII's validation people it is -0.26 to 0.12 px as they are, 0.63 to
0.97 shifted by one pixel, -0.76 to -1.09 shifted the other way.
"""

import numpy as np

from evaluation.metrics.ground_truth import GroundTruth

# Where annotators agree on the point. Hips, shoulders, neck and head are placed by rules that differ between systems.
LIMBS = ("r_ankle", "r_knee", "l_knee", "l_ankle", "r_wrist", "r_elbow", "l_elbow", "l_wrist")
NEAR = 0.5  # head sizes: joints found, which alone tell of the origin
SLIP = 0.5  # px: half of a slip
WIDEST = 0.3  # px: half the width of a 95 % confidence interval that still tells 1 from 0


def measure_offset(joints: np.ndarray, gt: GroundTruth) -> tuple[float, float, int] | None:
    """How far predictions (N, K, D) are right of and below the ground truth, extrapolated to a person of no size.

    Least squares of offset / head size = bias of the joint + pixels / head size, which weighs small people most; the
    margin takes a person's joints as one.

    Returns:
        image pixels, the mean over x and y; half the width of their 95 % confidence interval over people; the number of
        limb joints near the ground truth, on which they are measured. None if these are fewer than 100.
    """
    limbs = [gt.skeleton.index(name) for name in LIMBS if name in gt.skeleton.names]
    offset = (joints[..., :2] - np.where(gt.annotated[..., None], gt.joints, np.nan))[:, limbs]
    size = np.broadcast_to(gt.head_size[:, None], offset.shape[:2])
    with np.errstate(invalid="ignore"):
        near = (size > 0) & (np.linalg.norm(offset, axis=-1) < NEAR * size)
    person, joint = np.nonzero(near)
    if len(person) < 100:
        return None
    joint_mean = np.maximum(np.bincount(joint), 1)
    target, inverse = (
        values - (np.bincount(joint, values) / joint_mean)[joint]  # minus its joint's mean
        for values in (offset[near].mean(axis=1) / size[near], 1 / size[near])
    )
    if not (weight := inverse @ inverse):
        return None
    pixels = (inverse @ target) / weight
    pull = np.bincount(person, inverse * (target - pixels * inverse))
    return float(pixels), float(1.96 * np.sqrt(pull @ pull) / weight), len(person)


def origin_warning(joints: np.ndarray, gt: GroundTruth) -> str | None:
    """A warning about predictions that seem to have slipped by a pixel; None if they have not."""
    pixels, margin, count = measure_offset(joints, gt) or (0.0, np.inf, 0)
    if margin > WIDEST or not SLIP <= abs(pixels) <= 1 + SLIP:  # nearer to one pixel than to none, and surely so
        return None
    side, cure = ("right of and below", "subtract 1") if pixels > 0 else ("left of and above", "add 1")
    return (
        f"the predictions are {abs(pixels):.2f} px (+- {margin:.2f}, 95 %; {count:,} joints) {side} the ground truth, "
        "whatever the person's size, as if their pixels were counted from the wrong origin (.npz files count from 0; "
        f".h5, .mat and .npy from 1); if so, {cure} and evaluate again. The metrics are of the predictions as they are"
    )
