"""PCKh (Andriluka et al., CVPR 2014): the share of joints within a fraction of the head size of the ground truth.

PCK is the same in another unit (`evaluation.metrics.measures`), which the ground truth knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import Estimate, estimates
from evaluation.metrics.conventions import UPPER_BODY, Convention, get_convention, in_mean, joint_groups, members
from evaluation.metrics.inputs import GroundTruth, has_size, ratio
from evaluation.metrics.measures import PCKH, Measure
from heads.skeleton import MPII, Skeleton

CURVE = np.arange(51) / 100  # the thresholds 0, 0.01, ..., 0.5 of the official toolkit's curve


@dataclass(frozen=True)
class PCKh:
    """PCKh (or PCK, see `measure`) of some people, in percent; a threshold is a key as the caller wrote it, 0.5 say.

    Attributes:
        convention: the name of how it was counted.
        people: people scored.
        unscored: people left out because their head size, or other unit, is unknown or not positive.
        annotated: joint -> number of annotated joints of the people scored.
        in_mean: the sum of those that the Mean is over.
        per_joint: threshold -> joint -> %.
        groups: threshold -> Head, Shoulder, ... (or the skeleton's own), Mean -> %.
        upper_body: threshold -> % of shoulders, elbows and wrists together: the official toolkit's "UBody".
        curve: threshold of `CURVE` -> the Mean.
        auc: area under the curve from 0 to 0.5 by trapezoids, over its width: 100 for a perfect prediction.
        measure: the unit of the thresholds.
    """

    convention: str
    people: int
    unscored: int
    annotated: dict[str, int]
    in_mean: int
    per_joint: dict[float, dict[str, Estimate]]
    groups: dict[float, dict[str, Estimate]]
    upper_body: dict[float, Estimate]
    curve: dict[float, Estimate]
    auc: Estimate
    measure: Measure = PCKH


class Percentages(NamedTuple):
    """PCKh as arrays of S rows: a dataset's in row 0, and its resamples' below; NaN if nothing was counted.

    Attributes:
        per_joint: (S, T, K) at T thresholds.
        groups: (S, T, 1 + groups), in the order of `conventions.joint_groups`, the Mean last.
        upper_body: (S, T).
        curve: (S, 51), the Mean at the thresholds of `CURVE`.
        auc: (S,).
    """

    per_joint: np.ndarray
    groups: np.ndarray
    upper_body: np.ndarray
    curve: np.ndarray
    auc: np.ndarray


class PCKhMetric:
    """PCKh as a streaming metric: `update` with batches of any size, then `compute`.

    The state is whole numbers, so the result is the same in any batching and order.

    Args:
        thresholds: fractions of the head size, each > 0; None: the measure's.
        convention: a name of `CONVENTIONS` or a `Convention`.
        skeleton, measure: of the ground truth to come.

    Raises:
        PoseError: unknown convention, or a threshold that is not positive.
    """

    def __init__(
        self,
        *,
        thresholds: Sequence[float] | None = None,
        convention: str | Convention = "official",
        skeleton: Skeleton = MPII,
        measure: Measure = PCKH,
    ) -> None:
        self.thresholds = check_thresholds(measure.thresholds if thresholds is None else thresholds)
        self.convention = get_convention(convention)
        self.skeleton, self.measure = skeleton, measure
        self.reset()

    def reset(self) -> None:
        """Forget all people."""
        joints = len(self.skeleton)
        self._correct = np.zeros((len(self.thresholds) + len(CURVE), joints), dtype=np.int64)
        self._annotated = np.zeros(joints, dtype=np.int64)
        self._people = self._unscored = 0

    def update(self, pred: ArrayLike, gt: GroundTruth) -> None:
        """Count a batch: predictions (N, K, D) in image pixels of the people of `gt`.

        Raises:
            PoseError: another shape, or an annotated joint without a finite predicted position.
        """
        correct, annotated = person_counts(pred, gt, self.thresholds, self.convention)
        scored = int(has_size(gt.size).sum())
        self._people += scored
        self._unscored += len(gt) - scored
        self._annotated += annotated.sum(axis=0)
        self._correct += correct.sum(axis=0)

    def compute(self) -> PCKh:
        """PCKh of all people so far; a value is None if nothing was counted."""
        found = percentages(self._correct[None], self._annotated[None], self.convention, self.skeleton)
        counts = (self._people, self._unscored, self._annotated.tolist())
        return as_pckh(found, self.thresholds, self.convention, self.skeleton, self.measure, *counts)


def pckh(
    pred: ArrayLike,
    gt: GroundTruth,
    *,
    thresholds: Sequence[float] | None = None,
    convention: str | Convention = "official",
) -> PCKh:
    """PCKh of N people, or PCK in the ground truth's measure.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: of the same people; people without a head size are not scored, and counted in `unscored`.
        thresholds: fractions of the head size, each > 0; None: the measure's.
        convention: 'official', 'hrnet', 'mmpose' or 'pytorch-pose', or a `Convention` of your own.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention.
    """
    metric = PCKhMetric(thresholds=thresholds, convention=convention, skeleton=gt.skeleton, measure=gt.measure)
    metric.update(pred, gt)
    return metric.compute()


def person_counts(
    pred: ArrayLike, gt: GroundTruth, thresholds: Sequence[float], convention: Convention
) -> tuple[np.ndarray, np.ndarray]:
    """Which joints are correct, (N, T + 51, K) bool at T thresholds and those of `CURVE`, and scored, (N, K) bool.

    Not scored are joints that are not annotated and people whose head size is NaN or not positive. Published numbers
    hold exact ties with a threshold, so the order matters: distance, then over head size.

    Args, Raises: as `pckh`.
    """
    pred, sized = gt.check(pred), has_size(gt.size)
    distances = ratio(np.linalg.norm(pred - gt.joints, axis=-1), np.where(sized, gt.size, 0)[:, None])
    scored = gt.annotated & sized[:, None]
    distances = np.where(scored, distances, np.nan)
    return convention.correct(distances[:, None], np.concatenate([thresholds, CURVE])[:, None]), scored


def percentages(correct: np.ndarray, annotated: np.ndarray, convention: Convention, skeleton: Skeleton) -> Percentages:
    """Percentages from the numbers of correct and of annotated joints.

    A group is the mean of its joints' percentages (those that anybody annotated), as in all four toolkits.

    Args:
        correct: (S, T + 51, K) correct joints, summed over people.
        annotated: (S, K) annotated joints, summed over the same people.
        convention: which joints make the Head, and how the Mean is taken.
        skeleton: of the K joints, and its groups.
    """
    annotated = annotated[:, None]

    def micro(correct: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return 100 * ratio((correct * mask).sum(axis=-1), (annotated * mask).sum(axis=-1))

    def macro(correct: np.ndarray, mask: np.ndarray) -> np.ndarray:
        counted = (annotated > 0) & mask
        return ratio(np.where(counted, 100 * ratio(correct, annotated), 0).sum(axis=-1), counted.sum(axis=-1))

    mean = {"micro": micro, "macro": macro}[convention.mean](correct, in_mean(skeleton))
    correct, curve = np.split(correct, [-len(CURVE)], axis=1)[0], mean[:, -len(CURVE) :]
    groups = [macro(correct, mask) for mask in joint_groups(skeleton, convention.head).values()]
    return Percentages(
        per_joint=100 * ratio(correct, annotated),
        groups=np.stack([*groups, mean[:, : -len(CURVE)]], axis=-1),
        upper_body=micro(correct, members(skeleton.names, UPPER_BODY)),
        curve=curve,
        auc=(curve[:, 1:] + curve[:, :-1]).mean(axis=-1) / 2,
    )


def as_pckh(
    found: Percentages,
    thresholds: Sequence[float],
    convention: Convention,
    skeleton: Skeleton,
    measure: Measure,
    people: int,
    unscored: int,
    annotated: Sequence[int],
) -> PCKh:
    """The arrays of `found` by name, its rows below the first as confidence intervals; the rest as in `PCKh`.

    Args:
        annotated: K numbers.
    """
    names = skeleton.names

    def named(values: np.ndarray, names: Iterable[str]) -> dict[float, dict[str, Estimate]]:
        rows = zip(thresholds, estimates(values), strict=True)
        return {threshold: dict(zip(names, row, strict=True)) for threshold, row in rows}

    return PCKh(
        convention.name,
        people,
        unscored,
        dict(zip(names, annotated, strict=True)),
        int(np.array(annotated, dtype=np.int64)[in_mean(skeleton)].sum()),
        per_joint=named(found.per_joint, names),
        groups=named(found.groups, (*joint_groups(skeleton, convention.head), "Mean")),
        upper_body=dict(zip(thresholds, estimates(found.upper_body), strict=True)),
        curve=dict(zip(CURVE.tolist(), estimates(found.curve), strict=True)),
        auc=estimates(found.auc).item(),
        measure=measure,
    )


def check_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    """The thresholds as floats. Raises PoseError for one that is not positive and finite."""
    values = tuple(float(threshold) for threshold in thresholds)
    if not values or not all(0 < value < np.inf for value in values):
        raise PoseError(f"PCKh thresholds must be positive fractions of the head size, found {values}")
    return values
