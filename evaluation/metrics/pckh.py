"""PCKh (Andriluka et al., CVPR 2014): the share of joints within a fraction of the head size of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.conventions import (
    GROUPS,
    LIMB_GROUPS,
    OUTSIDE_MEAN,
    UPPER_BODY,
    Convention,
    get_convention,
    members,
)
from evaluation.metrics.inputs import check_per_person, check_poses, has_size, ratio
from heads.skeleton import MPII

CURVE = np.arange(51) / 100  # the thresholds 0, 0.01, ..., 0.5 of the official toolkit's curve


@dataclass(frozen=True)
class Scores:
    """PCKh in percent; a leading shape `...` is () for a dataset and (R,) for R resamples of it.

    Attributes:
        per_joint: (..., K); NaN for a joint that nobody annotated.
        groups: (..., 8), in the order of `conventions.GROUPS`, the Mean last.
        upper_body: (...), micro mean of shoulders, elbows and wrists: the official toolkit's "UBody".
    """

    per_joint: np.ndarray
    groups: np.ndarray
    upper_body: np.ndarray


@dataclass(frozen=True)
class PCKh:
    """PCKh of a set of people, in percent; a threshold is a key as the caller wrote it, 0.5 say.

    Attributes:
        convention: how it was counted.
        people: people scored.
        unscored: people left out because their head size is unknown or not positive.
        per_joint: threshold -> joint -> %; NaN for a joint that nobody annotated.
        groups: threshold -> Head, Shoulder, ..., Mean -> %.
        upper_body: threshold -> % of shoulders, elbows and wrists.
        correct: threshold -> joint -> number of correct joints.
        annotated: joint -> number of annotated joints.
        curve: (51,) Mean at the thresholds `CURVE`.
        auc: area under the curve from 0 to 0.5 by trapezoids, over its width: 100 for a perfect prediction.
    """

    convention: Convention
    people: int
    unscored: int
    per_joint: dict[float, dict[str, float]]
    groups: dict[float, dict[str, float]]
    upper_body: dict[float, float]
    correct: dict[float, dict[str, int]]
    annotated: dict[str, int]
    curve: np.ndarray
    auc: float


def normalized_distances(
    pred: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    annotated: ArrayLike | None = None,
    *,
    joint_names: Sequence[str] = MPII.names,
) -> np.ndarray:
    """(N, K) distance to the truth in head sizes; NaN at what is not scored.

    Not scored are joints that are not annotated and people whose head size is NaN or not positive.
    Published figures hold exact ties with a threshold, so the order matters: distance, then over head size.

    Args, Raises: as `pckh`.
    """
    pred, gt, annotated = check_poses(pred, gt, annotated, joint_names)
    head_size = check_per_person(head_size, len(gt), "head_size")
    usable = np.where(has_size(head_size), head_size, 0)
    distances = ratio(np.linalg.norm(pred - gt, axis=-1), usable[:, None])
    return np.where(annotated, distances, np.nan)


def scores(correct: np.ndarray, annotated: np.ndarray, convention: Convention, joint_names: Sequence[str]) -> Scores:
    """Percentages from the numbers of correct and of annotated joints.

    A group is the mean of its joints' percentages (those that anybody annotated), as in all four toolkits.

    Args:
        correct: (..., K) correct joints, summed over people.
        annotated: (..., K) annotated joints, summed over the same people.
        convention: which joints make the Head, and how the Mean is taken.
        joint_names: K names.
    """
    names = tuple(joint_names)
    per_joint = 100 * ratio(correct, annotated)
    seen = np.isfinite(per_joint)

    def micro(mask: np.ndarray) -> np.ndarray:
        return 100 * ratio((correct * mask).sum(axis=-1), (annotated * mask).sum(axis=-1))

    def macro(mask: np.ndarray) -> np.ndarray:
        return ratio(np.where(seen & mask, per_joint, 0).sum(axis=-1), (seen & mask).sum(axis=-1))

    groups = {"Head": convention.head, **LIMB_GROUPS}
    mean = {"micro": micro, "macro": macro}[convention.mean]
    return Scores(
        per_joint=per_joint,
        groups=np.stack(
            [*(macro(members(names, endings)) for endings in groups.values()), mean(~members(names, OUTSIDE_MEAN))],
            axis=-1,
        ),
        upper_body=micro(members(names, UPPER_BODY)),
    )


def area(curve: np.ndarray) -> np.ndarray:
    """Area under a curve (..., 51) sampled at the thresholds `CURVE`, over its width, by trapezoids."""
    return (curve[..., 1:] + curve[..., :-1]).mean(axis=-1) / 2


class PCKhMetric:
    """PCKh as a streaming metric: `update` with batches of any size, then `compute`.

    The state is whole numbers, so the figures are the same in any batching and order.

    Args:
        thresholds: fractions of the head size, each > 0.
        convention: a name of `CONVENTIONS` or a `Convention`.
        joint_names: K names.

    Raises:
        PoseError: unknown convention, or a threshold that is not positive.
    """

    def __init__(
        self,
        *,
        thresholds: Sequence[float] = (0.5, 0.1),
        convention: str | Convention = "official",
        joint_names: Sequence[str] = MPII.names,
    ) -> None:
        self.thresholds = check_thresholds(thresholds)
        self.convention = get_convention(convention)
        self.joint_names = tuple(joint_names)
        self._grid = np.concatenate([self.thresholds, CURVE])
        self.reset()

    def reset(self) -> None:
        """Forget all people."""
        joints = len(self.joint_names)
        self._correct = np.zeros((len(self._grid), joints), dtype=np.int64)
        self._annotated = np.zeros(joints, dtype=np.int64)
        self._people = self._unscored = 0

    def update(self, pred: ArrayLike, gt: ArrayLike, head_size: ArrayLike, annotated: ArrayLike | None = None) -> None:
        """Count a batch. Args, Raises: as `pckh`."""
        distances = normalized_distances(pred, gt, head_size, annotated, joint_names=self.joint_names)
        scored = int(has_size(np.asarray(head_size, dtype=np.float64)).sum())
        self._people += scored
        self._unscored += len(distances) - scored
        self._annotated += np.isfinite(distances).sum(axis=0)
        self._correct += self.convention.correct(distances[:, None], self._grid[:, None]).sum(axis=0)

    def compute(self) -> PCKh:
        """The figures of all people so far; NaN where nothing was counted."""
        names, wanted = self.joint_names, len(self.thresholds)
        figures = scores(self._correct, self._annotated, self.convention, names)
        curve = figures.groups[wanted:, -1]

        def by_threshold(rows: np.ndarray, keys: Sequence[str]) -> dict[float, dict]:
            return {
                threshold: dict(zip(keys, row.tolist(), strict=True))
                for threshold, row in zip(self.thresholds, rows, strict=False)
            }

        return PCKh(
            convention=self.convention,
            people=self._people,
            unscored=self._unscored,
            per_joint=by_threshold(figures.per_joint, names),
            groups=by_threshold(figures.groups, GROUPS),
            upper_body=dict(zip(self.thresholds, figures.upper_body.tolist(), strict=False)),
            correct=by_threshold(self._correct, names),
            annotated=dict(zip(names, self._annotated.tolist(), strict=True)),
            curve=curve,
            auc=float(area(curve)),
        )


def pckh(
    pred: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    annotated: ArrayLike | None = None,
    *,
    thresholds: Sequence[float] = (0.5, 0.1),
    convention: str | Convention = "official",
    joint_names: Sequence[str] = MPII.names,
) -> PCKh:
    """PCKh of N people from plain arrays.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: (N, K, D) true joints, the same pixels; NaN where not annotated.
        head_size: (N,) image pixels, 0.6 times the diagonal of MPII's head box; a person whose head size is
            NaN or not positive is not scored, and counted in `unscored`.
        annotated: (N, K) bool; None takes the joints where `gt` is finite.
        thresholds: fractions of the head size, each > 0.
        convention: 'official', 'hrnet', 'mmpose' or 'pytorch-pose', or a `Convention` of your own.
        joint_names: K names; the groups follow from their endings, so that other skeletons work too.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention.
    """
    metric = PCKhMetric(thresholds=thresholds, convention=convention, joint_names=joint_names)
    metric.update(pred, gt, head_size, annotated)
    return metric.compute()


def check_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    """The thresholds as floats. Raises PoseError for one that is not positive and finite."""
    values = tuple(float(threshold) for threshold in thresholds)
    if not values or not all(0 < value < np.inf for value in values):
        raise PoseError(f"PCKh thresholds must be positive fractions of the head size, found {values}")
    return values
