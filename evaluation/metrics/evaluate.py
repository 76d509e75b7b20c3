"""All metrics of a set of predictions, and the paired difference of two sets.

Each person adds terms (correct joints, distances, counts) to sums; each metric is a ratio of sums, for the dataset and
for its bootstrap resamples identically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics import distances, pckh
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, totals
from evaluation.metrics.conventions import Convention, get_convention
from evaluation.metrics.distances import MeanError
from evaluation.metrics.inputs import GroundTruth, has_size
from evaluation.metrics.pckh import PCKh, Percentages


@dataclass(frozen=True)
class Scores:
    """All metrics of a set of predictions, or the differences of two sets.

    Attributes:
        people: people evaluated.
        without_scale: those whose scale is unknown or not positive; they do not count in crop pixels.
        pckh: in percent, or percentage points of a difference.
        joint_error, bone_error: in pixels.
        bootstrap: how the confidence intervals were drawn; None without.
    """

    people: int
    without_scale: int
    pckh: PCKh
    joint_error: MeanError
    bone_error: MeanError
    bootstrap: Bootstrap | None = None

    @property
    def mean_pckh(self) -> Estimate:
        """The Mean of PCKh@0.5, or at its measure's own threshold; KeyError if that was not asked for."""
        return self.pckh.groups[self.pckh.measure.main]["Mean"]


def evaluate(
    pred: ArrayLike,
    gt: GroundTruth,
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap | None = None,
) -> Scores:
    """PCKh with its curve and area, joint and bone error of N people.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: of the same people.
        convention: how PCKh is counted, see `conventions`.
        thresholds: of PCKh, fractions of the head size; None: those of the ground truth's measure.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention.
    """
    return scores_of(gt, [pred], convention=convention, thresholds=thresholds, bootstrap=bootstrap)


def compare(
    pred: ArrayLike,
    reference: ArrayLike,
    gt: GroundTruth,
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
) -> Scores:
    """How much two sets of predictions for the same people differ: each metric of `pred` minus `reference`'s.

    The confidence intervals are paired: both sets see the same resampled people, so what makes a person hard for both
    cancels. A difference is beyond chance if its interval leaves out 0.

    Args, Raises: as `evaluate`, with reference (N, K, D) like `pred`.
    """
    return scores_of(gt, [pred], [reference], convention=convention, thresholds=thresholds, bootstrap=bootstrap)


def scores_of(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> Scores:
    """The mean of the scores of several trainings' predictions, minus the mean of the references' if there are any.

    Args:
        predictions, references: one or more sets, each (N, K, D), of the same people, who are resampled for all alike.

    Args, Raises: the others as `evaluate`.
    """
    convention = get_convention(convention)
    thresholds = pckh.check_thresholds(gt.measure.thresholds if thresholds is None else thresholds)
    found = _measure(predictions, gt, convention, thresholds, bootstrap)
    if len(references):
        theirs = _measure(references, gt, convention, thresholds, bootstrap)
        found = [ours - other for ours, other in zip(found, theirs, strict=True)]
    *percentages, joint_error, bone_error = found
    names, sized = gt.skeleton.names, has_size(gt.size)
    counts = (int(sized.sum()), int((~sized).sum()), gt.annotated[sized].sum(axis=0).tolist())
    return Scores(
        people=len(gt),
        without_scale=len(gt) - int(has_size(gt.scale).sum()),
        pckh=pckh.as_pckh(Percentages(*percentages), thresholds, convention, gt.skeleton, gt.measure, *counts),
        joint_error=distances.as_error(joint_error, names, gt.annotated),
        bone_error=distances.as_error(bone_error, distances.bone_names(gt.skeleton), distances.annotated_bones(gt)),
        bootstrap=bootstrap,
    )


def _measure(
    predictions: Sequence[ArrayLike],
    gt: GroundTruth,
    convention: Convention,
    thresholds: tuple[float, ...],
    bootstrap: Bootstrap | None,
) -> list[np.ndarray]:
    """The arrays of `Percentages`, then the `means` of joints and of bones, as means over the predictions.

    What is counted does not depend on the predictions, and every metric is linear in the rest: the terms' mean over
    the predictions gives the metrics' mean, and people are resampled once for all of them.
    """

    def mean(values: Sequence[np.ndarray]) -> np.ndarray:
        return sum(values) / len(values)

    correct, scored = zip(*(pckh.person_counts(pred, gt, thresholds, convention) for pred in predictions), strict=True)
    terms = {"correct": mean(correct), "scored": scored[0]}
    for part, measure in (("joint", distances.joint_distances), ("bone", distances.bone_distances)):
        found = [measure(pred, gt) for pred in predictions]
        terms |= {f"{part} px": mean([one.values for one in found]), f"{part}s": found[0].counted}
    sums = totals(terms, bootstrap)
    percentages = pckh.percentages(sums["correct"], sums["scored"], convention, gt.skeleton)
    means = (distances.means(sums[f"{part} px"], sums[f"{part}s"]) for part in ("joint", "bone"))
    return [*percentages, *means]
