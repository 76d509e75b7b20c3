"""The error of relative positions (Eq. 6) by the number of bones between the two joints.

One bone apart it is the bone error. The compositional loss over P_all supervises all of them (Section 3.3), and neither
PCKh nor the joint error measures those far apart: where a hand is wrong by as much as a foot, and in the same
direction, both joints are wrong and their relative position is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate
from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.seeds import mean_over_seeds
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

    found = mean_over_seeds(sums, annotated.astype(float) @ by_length, predictions, references, bootstrap)
    return dict(zip(distinct.tolist(), found, strict=True))
