"""Bones B_k = J_parent(k) - J_k (Eq. 4): Bone Error and Bone Std (Section 5.1 of the paper).

All are over the K - 1 bones that end at another joint: the root's bone, which ends at the frame's origin, has none.
"""

from __future__ import annotations

import numpy as np

from evaluation.metrics.ground_truth import ratio
from heads.skeleton import MPII, Skeleton


def bone_names(skeleton: Skeleton) -> tuple[str, ...]:
    """A bone is named by its child joint."""
    return tuple(skeleton.names[child] for child in bone_ends(skeleton)[0])


def bone_ends(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """Child and parent index of each bone of `bone_names`."""
    children = [joint for joint, parent in enumerate(skeleton.parents) if parent != -1]
    return children, [skeleton.parents[child] for child in children]


def bone_lengths(joints: np.ndarray, skeleton: Skeleton = MPII) -> np.ndarray:
    """(N, K - 1) lengths of the bones of joints (N, K, D), in their unit; NaN if an end is NaN."""
    child, parent = bone_ends(skeleton)
    return np.linalg.norm(joints[:, parent] - joints[:, child], axis=-1)


def bone_errors(pred: np.ndarray, gt: np.ndarray, skeleton: Skeleton = MPII) -> np.ndarray:
    """(N, K - 1) Bone Error: Euclidean distances of bone vectors of joints (N, K, D); NaN if an end is NaN."""
    return bone_lengths(pred - gt, skeleton)


def bone_std(joints: np.ndarray, subject: np.ndarray, skeleton: Skeleton = MPII) -> dict[str, np.ndarray]:
    """Bone Std: subject -> (K - 1,) standard deviation of each bone's length over the subject's poses.

    The paper's number (Table 2) is the mean over subjects and bones. The ground truth's own is not 0: that of Human3.6M
    is about 5 mm, since the thorax is the middle of the shoulders.

    Args:
        joints: (N, K, 3) mm; NaN if not known.
        subject: (N,) names.
        skeleton: of the K joints.

    Returns:
        In mm; NaN for a bone that a subject has in fewer than two poses.
    """
    names, index = np.unique(np.asarray(subject), return_inverse=True)
    lengths = bone_lengths(np.asarray(joints, dtype=np.float64), skeleton)
    sums = np.zeros((len(names), lengths.shape[1], 3))
    np.add.at(sums, index, length_moments(lengths))
    return dict(zip(names.tolist(), compute_std(sums), strict=True))


def length_moments(lengths: np.ndarray) -> np.ndarray:
    """(N, B, 3) what a pose adds to the number, the sum and the sum of squares of lengths (N, B); 0 where NaN.

    Lengths are taken from their mean over all poses, so that the squares of long bones of little spread keep their
    digits.
    """
    known = np.isfinite(lengths)
    center = ratio(np.where(known, lengths, 0).sum(axis=0), known.sum(axis=0))
    offset = np.where(known, lengths - center, 0)
    return np.stack([known, offset, offset**2], axis=-1)


def compute_std(sums: np.ndarray) -> np.ndarray:
    """(...) standard deviations from sums (..., 3) of `length_moments`; NaN of fewer than two lengths."""
    count, total, squares = np.moveaxis(sums, -1, 0)
    count = np.where(count < 2, 0, count)
    return np.sqrt(np.maximum(ratio(squares, count) - ratio(total, count) ** 2, 0))
