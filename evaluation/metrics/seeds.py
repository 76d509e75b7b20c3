"""Several trainings that differ in their seed: means over them, with intervals over people and over seeds.

An interval over people (`evaluation.metrics.bootstrap`) takes the trainings as they are. One over seeds says how far
the mean would move had they started and been shuffled otherwise. With few trainings resampling them would make their
spread too small, so theirs is Student's (1908).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import LEVEL, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.ground_truth import ratio


def mean_over_seeds(
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
        found = totals({"sums": np.mean([sums(each) for each in sets], axis=0), "counts": counts}, bootstrap)
        return ratio(found["sums"], found["counts"])

    found = mean(predictions)
    return estimates(found - mean(references) if len(references) else found)


def over_seeds(values: Sequence[float | None]) -> Estimate:
    """The mean of one value per seed, with the 95 % confidence interval of Student's t; None if a value is None.

    One value has no interval.
    """
    if not values or any(value is None for value in values):
        return Estimate(None)
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Estimate(mean)
    from scipy import stats  # the other metrics need numpy alone

    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * stats.sem(values))
    return Estimate(mean, mean - reach, mean + reach)
