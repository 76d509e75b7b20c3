"""The five 3D metrics of a set of predictions (Section 5.1 of the paper), and the paired difference of two sets.

Each metric is a function of sums over sequences, for the dataset and for its bootstrap resamples identically.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.angle_limits import ANGLES, AngleLimits, illegal_angles
from evaluation.metrics.bone_lengths import bone_errors, bone_lengths, length_moments, std_of_moments
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.distances import bone_names
from evaluation.metrics.inputs import ratio
from evaluation.metrics.inputs_3d import GroundTruth3D, Sequences
from evaluation.metrics.mpjpe import MIN_ALIGNED, joint_errors, pa_joint_errors
from evaluation.metrics.pose_std import kind_of
from heads.skeleton import Skeleton

UNDEFINED = Estimate(None)


@dataclass(frozen=True)
class Score3D:
    """One metric, in mm or percent, or the difference of two.

    Attributes:
        overall: the mean over all joints (bones, angles) of all people; of Bone Std, over subjects and bones.
        per_part: joint (or the bone's child joint) -> the same of it alone.
        counts: joint (or the bone's child joint) -> people it was counted for.
        action_mean: the mean of `per_action`, each action alike: the "Avg" of Tables 4 to 6.
        per_action: action -> all its joints, people and subjects together; {} without actions, and of Bone Std.
        per_subject: subject -> the same; {} without subjects.
        per_kind: kind of joint (ankle, ...) -> right and left together, the rows of Table 3.
    """

    overall: Estimate
    per_part: dict[str, Estimate]
    counts: dict[str, int]
    action_mean: Estimate = UNDEFINED
    per_action: dict[str, Estimate] = field(default_factory=dict)
    per_subject: dict[str, Estimate] = field(default_factory=dict)
    per_kind: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores3D:
    """All 3D metrics of a set of predictions, or the differences of two sets.

    Attributes:
        people: people evaluated.
        sequences: what the bootstrap draws.
        without_root: people whose root is not annotated: they have no Joint Error.
        unaligned: people with fewer than 3 annotated joints: they have no PA Joint Error.
        joint_error: mm, roots aligned, the root's 0 included.
        pa_joint_error: mm, after a rotation and a translation of each pose.
        pa_joint_error_scaled: mm, after a scaling too.
        bone_error: mm, of the bone vectors, without the root's.
        bone_std: mm, of the predictions; undefined without subjects.
        gt_bone_std: the ground truth's own; None of a difference.
        illegal_angle: percent of the predictions' 9 joint angles; None without their limits.
        gt_illegal_angle: the ground truth's own; None without limits, and of a difference.
        bootstrap: how the confidence intervals were drawn; None without.
        protocol: of the ground truth, in words; '' if it is not known.
    """

    people: int
    sequences: int
    without_root: int
    unaligned: int
    joint_error: Score3D
    pa_joint_error: Score3D
    pa_joint_error_scaled: Score3D
    bone_error: Score3D
    bone_std: Score3D
    gt_bone_std: Score3D | None = None
    illegal_angle: Score3D | None = None
    gt_illegal_angle: Score3D | None = None
    bootstrap: Bootstrap | None = None
    protocol: str = ""


def evaluate_3d(
    pred: ArrayLike,
    gt: GroundTruth3D,
    *,
    bootstrap: Bootstrap | None = None,
    angle_limits: AngleLimits | None = None,
) -> Scores3D:
    """Joint Error, PA Joint Error, Bone Error, Bone Std and Illegal Angle of N people.

    Only annotated joints count, in the predictions' own Bone Std and Illegal Angle as well, so that what the ground
    truth scores is of the same bones and angles.

    Args:
        pred: (N, K, 3) predicted joints, mm, in axes like those of the ground truth; the origin does not matter.
        gt: of the same people.
        bootstrap: how to draw 95 % confidence intervals over sequences; None: without.
        angle_limits: for Illegal Angle, see `load_angle_limits`; None: without.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a skeleton without MPII's
            joints where there are `angle_limits`.
    """
    return _scores(gt, angle_limits, bootstrap, pred)


def compare_3d(
    pred: ArrayLike,
    reference: ArrayLike,
    gt: GroundTruth3D,
    *,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    angle_limits: AngleLimits | None = None,
) -> Scores3D:
    """How much two sets of predictions for the same people differ: each metric of `pred` minus `reference`'s.

    The confidence intervals are paired: both sets see the same resampled sequences. A difference is beyond chance if
    its interval leaves out 0.

    Args, Raises: as `evaluate_3d`, with reference (N, K, 3) like `pred`.
    """
    return _scores(gt, angle_limits, bootstrap, pred, reference)


class _Groups:
    """Which of the actions (A), and of the subjects (S), each of Q sequences is of, and of which kind a joint is."""

    def __init__(self, sequences: Sequences, skeleton: Skeleton) -> None:
        self.actions, of_action = _one_hot(sequences.action, sequences.count)
        self.subjects, self.of_subject = _one_hot(sequences.subject, sequences.count)
        self.of_both = np.concatenate([self.of_subject, of_action], axis=1)
        self._kinds = {name: kind_of(joint, skeleton) for joint, name in enumerate(skeleton.names)}

    def kinds(self, parts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """The kinds of some of the joints, in their order, and (parts, kinds) which one each is of."""
        labels = [self._kinds[part] for part in parts]
        kinds = list(dict.fromkeys(labels))
        return kinds, np.array(labels, dtype=object)[:, None] == np.array(kinds, dtype=object)


def _scores(
    gt: GroundTruth3D, limits: AngleLimits | None, bootstrap: Bootstrap | None, *predictions: ArrayLike
) -> Scores3D:
    """Of predictions, or of the first minus those of the second."""
    groups, paired = _Groups(gt.sequences, gt.skeleton), len(predictions) > 1
    found, *others = (
        _measure(gt.check(pred), gt, groups, limits, bootstrap, with_gt=not paired) for pred in predictions
    )
    for other in others:
        found = {name: (values - other[name][0], counts) for name, (values, counts) in found.items()}
    return Scores3D(
        people=len(gt),
        sequences=gt.sequences.count,
        without_root=int((~gt.annotated[:, gt.skeleton.root]).sum()),
        unaligned=int((gt.annotated.sum(axis=1) < MIN_ALIGNED).sum()),
        **{name: _named(*each, _parts(name, gt.skeleton), groups) for name, each in found.items()},
        bootstrap=bootstrap,
        protocol=gt.protocol,
    )


def _parts(metric: str, skeleton: Skeleton) -> Sequence[str]:
    """What a metric is measured of: joints, the joints that bones lead from, or those with an angle."""
    if "bone" in metric:
        return bone_names(skeleton)
    return ANGLES if "angle" in metric else skeleton.names


def _measure(
    pred: np.ndarray,
    gt: GroundTruth3D,
    groups: _Groups,
    limits: AngleLimits | None,
    bootstrap: Bootstrap | None,
    with_gt: bool,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Metric -> its values in columns, (1 + R, ...), and (P,) how many people each part was counted for.

    Columns: overall, mean of the actions, then of each of P parts, their C kinds, S subjects and A actions (which Bone
    Std lacks).
    """
    poses = {"": pred, "gt_": gt.known} if with_gt else {"": pred}
    values = dict(_errors(pred, gt))
    lengths = {f"{prefix}bone_std": bone_lengths(joints, gt.skeleton) for prefix, joints in poses.items()}
    if limits is not None:
        values |= {
            f"{prefix}illegal_angle": 100 * illegal_angles(joints, limits, gt.skeleton)
            for prefix, joints in poses.items()
        }
    terms = {}
    for name, each in values.items():
        counted = np.isfinite(each)
        for kind, term in (("sum", np.where(counted, each, 0)), ("count", counted)):
            sums = gt.sequences.sums(term)
            terms[name, kind] = np.concatenate([sums, groups.of_both * sums.sum(axis=1, keepdims=True)], axis=1)
    for name, each in lengths.items():
        sums = gt.sequences.sums(length_moments(each))
        terms[name, "moments"] = groups.of_subject[:, :, None, None] * sums[:, None]
    drawn = totals(terms, bootstrap)
    kinds = {name: groups.kinds(_parts(name, gt.skeleton))[1] for name in values | lengths}
    found = {name: _means(drawn[name, "sum"], drawn[name, "count"], groups, kinds[name]) for name in values}
    found |= {name: _stds(std_of_moments(drawn[name, "moments"]), kinds[name]) for name in lengths}
    return {name: (found[name], np.isfinite(each).sum(axis=0)) for name, each in (values | lengths).items()}


def _errors(pred: np.ndarray, gt: GroundTruth3D) -> Iterator[tuple[str, np.ndarray]]:
    """Each error with its values (N, P) in mm of P joints or bones, NaN if not counted."""
    yield "joint_error", joint_errors(pred, gt.known, gt.skeleton.root)
    yield "pa_joint_error", pa_joint_errors(pred, gt.known)
    yield "pa_joint_error_scaled", pa_joint_errors(pred, gt.known, scale=True)
    yield "bone_error", bone_errors(pred, gt.known, gt.skeleton)


def _means(total: np.ndarray, count: np.ndarray, groups: _Groups, of_kind: np.ndarray) -> np.ndarray:
    """The columns of `_measure` from sums of values and of how many there are, both (1 + R, P + S + A)."""
    parts = len(of_kind)
    each = ratio(total, count)
    kinds = ratio(total[:, :parts] @ of_kind, count[:, :parts] @ of_kind)
    overall = ratio(total[:, :parts].sum(axis=1), count[:, :parts].sum(axis=1))
    action_mean = _mean(each[:, parts + len(groups.subjects) :], 1)
    return np.column_stack([overall, action_mean, each[:, :parts], kinds, each[:, parts:]])


def _stds(each: np.ndarray, of_kind: np.ndarray) -> np.ndarray:
    """The columns of `_measure` from standard deviations (1 + R, S, P)."""
    overall = _mean(each.reshape(len(each), each.shape[1] * each.shape[2]), 1)
    kinds = ratio(np.nansum(each, axis=1) @ of_kind, np.isfinite(each).sum(axis=1) @ of_kind)
    return np.column_stack([overall, np.full(len(each), np.nan), _mean(each, 1), kinds, _mean(each, 2)])


def _named(values: np.ndarray, counts: np.ndarray, parts: Sequence[str], groups: _Groups) -> Score3D:
    """The columns of `_measure` by name, the rows below the first as confidence intervals."""
    kinds, _ = groups.kinds(parts)
    overall, action_mean, *each = estimates(values)
    ends = np.cumsum([len(parts), len(kinds), len(groups.subjects)])
    per_part, per_kind, per_subject, per_action = np.split(np.array(each), ends)
    return Score3D(
        overall=overall,
        per_part=dict(zip(parts, per_part, strict=True)),
        counts=dict(zip(parts, counts.tolist(), strict=True)),
        action_mean=action_mean,
        per_action=dict(zip(groups.actions, per_action, strict=False)),
        per_subject=dict(zip(groups.subjects, per_subject, strict=True)),
        per_kind=dict(zip(kinds, per_kind, strict=True)),
    )


def _one_hot(labels: np.ndarray | None, count: int) -> tuple[list[str], np.ndarray]:
    """The distinct labels, and (count, labels) which one each row has; none for None."""
    if labels is None:
        return [], np.zeros((count, 0), dtype=bool)
    names, index = np.unique(labels, return_inverse=True)
    return names.tolist(), index[:, None] == np.arange(len(names))


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of what is defined; NaN, without a warning, if nothing is."""
    return ratio(np.nansum(values, axis=axis), np.isfinite(values).sum(axis=axis))
