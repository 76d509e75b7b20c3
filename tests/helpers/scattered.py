"""People with scattered joints, some of them not annotated, and poses about the true ones."""

import numpy as np

from evaluation.metrics.ground_truth import GroundTruth

GROUPS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")


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
