"""The 3D errors of each sequence by itself: where a method fails, as the paper's Figure 2 looks at one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bone_lengths import bone_errors
from evaluation.metrics.inputs import ratio
from evaluation.metrics.inputs_3d import GroundTruth3D
from evaluation.metrics.json_format import Json
from evaluation.metrics.mpjpe import joint_errors, pa_joint_errors


@dataclass(frozen=True)
class SequenceErrors:
    """The errors of one sequence, which is a single draw of the bootstrap and so has no interval.

    Attributes:
        subject, action, sequence: names, '' if they are not known.
        people: frames of it, over all cameras.
        joint_error, pa_joint_error, bone_error: mm, as in `evaluate_3d`; None if nothing was counted.
    """

    subject: str
    action: str
    sequence: str
    people: int
    joint_error: float | None
    pa_joint_error: float | None
    bone_error: float | None


def sequence_errors(pred: ArrayLike, gt: GroundTruth3D) -> list[SequenceErrors]:
    """The errors of every sequence, from the largest Joint Error to the smallest, undefined ones last.

    Args:
        pred: (N, K, 3) predicted joints, mm, in axes like those of the ground truth.
        gt: of the same people.

    Raises:
        PoseError: as `evaluate_3d`.
    """
    pred, known = gt.check(pred), gt.known
    errors = (joint_errors(pred, known, gt.skeleton.root), pa_joint_errors(pred, known),
              bone_errors(pred, known, gt.skeleton))  # fmt: skip
    sequences = gt.sequences
    means = np.stack([_means(each, gt) for each in errors], axis=-1)
    first = np.unique(sequences.index, return_index=True)[1]
    names = [np.full(len(first), "") if values is None else values[first]
             for values in (gt.subject, gt.action, gt.sequence)]  # fmt: skip
    people = np.bincount(sequences.index, minlength=sequences.count)
    return [
        SequenceErrors(*(str(name[row]) for name in names), int(people[row]), *(_value(mean) for mean in means[row]))
        for row in np.argsort(-means[:, 0], kind="stable").tolist()
    ]


def sequences_to_json(found: list[SequenceErrors]) -> Json:
    """[{"subject", "action", "sequence", "persons", "joint_error", "pa_joint_error", "bone_error"}], errors in mm."""
    trees = [asdict(each) for each in found]
    return [{("persons" if key == "people" else key): value for key, value in tree.items()} for tree in trees]


def _means(errors: np.ndarray, gt: GroundTruth3D) -> np.ndarray:
    """(Q,) mean of errors (N, P) that are counted, NaN if none is."""
    counted = np.isfinite(errors)
    sums = gt.sequences.sums(np.where(counted, errors, 0)), gt.sequences.sums(counted)
    return ratio(*(each.sum(axis=1) for each in sums))


def _value(mean: float) -> float | None:
    return float(mean) if np.isfinite(mean) else None
