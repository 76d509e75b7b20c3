"""Bones <-> joints (Eq. 4 of the paper)."""

import torch
from torch import Tensor

from heads.skeleton import Skeleton


def append_origin(joints: Tensor) -> Tensor:
    """(..., K, D) joints with the constant origin J_0 = 0 as a last row, so that index -1 is the origin."""
    return torch.cat([joints, torch.zeros_like(joints[..., :1, :])], dim=-2)


def joints_to_bones(joints: Tensor, skeleton: Skeleton) -> Tensor:
    """Bone vectors B_k = J_parent(k) - J_k (Eq. 4); the root's bone is -J_root, its parent being the origin.

    Args:
        joints: (..., K, D) in any unit.

    Returns:
        (..., K, D) bones in the same unit; NaN where either end is NaN.
    """
    return append_origin(joints)[..., list(skeleton.parents), :] - joints


def bones_to_joints(bones: Tensor, skeleton: Skeleton) -> Tensor:
    """Joints J_k = -(sum of B over k and its ancestors), the inverse of `joints_to_bones`.

    Args:
        bones: (..., K, D) in any unit.

    Returns:
        (..., K, D) joints in the same unit, in the frame whose origin is J_0.
    """
    return -(ancestor_matrix(skeleton).to(bones) @ bones)


def ancestor_matrix(skeleton: Skeleton) -> Tensor:
    """(K, K) with 1 at (k, a) where a is k or an ancestor of k, else 0."""
    return torch.tensor([[float(joint in path) for joint in range(len(skeleton))] for path in skeleton.ancestry])
