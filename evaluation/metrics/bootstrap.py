"""Bootstrap over people (Efron, 1979): how far a metric would move had other people been photographed.

Every metric of this package is a function of sums over people. Drawing N people with replacement gives each of them a
multinomial weight, so a resample's sums are weighted sums, and all resamples are one matrix product.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from checkpoints.errors import PoseError

LEVEL = 0.95
FEWEST = 10  # people of whom resamples are drawn: those of fewer repeat one another
_BLOCK = 2**25  # weights drawn at a time: bounds the memory, changes no draw
_PEOPLE = 2**14  # whose terms are added up at a time, likewise


@dataclass(frozen=True)
class Bootstrap:
    """How the confidence intervals are drawn: the number of `resamples` R, and the `seed` of the draws."""

    resamples: int = 1000
    seed: int = 0


DEFAULT_BOOTSTRAP = Bootstrap()


@dataclass(frozen=True)
class Estimate:
    """A metric's value and its 95 % confidence interval.

    Attributes:
        value: None if nothing was counted.
        low, high: the interval's bounds; None if none was asked for, or it is undefined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high), or None."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def estimates(values: np.ndarray) -> np.ndarray:
    """Values (1 + R, ...) made of `totals`, as an object array (...) of `Estimate`; R = 0: without bounds."""
    bounds = percentile_interval(values[1:]) if len(values) > 1 else (np.nan, np.nan)
    estimate = np.frompyfunc(lambda *each: Estimate(*(one if math.isfinite(one) else None for one in each)), 3, 1)
    return np.asarray(estimate(values[0].astype(float), *bounds), dtype=object)


def totals(
    terms: Mapping[Hashable, np.ndarray], bootstrap: Bootstrap | None, people: int | None = None
) -> dict[Hashable, np.ndarray]:
    """Sums over N people in row 0, and in R rows below it those of N people drawn with replacement; None takes R = 0,
    and so do fewer people than FEWEST.

    All terms share the draws, and so do calls with the same number of people, resamples and seed. Two methods
    on the same people are therefore paired: subtract their resampled metrics.

    Args:
        terms: what each person adds to a sum, any number of arrays (N, ...), or what makes one of some rows.
        bootstrap: how to draw.
        people: how many they are, where N are sequences of them.

    Returns:
        The same keys with arrays (1 + R, ...).

    Raises:
        PoseError: fewer than one resample.
    """
    count = len(next(iter(terms.values())))
    blocks = split_rows(count)
    sums = {name: sum(term[rows].sum(axis=0) for rows in blocks)[None] for name, term in terms.items()}
    if bootstrap and bootstrap.resamples < 1:
        raise PoseError(f"bootstrap: needs at least 1 resample, found {bootstrap.resamples}")
    if bootstrap is None or 0 < (people or count) < FEWEST:
        return sums
    widths = [total.size for total in sums.values()]
    drawn = np.zeros((bootstrap.resamples, sum(widths)))
    rng, chances = np.random.default_rng(bootstrap.seed), np.full(count, 1 / max(count, 1))
    for block in np.array_split(drawn, -(-bootstrap.resamples * count // _BLOCK)) if count else ():
        weights = np.empty((len(block), count), np.uint16)
        for each in weights:
            each[:] = rng.multinomial(count, chances)
        for rows in blocks:
            some = weights[:, rows].astype(np.float64)
            table = [term[rows].reshape(len(some.T), width) for term, width in zip(terms.values(), widths, strict=True)]
            block += some @ np.concatenate(table, axis=1, dtype=np.float64)
    parts = np.split(drawn, np.cumsum(widths)[:-1], axis=1)
    return {
        name: np.concatenate([total, part.reshape(len(part), *total.shape[1:])])
        for (name, total), part in zip(sums.items(), parts, strict=True)
    }


def split_rows(count: int) -> list[slice]:
    """The rows 0..count of a table in blocks that bound the memory, one at least."""
    return [slice(start, start + _PEOPLE) for start in range(0, max(count, 1), _PEOPLE)]


def percentile_interval(samples: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """The middle `level` of R resampled values (R, ...): (low, high), each (...).

    A resample in which the metric is undefined (NaN: nothing annotated was drawn) is left out; if all are, so are low
    and high.
    """
    samples = np.asarray(samples)
    undefined = np.isnan(samples).all(axis=0)
    percentile = np.nanpercentile if np.isnan(samples).any() else np.percentile  # the same, ten times as fast
    low, high = percentile(np.where(undefined, 0, samples), [50 * (1 - level), 50 * (1 + level)], axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)


def average_seeds(values: Sequence[float | None]) -> Estimate:
    """The mean of one value per seed, with the 95 % confidence interval of Student's t; None if a value is None.

    It says how far the mean would move had the trainings started and been shuffled otherwise. With few trainings
    resampling them would make their spread too small, so it is Student's (1908). One value has no interval.
    """
    if not values or any(value is None for value in values):
        return Estimate(None)
    mean, count = float(np.mean(values)), len(values)
    if count == 1:
        return Estimate(mean)
    from scipy import stats  # the other metrics need numpy alone

    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * stats.sem(values))
    return Estimate(mean, mean - reach, mean + reach)


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
    return 2 * NormalDist().cdf(-NormalDist().inv_cdf((1 + LEVEL) / 2) * abs(difference.value) / reach)


def find_beyond_chance(differences: Sequence[Estimate]) -> list[bool]:
    """Which differences that are read at once are not 0, with a chance of 5 % that any of them is called so by mistake.

    It is Holm's correction (Scand. J. Stat., 1979).
    """
    values = [p_value(difference) for difference in differences]
    beyond, holds = [False] * len(values), True
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        holds = beyond[place] = holds and values[place] < (1 - LEVEL) / (len(values) - rank)
    return beyond
