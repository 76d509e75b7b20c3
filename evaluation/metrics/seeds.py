"""Intervals over seeds: how far a mean over trainings would move had they started and been shuffled otherwise.

An interval over people (`evaluation.metrics.bootstrap`) takes the trainings as they are. With few trainings resampling
them would make their spread too small, so theirs is Student's (1908).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from evaluation.metrics.bootstrap import LEVEL, Estimate


def over_seeds(values: Sequence[float | None]) -> Estimate:
    """The mean of one value per seed, with the 95 % confidence interval of Student's t; None if a value is None.

    One value has no interval.
    """
    if not values or any(value is None for value in values):
        return Estimate(None)
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Estimate(mean)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * stats.sem(values))
    return Estimate(mean, mean - reach, mean + reach)
