"""Relative joint positions as a linear map of the bones: the compositional layer (Eq. 6 and 7 of the paper).

One sign convention, for prediction and ground truth: dJ(u, v) = J_v - J_u. Written with bones it is the sum along
the path from u to v, where a step up from m to its parent adds B_m and a step down from m to its child c subtracts
B_c. The paper's Eq. 7 carries the opposite sign to its Eq. 6, and Eq. 6 names the wrong bone for the steps down.

The walk never has to be taken: J_k = -(sum of B over k and its ancestors), so the map's row for (u, v) is the
ancestor row of u minus that of v. Bones common to both cancel, which leaves exactly the signed path.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from heads.bones import ancestor_matrix, append_origin
from heads.pairs import Pair
from heads.skeleton import Skeleton


def relative_positions(joints: Tensor, pairs: Sequence[Pair]) -> Tensor:
    """dJ(u, v) = J_v - J_u of every pair.

    Args:
        joints: (..., K, D) in any unit; the origin is the zero of their frame.
        pairs: P pairs (u, v) of joint indices, -1 the origin.

    Returns:
        (..., P, D) in the same unit; NaN only where an end joint of the pair is NaN.
    """
    start, end = torch.tensor(pairs, device=joints.device).unbind(-1)
    joints = append_origin(joints)
    # Counted from the front: index_select knows no negative index.
    start, end = start % joints.shape[-2], end % joints.shape[-2]
    return joints.index_select(-2, end) - joints.index_select(-2, start)


def composition_matrix(skeleton: Skeleton, pairs: Sequence[Pair], representation: str = "bones") -> Tensor:
    """The constant (P, K) map M with dJ = M @ x, for x the bones or the joints of a pose.

    Args:
        pairs: P pairs (u, v) of joint indices, -1 the origin.
        representation: what x holds: `bones` (Eq. 8's methods) or `joints` (Eq. 3's).

    Raises:
        ValueError: for another representation.
    """
    if representation not in ("joints", "bones"):
        raise ValueError(f"unknown representation '{representation}'; choose joints or bones")
    to_joints = torch.eye(len(skeleton)) if representation == "joints" else -ancestor_matrix(skeleton)
    return relative_positions(to_joints, pairs)
