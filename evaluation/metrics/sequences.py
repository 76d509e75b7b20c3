"""The 3D errors of each sequence by itself: where a method fails, as the paper's Figure 2 looks at one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.ground_truth import GroundTruth, ratio
from evaluation.metrics.metric import METRICS


@dataclass(frozen=True)
class SequenceErrors:
    """The errors of one sequence, which is a single draw of the bootstrap and so has no interval.

    Attributes:
        subject, action, sequence: names, '' if they are not known.
        people: frames of it, over all cameras.
        joint_error, pa_joint_error, bone_error: mm, None if nothing was counted.
    """

    subject: str
    action: str
    sequence: str
    people: int
    joint_error: float | None
    pa_joint_error: float | None
    bone_error: float | None


def sequence_errors(pred: ArrayLike, gt: GroundTruth) -> list[SequenceErrors]:
    """The errors of every sequence, from the largest Joint Error to the smallest, undefined ones last.

    Args:
        pred: (N, K, 3) predicted joints, mm, in axes like those of the ground truth.
        gt: of the same people.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    pred, sequences = gt.check(pred), gt.sequences
    metrics = [metric for metric in METRICS[3] if metric.name in SequenceErrors.__annotations__]
    means = []
    for metric in metrics:
        values = metric.values(pred, gt)
        sums = (sequences.sum(each).sum(axis=1) for each in (np.nan_to_num(values), np.isfinite(values)))
        means.append(ratio(*sums))
    first = np.unique(sequences.index, return_index=True)[1]
    names = ["" if values is None else values[first] for values in (gt.subject, gt.action, gt.sequence)]
    people = np.bincount(sequences.index, minlength=sequences.count)
    rows = zip(*(np.broadcast_to(each, len(first)).tolist() for each in (*names, people, *means)), strict=True)
    found = [SequenceErrors(*(None if value != value else value for value in row)) for row in rows]
    return [found[row] for row in np.argsort(-means[0], kind="stable").tolist()]
