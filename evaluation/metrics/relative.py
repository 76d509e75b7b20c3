"""Errors of relative positions (Eq. 6), of two joints to each other; and of joints once the body is in its place.

Of two joints it is by the number of bones between them. One bone apart it is the bone error. The compositional loss
over P_all supervises all of them (Section 3.3), and neither PCKh nor the joint error measures those far apart: where a
hand is wrong by as much as a foot, and in the same direction, both joints are wrong and their relative position is
right. A pose that is right but for a shift has an offset alone, one in the right place but with wrong limbs a shape
error alone.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.ground_truth import GroundTruth, ratio
from heads.pairs import path_lengths


def relative_errors(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> dict[int, Estimate]:
    """|dJ(u, v) - dJ_gt(u, v)| in image pixels, a mean for each number of bones between u and v.

    Over all people, over their pairs of which both joints are annotated, and over several trainings' predictions;
    minus that of the references if there are any.

    Args:
        gt: of the same people in all of them.
        predictions, references: one or more sets, each (N, K, D) in image pixels.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Returns:
        1, 2, ... up to the longest path of the skeleton -> the mean.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    pairs = list(combinations(range(len(gt.skeleton)), 2))
    start, end = np.array(pairs, dtype=int).reshape(-1, 2).T
    lengths = np.array(path_lengths(gt.skeleton, pairs), dtype=int)
    distinct = np.unique(lengths)
    by_length = lengths[:, None] == distinct  # (P, M)
    annotated = gt.annotated[:, start] & gt.annotated[:, end]

    def sums(pred: ArrayLike) -> np.ndarray:
        error = gt.check(pred) - gt.known
        return np.nan_to_num(np.linalg.norm(error[:, end] - error[:, start], axis=-1)) @ by_length

    errors = average_errors(sums, annotated.astype(float) @ by_length, predictions, references, bootstrap)
    return dict(zip(distinct.tolist(), errors, strict=True))


def placement(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> tuple[Estimate, Estimate]:
    """The joint error in image pixels, split by one shift per person: offset and shape.

    The mean over several trainings' predictions, minus that of the references' if there are any.

    Args:
        gt: of the same people in all of them; people without an annotated joint do not count.
        predictions, references: one or more sets, each (N, K, D) in image pixels.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Returns:
        The distance between the mean of a person's predicted joints and that of the true ones, and that of the joints
        once that shift is taken back, both over the annotated joints of all people.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    count = gt.annotated.sum(axis=1)

    def sums(pred: ArrayLike) -> np.ndarray:
        """(N, 2) over a person's annotated joints: of the offset, and of what is left without it."""
        error = gt.check(pred) - gt.known
        shift = ratio(np.nansum(error, axis=1), np.maximum(count, 1)[:, None])
        left = np.nansum(np.linalg.norm(error - shift[:, None], axis=-1), axis=1)
        return np.stack([np.linalg.norm(shift, axis=-1) * count, left], axis=1)

    return tuple(average_errors(sums, np.repeat(count[:, None], 2, axis=1), predictions, references, bootstrap))


def average_errors(
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
        each = totals({"sums": np.mean([sums(each) for each in sets], axis=0), "counts": counts}, bootstrap)
        return ratio(each["sums"], each["counts"])

    return estimates(mean(predictions) - mean(references) if len(references) else mean(predictions))
