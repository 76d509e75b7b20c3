"""Which of many differences that are read at once are beyond chance: Holm's correction (Scand. J. Stat., 1979)."""

from collections.abc import Sequence
from statistics import NormalDist

from evaluation.metrics.bootstrap import LEVEL, Estimate

_NORMAL = NormalDist()


def p_value(difference: Estimate) -> float:
    """Two-sided p-value of a difference, from how far its 95 % confidence interval reaches towards 0.

    It is that of a normal distribution, below 0.05 exactly if the interval leaves out 0: 1,000 resamples tell no
    p-value small enough to be corrected. 1 without a value or an interval.
    """
    if difference.value is None or difference.interval is None:
        return 1.0
    reach = difference.value - difference.low if difference.value > 0 else difference.high - difference.value
    if reach <= 0:
        return 0.0 if difference.value else 1.0
    return 2 * _NORMAL.cdf(-_NORMAL.inv_cdf((1 + LEVEL) / 2) * abs(difference.value) / reach)


def find_beyond_chance(differences: Sequence[Estimate]) -> list[bool]:
    """Which differences are not 0, with a chance of 5 % that any of them is called so by mistake."""
    values = [p_value(difference) for difference in differences]
    beyond, holds = [False] * len(values), True
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        holds = beyond[place] = holds and values[place] < (1 - LEVEL) / (len(values) - rank)
    return beyond
