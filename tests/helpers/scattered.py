"""A few people with scattered joints, some of them not annotated, and poses about the true ones."""

import numpy as np

from evaluation.metrics.inputs import GroundTruth
from heads.skeleton import MPII

PEOPLE, JOINTS = 11, 16


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
