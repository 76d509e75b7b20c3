"""Bootstrap over people (Efron, 1979): how far a metric would move had other people been photographed.

Every metric of this package is a function of sums over people. Drawing N people with replacement gives each of them a
multinomial weight, so a resample's sums are weighted sums, and all resamples are one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from checkpoints.errors import PoseError

LEVEL = 0.95
_BLOCK = 2**24  # weights drawn at a time: bounds the memory, changes no draw


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
    bounds = percentile_interval(values[1:]) if len(values) > 1 else np.full((2, *values.shape[1:]), np.nan)
    table = np.stack([values[0], *bounds], axis=-1)
    found = np.empty(table.shape[:-1], dtype=object)
    for place in np.ndindex(found.shape):
        found[place] = Estimate(*(number if math.isfinite(number) else None for number in table[place].tolist()))
    return found


def totals(terms: Mapping[Hashable, np.ndarray], bootstrap: Bootstrap | None) -> dict[Hashable, np.ndarray]:
    """Sums over N people in row 0, and in R rows below it those of bootstrap resamples; None takes R = 0.

    Args:
        terms: what each person adds to a sum, any number of arrays (N, ...).
        bootstrap: how to draw.

    Returns:
        The same keys with arrays (1 + R, ...).

    Raises:
        PoseError: arrays of different lengths, or fewer than one resample.
    """
    sums = {name: term.sum(axis=0)[None] for name, term in terms.items()}
    if bootstrap is None:
        return sums
    drawn = resample(terms, bootstrap.resamples, bootstrap.seed)
    return {name: np.concatenate([sums[name], drawn[name]]) for name in terms}


def resample(
    terms: Mapping[Hashable, np.ndarray], resamples: int = Bootstrap.resamples, seed: int = Bootstrap.seed
) -> dict[Hashable, np.ndarray]:
    """Sums over N people drawn with replacement, R times.

    All terms share the draws, and so do calls with the same number of people, resamples and seed. Two methods
    on the same people are therefore paired: subtract their resampled metrics.

    Args:
        terms: what each person adds to a sum, any number of arrays (N, ...).
        resamples: R.
        seed: of the draws.

    Returns:
        The same keys with arrays (R, ...).

    Raises:
        PoseError: arrays of different lengths, or fewer than one resample.
    """
    lengths = {len(term) for term in terms.values()}
    if len(lengths) != 1 or resamples < 1:
        raise PoseError(
            f"bootstrap: needs terms of equally many people and at least 1 resample, "
            f"found {sorted(lengths)} people and {resamples} resamples"
        )
    (people,) = lengths
    columns = [
        np.asarray(term, dtype=np.float64).reshape(people, math.prod(np.shape(term)[1:])) for term in terms.values()
    ]
    table = np.concatenate(columns, axis=1)
    if people == 0:
        sums = np.zeros((resamples, table.shape[1]))
    else:
        sums = np.concatenate([weights @ table for weights in _weights(people, resamples, seed)])
    ends = np.cumsum([column.shape[1] for column in columns])[:-1]
    return {
        name: part.reshape(resamples, *np.shape(term)[1:])
        for (name, term), part in zip(terms.items(), np.split(sums, ends, axis=1), strict=True)
    }


def _weights(people: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(R, N) how often each resample holds each person, some rows at a time."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // people)
    for first in range(0, resamples, rows):
        size = min(rows, resamples - first)
        yield rng.multinomial(people, np.full(people, 1 / people), size=size).astype(np.float64)


def percentile_interval(samples: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """The middle `level` of R resampled values (R, ...): (low, high), each (...).

    A resample in which the metric is undefined (NaN: nothing annotated was drawn) is left out; if all are, so are low
    and high.
    """
    samples = np.asarray(samples)
    tails = [50 * (1 - level), 50 * (1 + level)]
    undefined = np.isnan(samples).all(axis=0)
    percentile = np.nanpercentile if np.isnan(samples).any() else np.percentile  # the same, ten times as fast
    low, high = percentile(np.where(undefined, 0, samples), tails, axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
