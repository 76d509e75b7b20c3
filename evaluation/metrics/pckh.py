"""PCKh (Andriluka et al., CVPR 2014): the share of joints within a fraction of the head size of the ground truth.

PCK is the same in another unit (`evaluation.metrics.conventions`), which the ground truth knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.conventions import Convention, Measure, get_convention, joint_groups, members, select_mean
from evaluation.metrics.ground_truth import GroundTruth, has_size, ratio
from evaluation.metrics.scores import Measured, Score, Scores, to_score
from heads.skeleton import Skeleton

UPPER_BODY = ("shoulder", "elbow", "wrist")  # the official toolkit's UBody
CURVE = np.arange(51) / 100  # the thresholds 0, 0.01, ..., 0.5 of the official toolkit's curve


def pckh(
    pred: ArrayLike,
    gt: GroundTruth,
    *,
    thresholds: Sequence[float] | None = None,
    convention: str | Convention = "official",
) -> Scores:
    """PCKh of N people, or PCK in the ground truth's measure.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: of the same people; people without a head size are not scored, and counted in `left_out`.
        thresholds: fractions of the head size, each > 0; None: the measure's.
        convention: 'official', 'hrnet', 'mmpose' or 'pytorch-pose', or a `Convention` of your own.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention.
    """
    convention = get_convention(convention)
    thresholds = check_thresholds(gt.measure.thresholds if thresholds is None else thresholds)
    scores = score_distances(measure_distances(pred, gt), thresholds, convention, gt.skeleton, gt.measure)
    left_out = {f"without_{gt.measure.size}": int((~has_size(gt.size)).sum())}
    return Scores(len(gt), scores, left_out, len(gt), convention.name, gt.measure)


def score_distances(
    distances: np.ndarray, thresholds: Sequence[float], convention: Convention, skeleton: Skeleton, measure: Measure
) -> dict[str, Score]:
    """PCKh at each threshold, and the curve, of distances (N, K) of `measure_distances`. The others: `measure_pckh`."""
    correct = CorrectJoints([distances], thresholds, convention)[:].sum(axis=0)[None]
    measured = measure_pckh(
        correct, (~np.isnan(distances)).sum(axis=0)[None], thresholds, convention, skeleton, measure
    )
    return {name: to_score(*each) for name, each in measured.items()}


@dataclass(frozen=True, eq=False)
class CorrectJoints:
    """Which joints are correct at T thresholds and those of `CURVE`: a term of `totals`, `self[rows]` (n, T + 51, K).

    It is made for some people at a time, since that of all takes a kilobyte a person.

    Attributes:
        distances: (N, K) each, those of `measure_distances`, of one or more predictions, whose mean it is.
        thresholds, convention: which are correct.
    """

    distances: Sequence[np.ndarray]
    thresholds: Sequence[float]
    convention: Convention

    def __len__(self) -> int:
        return len(self.distances[0])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        thresholds = np.concatenate([self.thresholds, CURVE])[:, None]
        correct = [self.convention.correct(each[rows][:, None], thresholds) for each in self.distances]
        return np.mean(correct, axis=0) if len(correct) > 1 else correct[0]


def measure_distances(pred: ArrayLike, gt: GroundTruth) -> np.ndarray:
    """(N, K) distances of predicted joints (N, K, D) from the ground truth, in head sizes; NaN if not scored.

    Not scored are joints that are not annotated and people whose head size is NaN or not positive. Published numbers
    hold exact ties with a threshold, so the order matters: distance, then over head size.

    What is given and raised: see `pckh`.
    """
    pred, sized = gt.check(pred), has_size(gt.size)
    distances = ratio(np.linalg.norm(pred - gt.joints, axis=-1), np.where(sized, gt.size, 0)[:, None])
    return np.where(gt.annotated & sized[:, None], distances, np.nan)


def measure_pckh(
    correct: np.ndarray,
    annotated: np.ndarray,
    thresholds: Sequence[float],
    convention: Convention,
    skeleton: Skeleton,
    measure: Measure,
) -> Measured:
    """Percentages at each threshold, and the curve, from the numbers of correct and of annotated joints.

    A group is the mean of its joints' percentages (those that anybody annotated), as in all four toolkits.

    Args:
        correct: (S, T + 51, K) correct joints, summed over people.
        annotated: (S, K) annotated joints, summed over the same people.
        thresholds: T.
        convention: which joints make the Head, and how the Mean is taken.
        skeleton, measure: of the ground truth.
    """
    counts, in_mean = annotated[0].astype(int), select_mean(skeleton)
    counted = dict(zip(skeleton.names, counts.tolist(), strict=True)), int(counts[in_mean].sum())
    annotated = annotated[:, None]
    mean = AVERAGES[convention.mean](correct, annotated, in_mean)
    correct, curve = correct[:, : -len(CURVE)], mean[:, -len(CURVE) :]
    members_of = joint_groups(skeleton, convention.head)
    groups = np.stack(
        [*(average_joints(correct, annotated, mask) for mask in members_of.values()), mean[:, : -len(CURVE)]], axis=-1
    )
    arrays = {
        "overall": groups[..., -1],
        "per_part": 100 * ratio(correct, annotated),
        "groups": groups,
        "upper_body": pool_joints(correct, annotated, members(skeleton.names, UPPER_BODY)),
    }
    names = {"per_part": skeleton.names, "groups": (*members_of, "Mean"), "curve": CURVE.tolist()}
    measured = {
        measure.name_at(threshold): ({key: values[:, index] for key, values in arrays.items()}, names, *counted)
        for index, threshold in enumerate(thresholds)
    }
    area = (curve[:, 1:] + curve[:, :-1]).mean(axis=-1) / 2
    return {**measured, f"{measure.block}_curve": ({"overall": area, "curve": curve}, names, {}, 0)}


def pool_joints(correct: np.ndarray, annotated: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(...) percentages of correct joints (..., K) among the annotated ones of a mask (K,), all together."""
    return 100 * ratio((correct * mask).sum(axis=-1), (annotated * mask).sum(axis=-1))


def average_joints(correct: np.ndarray, annotated: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(...) means of the joints' own percentages, from correct and annotated joints (..., K) of a mask (K,)."""
    known = (annotated > 0) & mask
    return ratio(np.where(known, 100 * ratio(correct, annotated), 0).sum(axis=-1), known.sum(axis=-1))


AVERAGES = {"micro": pool_joints, "macro": average_joints}  # how a convention takes the Mean


def check_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    """The thresholds as floats. Raises PoseError for one that is not positive and finite."""
    values = tuple(float(threshold) for threshold in thresholds)
    if not values or not all(0 < value < np.inf for value in values):
        raise PoseError(f"PCKh thresholds must be positive fractions of the head size, found {values}")
    return values
