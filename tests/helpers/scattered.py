"""A few people with scattered joints, some of them not annotated, and poses about the true ones."""

import numpy as np

from evaluation.metrics.ground_truth import GroundTruth
from heads.skeleton import MPII

PEOPLE, JOINTS = 11, 16

GROUPS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")


def scattered_people():
    """Ground truth of `PEOPLE` people; the fifth has no joint."""
    rng = np.random.default_rng(0)
    annotated = rng.random((PEOPLE, JOINTS)) > 0.3
    annotated[4] = False
    joints = np.where(annotated[..., None], rng.normal(100, 30, (PEOPLE, JOINTS, 2)), np.nan)
    return GroundTruth(joints, np.full(PEOPLE, 20.0), np.full(PEOPLE, 1.0), annotated, MPII)


def poses_near(gt, seed):
    """Poses about the true ones; where there is nothing to predict, anything."""
    return np.nan_to_num(gt.joints) + np.random.default_rng(seed).normal(3, 8, gt.joints.shape)


def noisy_people(count=30, dimensions=2, missing=0.2, std=None, seed=0):
    """Predictions `std` away from the true joints in each coordinate, and ground truth with gaps.

    In 2D in pixels, of people of many sizes; in 3D in mm, of 2 subjects, 3 actions and 2 sequences of each.
    """
    rng = np.random.default_rng(seed)
    joints = rng.uniform(0, 400, (count, 16, 2)) if dimensions == 2 else rng.normal(0, 300, (count, 16, 3))
    pred = joints + rng.normal(0, std or (15, 50)[dimensions - 2], joints.shape)
    joints[rng.random((count, 16)) < missing] = np.nan
    if dimensions == 2:
        scale = rng.uniform(0.7, 3, count)
        return pred, GroundTruth(joints, 25 * scale, scale)
    named = {"subject": ["S9", "S11"], "action": ["Eating", "Sitting", "Walking"], "sequence": ["1", "2"]}
    return pred, GroundTruth(joints, **{name: rng.choice(choices, count) for name, choices in named.items()})
