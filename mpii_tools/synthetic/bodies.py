"""Bodies of synthetic people: the lengths of their bones, and where their joints are in a pose."""

from __future__ import annotations

import numpy as np

from heads.skeleton import MPII
from mpii_tools.synthetic.pose_prior import VECTORS, joints_from_vectors
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d

SIZE_STD = 0.05  # of a body's size, as a share of the common person's: 9 cm of height
BONE_STD = 0.035  # of a bone's length beyond its body's size
KINDS = [name.removeprefix("r_").removeprefix("l_") for name in VECTORS]  # left and right are one
# Height of the joints above the floor on which the body rests, mm: half of the limb's thickness, and the heel.
CLEARANCE = {"ankle": 85.0, "knee": 60.0, "hip": 100.0, "pelvis": 100.0, "thorax": 110.0, "shoulder": 70.0}
ABOVE_FLOOR = np.array([CLEARANCE.get(name.split("_")[-1], 50.0) for name in MPII.names])
SOFTNESS = 20.0  # mm: the body leaves one resting point for another smoothly


def draw_body(rng: np.random.Generator) -> np.ndarray:
    """(13,) lengths in mm of a random person's body vectors, left and right alike."""
    common = load_prior_3d().lengths
    size = 1 + SIZE_STD * np.clip(rng.standard_normal(), -2, 2)
    kinds = sorted(set(KINDS))
    shares = dict(zip(kinds, 1 + BONE_STD * np.clip(rng.standard_normal(len(kinds)), -2, 2), strict=True))
    return common * size * [shares[kind] for kind in KINDS]


def pose_body(directions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Forward kinematics: joints (..., 16, 3) in mm with the pelvis at the origin, in the frame of the directions.

    Args:
        directions: (..., 13, 3) unit body vectors.
        lengths: (..., 13) mm; the 15 bones have them in every pose.
    """
    return joints_from_vectors(directions * lengths[..., None])


def stand_on_floor(joints: np.ndarray) -> np.ndarray:
    """The bodies (..., 16, 3), mm and y up, moved vertically to rest on the floor y = 0 with whatever is lowest."""
    below = (ABOVE_FLOOR - joints[..., 1]) / SOFTNESS
    most = below.max(axis=-1)
    lift = SOFTNESS * (most + np.log(np.exp(below - most[..., None]).sum(axis=-1)))
    return joints + lift[..., None, None] * np.array([0.0, 1.0, 0.0])
