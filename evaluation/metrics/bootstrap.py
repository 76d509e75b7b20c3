"""Bootstrap over people (Efron, 1979): how far a figure would move had other people been photographed.

Every figure of this package is a function of sums over people. Drawing N people with replacement gives each
of them a multinomial weight, so a resample's sums are weighted sums, and all resamples are one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping

import numpy as np

from checkpoints.errors import PoseError

RESAMPLES = 1000
LEVEL = 0.95
_BLOCK = 2**24  # weights drawn at a time: bounds the memory, changes no draw


def resample(
    terms: Mapping[Hashable, np.ndarray], resamples: int = RESAMPLES, seed: int = 0
) -> dict[Hashable, np.ndarray]:
    """Sums over N people drawn with replacement, R times over.

    All terms share the draws, and so do calls with the same number of people, resamples and seed. Two methods
    on the same people are therefore paired: subtract their resampled figures.

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
    """The middle `level` of R resampled figures (R, ...): (low, high), each (...).

    A resample in which the figure is undefined (NaN: nothing annotated was drawn) is left out; where all are,
    so are low and high.
    """
    samples = np.asarray(samples)
    tails = [50 * (1 - level), 50 * (1 + level)]
    undefined = np.isnan(samples).all(axis=0)
    low, high = np.nanpercentile(np.where(undefined, 0, samples), tails, axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
