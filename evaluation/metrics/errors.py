"""Joint Error and PA Joint Error of 3D poses (MPJPE), Bone Error, Bone Std (Section 5.1), errors by sequence, and of
relative positions.

MPJPE is that of Ionescu et al. (Human3.6M, TPAMI 2014), Eq. 8, of poses whose roots coincide. The aligned form solves
the orthogonal Procrustes problem (Kabsch 1976; with scale, Umeyama, TPAMI 1991) for each pose. The paper names both and
calls the alignment rigid, so here it is without scale. The digits of Table 3 tell more: the root's 0 counts in the mean
of Joint Error, and no joint is moved back after the alignment, so the root has an error.

Bones are B_k = J_parent(k) - J_k (Eq. 4), the K - 1 that end at another joint: the root's, which ends at the frame's
origin, does not count.

Errors of relative positions (Eq. 6) are those of two joints to each other, by the number of bones between them, and of
joints once the body is in its place. One bone apart it is the bone error. The compositional loss over P_all supervises
all of them (Section 3.3), and neither PCKh nor the joint error measures those far apart: where a hand is wrong by as
much as a foot, and in the same direction, both joints are wrong and their relative position is right. A pose that is
right but for a shift has an offset alone, one in the right place but with wrong limbs a shape error alone.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, split_rows, totals
from evaluation.metrics.ground_truth import GroundTruth, fill_masked, nan_mean, ratio
from heads.pairs import path_lengths
from heads.skeleton import MPII, Skeleton

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
    return nan_mean(joint_errors(*check_poses(pred, gt), root)).item()


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
    return nan_mean(pa_joint_errors(*check_poses(pred, gt), scale)).item()


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


def check_poses(pred: ArrayLike, gt: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Poses as float64 (N, K, 3). What is given and raised: see `mpjpe`."""
    pred, gt = map(fill_masked, (pred, gt))
    if pred.shape != gt.shape or pred.ndim != 3 or pred.shape[-1] != 3:
        raise PoseError(f"predictions have shape {pred.shape} and ground truth {gt.shape}; give both as (people, K, 3)")
    if bad := (np.isfinite(gt).all(axis=-1) & ~np.isfinite(pred).all(axis=-1)).sum():
        raise PoseError(f"{bad} joints have a ground truth but no finite prediction; predict them, or make both NaN")
    return pred, gt


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


