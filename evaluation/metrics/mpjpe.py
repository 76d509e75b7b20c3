"""Joint Error and PA Joint Error of 3D poses: the mean per-joint position error (MPJPE) and its aligned form.

MPJPE is that of Ionescu et al. (Human3.6M, TPAMI 2014), Eq. 8, of poses whose roots coincide. The aligned form solves
the orthogonal Procrustes problem (Kabsch 1976; with scale, Umeyama, TPAMI 1991) for each pose. The paper (Section 5.1)
names both and calls the alignment rigid, so here it is without scale. The digits of Table 3 tell more: the
root's 0 counts in the mean of Joint Error, and no joint is moved back after the alignment, so the root has an error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.ground_truth import ratio
from heads.skeleton import MPII

MIN_ALIGNED = 3  # joints that fix a rotation


def mpjpe(pred: ArrayLike, gt: ArrayLike, *, root: int | None = MPII.root) -> float:
    """Joint Error: the mean distance of joints to their ground truth once both roots are at the origin.

    Ionescu et al. (TPAMI 2014), Eq. 8. The root's own distance, 0, counts, as in the paper's Table 3.

    Args:
        pred: (N, K, 3) predicted joints.
        gt: (N, K, 3) true joints, in the same unit (mm); NaN for a joint that does not count. Without its root a person
            does not count.
        root: index of the joint to align; None compares the poses where they are.

    Returns:
        The mean over all joints of all people, in the unit of the poses; NaN if none counts.

    Raises:
        PoseError: shapes that do not match, or a joint that counts without a finite predicted position.
    """
    return _mean(joint_errors(*_checked(pred, gt), root))


def p_mpjpe(pred: ArrayLike, gt: ArrayLike, *, scale: bool = False) -> float:
    """PA Joint Error: the mean distance of joints to their ground truth after a Procrustes alignment of each pose.

    Args:
        pred: (N, K, 3) predicted joints.
        gt: (N, K, 3) true joints, in the same unit (mm); NaN for a joint that does not count. People with fewer than
            3 others do not count.
        scale: whether the alignment may scale the pose. A rigid one may not; that of Martinez et al. (ICCV 2017),
            VideoPose3D and mmpose may, and reads lower.

    Returns:
        The mean over all joints of all people, in the unit of the poses; NaN if none counts.

    Raises:
        PoseError: shapes that do not match, or a joint that counts without a finite predicted position.
    """
    return _mean(pa_joint_errors(*_checked(pred, gt), scale))


def rigid_align(pred: np.ndarray, gt: np.ndarray, scale: bool = False) -> np.ndarray:
    """Each pose turned and moved, never mirrored, so that its squared distances to the ground truth are least.

    Args:
        pred, gt: (N, K, 3); NaN for joints that take no part in the fit (those of `pred` are moved along if finite).
        scale: whether it is scaled as well.

    Returns:
        (N, K, 3) the moved `pred`; NaN for a person with fewer than 3 joints in the fit.
    """
    fitted = (np.isfinite(pred) & np.isfinite(gt)).all(axis=-1, keepdims=True)
    number = fitted.sum(axis=1, keepdims=True)
    centers = [ratio(np.where(fitted, pose, 0).sum(axis=1, keepdims=True), number) for pose in (pred, gt)]
    source, target = (np.where(fitted, pose - center, 0) for pose, center in zip((pred, gt), centers, strict=True))
    left, singular, right = np.linalg.svd(source.transpose(0, 2, 1) @ target)
    # Where the best orthogonal map is a reflection, the best rotation turns the least important axis round.
    turned = np.ones_like(singular)
    turned[:, 2] = np.where(np.linalg.det(left @ right) < 0, -1, 1)
    rotation = (left * turned[:, None]) @ right
    moved = (pred - centers[0]) @ rotation
    if scale:
        moved = moved * ratio((singular * turned).sum(axis=-1), (source**2).sum(axis=(1, 2)))[:, None, None]
    return np.where(number >= MIN_ALIGNED, moved + centers[1], np.nan)


def joint_errors(pred: np.ndarray, gt: np.ndarray, root: int | None = MPII.root) -> np.ndarray:
    """(N, K) root-aligned distances of joints (N, K, 3), those of `mpjpe`; NaN if not counted."""
    offset = pred - gt
    return np.linalg.norm(offset if root is None else offset - offset[:, root, None], axis=-1)


def pa_joint_errors(pred: np.ndarray, gt: np.ndarray, scale: bool = False) -> np.ndarray:
    """(N, K) distances of joints (N, K, 3) after `rigid_align`, those of `p_mpjpe`; NaN if not counted."""
    return np.linalg.norm(rigid_align(pred, gt, scale) - gt, axis=-1)


def _checked(pred: ArrayLike, gt: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    pred, gt = (np.asarray(poses, dtype=np.float64) for poses in (pred, gt))
    if pred.shape != gt.shape or pred.ndim != 3 or pred.shape[-1] != 3:
        raise PoseError(f"predictions have shape {pred.shape} and ground truth {gt.shape}; give both as (people, K, 3)")
    bad = (np.isfinite(gt).all(axis=-1) & ~np.isfinite(pred).all(axis=-1)).sum()
    if bad:
        raise PoseError(f"{bad} joints have a ground truth but no finite prediction; predict them, or make both NaN")
    return pred, gt


def _mean(errors: np.ndarray) -> float:
    return ratio(np.nansum(errors), np.isfinite(errors).sum()).item()