def length_moments(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """What a pose adds to the number, the sum and the sum of squares of lengths (N, B), (N, B) each; 0 where NaN.

    Lengths are taken from their mean over all poses, so that the squares of long bones of little spread keep their
    digits.
    """
    known = np.isfinite(lengths)
    center = ratio(np.where(known, lengths, 0).sum(axis=0), known.sum(axis=0))
    offset = np.where(known, lengths - center, 0)
    yield known
    yield offset
    yield offset**2


def sequence_errors(pred: ArrayLike, gt: GroundTruth) -> list[dict[str, str | int | float | None]]:
    """The errors of every sequence, from the largest Joint Error to the smallest, undefined ones last.

    A sequence is a single draw of the bootstrap, and so its errors have no interval.

    Args:
        pred: (N, K, 3) predicted joints, mm, in axes like those of the ground truth.
        gt: of the same people.

    Returns:
        Of each "subject", "action" and "sequence", names, '' if they are not known; "persons", frames of it, over all
        cameras; "joint_error", "pa_joint_error" and "bone_error" in mm, None if nothing was counted.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    pred, true, sequences = gt.check(pred), gt.known, gt.sequences
    first, people = np.unique(sequences.index, return_index=True, return_counts=True)[1:]
    columns: dict[str, Any] = {name: getattr(gt, name) for name in ("subject", "action", "sequence")}
    columns = {name: [""] * len(first) if names is None else names[first] for name, names in columns.items()}
    columns["persons"] = people
    for name, measure in (
        ("joint_error", lambda pred, true: joint_errors(pred, true, gt.skeleton.root)),
        ("pa_joint_error", pa_joint_errors),
        ("bone_error", lambda pred, true: bone_errors(pred, true, gt.skeleton)),
    ):
        values = np.concatenate([measure(pred[rows], true[rows]) for rows in split_rows(len(gt))])
        sums = (sequences.sum(each).sum(axis=1) for each in (np.nan_to_num(values), np.isfinite(values)))
        columns[name] = ratio(*sums)
    rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
    table = [dict(zip(columns, (None if value != value else value for value in row), strict=True)) for row in rows]
    return [table[row] for row in np.argsort(-columns["joint_error"], kind="stable").tolist()]


def relative_errors(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> dict[int, Estimate]:
    """|dJ(u, v) - dJ_gt(u, v)| in image pixels, a mean for each number of bones between u and v.

    Over all people, over their pairs of which both joints are annotated, and over several trainings' predictions;
    minus that of the references if there are any.

    Args:
        gt: of the same people in all of them.
        predictions, references: one or more sets, each (N, K, D) in image pixels.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Returns:
        1, 2, ... up to the longest path of the skeleton -> the mean.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    pairs = list(combinations(range(len(gt.skeleton)), 2))
    start, end = np.array(pairs, dtype=int).reshape(-1, 2).T
    lengths = np.array(path_lengths(gt.skeleton, pairs), dtype=int)
    distinct = np.unique(lengths)
    by_length = lengths[:, None] == distinct  # (P, M)
    annotated = gt.annotated[:, start] & gt.annotated[:, end]

    def sums(pred: ArrayLike) -> np.ndarray:
        error = gt.check(pred) - gt.known
        return np.nan_to_num(np.linalg.norm(error[:, end] - error[:, start], axis=-1)) @ by_length

    errors = average_errors(sums, annotated.astype(float) @ by_length, predictions, references, bootstrap)
    return dict(zip(distinct.tolist(), errors, strict=True))


def placement(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> tuple[Estimate, Estimate]:
    """The joint error in image pixels, split by one shift per person: offset and shape.

    The mean over several trainings' predictions, minus that of the references' if there are any.

    Args:
        gt: of the same people in all of them; people without an annotated joint do not count.
        predictions, references: one or more sets, each (N, K, D) in image pixels.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Returns:
        The distance between the mean of a person's predicted joints and that of the true ones, and that of the joints
        once that shift is taken back, both over the annotated joints of all people.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    count = gt.annotated.sum(axis=1)

    def sums(pred: ArrayLike) -> np.ndarray:
        """(N, 2) over a person's annotated joints: of the offset, and of what is left without it."""
        error = gt.check(pred) - gt.known
        shift = ratio(np.nansum(error, axis=1), np.maximum(count, 1)[:, None])
        left = np.nansum(np.linalg.norm(error - shift[:, None], axis=-1), axis=1)
        return np.stack([np.linalg.norm(shift, axis=-1) * count, left], axis=1)

    return tuple(average_errors(sums, np.repeat(count[:, None], 2, axis=1), predictions, references, bootstrap))


def average_errors(
    sums: Callable[[ArrayLike], np.ndarray],
    counts: np.ndarray,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike],
    bootstrap: Bootstrap | None,
) -> np.ndarray:
    """M means over people and over several trainings, minus those of the references if there are any.

    Args:
        sums: a training's predictions -> (N, M), what each person adds to M sums.
        counts: (N, M) how many terms those are, the same for all trainings.
        predictions, references: sets, of references possibly none.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Returns:
        (M,) object array of `Estimate`.
    """

    def mean(sets: Sequence[ArrayLike]) -> np.ndarray:
        each = totals({"sums": np.mean([sums(each) for each in sets], axis=0), "counts": counts}, bootstrap)
        return ratio(each["sums"], each["counts"])

    return estimates(mean(predictions) - mean(references) if len(references) else mean(predictions))
