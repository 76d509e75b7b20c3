"""All metrics of a set of predictions, and the paired difference of two sets, in 2D and in 3D.

Each person adds terms (correct joints, distances, counts) to sums over people or sequences; each metric is a function
of sums, for the dataset and for its bootstrap resamples identically.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, totals
from evaluation.metrics.conventions import Convention, get_convention, name_kind
from evaluation.metrics.errors import MIN_ALIGNED, length_moments
from evaluation.metrics.ground_truth import GroundTruth, has_size, nan_mean, ratio
from evaluation.metrics.kinds import classify_errors, kind_terms, measure_kinds
from evaluation.metrics.origin import origin_warning
from evaluation.metrics.pckh import CorrectJoints, check_thresholds, measure_distances, measure_pckh
from evaluation.metrics.scores import METRICS, Arrays, Measured, Metric, Score, Scores, to_score


def evaluate(
    pred: ArrayLike,
    gt: GroundTruth,
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap | None = None,
) -> Scores:
    """Every metric of N people: in 2D PCKh with its curve and area, kinds of error, joint and bone error; in 3D Section
    5.1's metrics.

    Predictions that seem to count their pixels from another origin are scored as they are, with a warning.
    Only annotated joints count, in the predictions' own Bone Std and Illegal Angle as well, so that what the ground
    truth scores is of the same bones and angles.

    Args:
        pred: (N, K, D) predicted joints: image pixels in 2D; mm in 3D, in axes like those of the ground truth.
        gt: of the same people.
        convention: how PCKh is counted, see `conventions`.
        thresholds: of PCKh, fractions of the head size; None: those of the ground truth's measure.
        bootstrap: how to draw 95 % confidence intervals over people, or their sequences; None: without.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention, a skeleton without MPII's joints where there are limits of its angles.
    """
    _warn_origin(gt, pred)
    return score_means(gt, [pred], convention=convention, thresholds=thresholds, bootstrap=bootstrap)


def compare(
    pred: ArrayLike,
    reference: ArrayLike,
    gt: GroundTruth,
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
) -> Scores:
    """How much two sets of predictions for the same people differ: each metric of `pred` minus `reference`'s.

    The confidence intervals are paired: both sets see the same resampled people, so what makes a person hard for both
    cancels. A difference is beyond chance if its interval leaves out 0.

    Args:
        pred, reference: (N, K, D) each. The others: see `evaluate`, which also lists what is raised.
    """
    _warn_origin(gt, pred, reference)
    return score_means(gt, [pred], [reference], convention=convention, thresholds=thresholds, bootstrap=bootstrap)


def score_means(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] | None = None,
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> Scores:
    """The mean of the scores of several trainings' predictions, minus the mean of the references' if there are any.

    Args:
        predictions, references: one or more sets, each (N, K, D), of the same people, who are resampled for all
            identically; in 3D, where Bone Std is no mean, one of each.

    The others, and what is raised: see `evaluate`.
    """
    if gt.dimensions not in METRICS:
        raise PoseError(f"poses have {gt.dimensions} dimensions; there are metrics of 2 (pixels) and of 3 (mm)")
    if gt.dimensions == 3 and len(predictions) > 1:
        raise PoseError("the mean over several trainings is of scores in 2D; score poses in 3D one by one")
    rules = get_convention(convention), check_thresholds(gt.measure.thresholds if thresholds is None else thresholds)
    paired = len(references) > 0
    theirs = _measure(gt, references, *rules, bootstrap, paired) if paired else {}
    scores = {}
    for name, (arrays, *rest) in _measure(gt, predictions, *rules, bootstrap, paired).items():
        if paired:
            arrays = {key: values - theirs[name][0][key] for key, values in arrays.items()}
        scores[name] = to_score(arrays, *rest)
    shared: dict[str, Any] = {"sequences": gt.sequences.count, "protocol": gt.protocol, "bootstrap": bootstrap}
    if gt.dimensions == 2:
        left_out = {f"without_{gt.measure.size}": ~has_size(gt.size), "without_scale": ~has_size(gt.scale)}
        shared |= {"convention": rules[0].name, "measure": gt.measure, "by_oks": gt.area is not None}
    else:
        few = gt.annotated.sum(axis=1) < MIN_ALIGNED
        left_out = {"without_root": ~gt.annotated[:, gt.skeleton.root], "unaligned": few}
    return Scores(len(gt), scores, {why: int(people.sum()) for why, people in left_out.items()}, **shared)


def joint_error(pred: ArrayLike, gt: GroundTruth, *, crop: bool = False) -> Score:
    """Mean distance between predicted and true joints, over all annotated joints; in 3D once the roots coincide.

    Args:
        pred: (N, K, D) predicted joints, image pixels or mm.
        gt: of the same people.
        crop: in 2D in pixels of the 224 x 224 crop; else in image pixels.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    return evaluate(pred, gt)["joint_error_crop" if crop else "joint_error"]


def bone_error(pred: ArrayLike, gt: GroundTruth, *, crop: bool = False) -> Score:
    """Mean distance between predicted and true bone vectors, over all bones with both ends annotated.

    The root has no bone. What is given and raised: see `joint_error`.
    """
    return evaluate(pred, gt)["bone_error_crop" if crop else "bone_error"]


def person_errors(pred: ArrayLike, gt: GroundTruth) -> np.ndarray:
    """(N,) mean joint error over each person's annotated joints; NaN without. Predictions: see `evaluate`.

    In 2D in head sizes (or the ground truth's measure), in 3D Joint Error in mm.
    """
    errors = nan_mean(METRICS[gt.dimensions][0].values(gt.check(pred), gt), axis=1)
    return errors / np.where(has_size(gt.size), gt.size, np.nan) if gt.dimensions == 2 else errors


def _warn_origin(gt: GroundTruth, *predictions: ArrayLike) -> None:
    for pred in predictions:
        if gt.dimensions == 2 and (warning := origin_warning(gt.check(pred), gt)):
            warnings.warn(warning, stacklevel=3)


def _measure(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    convention: Convention,
    thresholds: tuple[float, ...],
    bootstrap: Bootstrap | None,
    paired: bool,
) -> Measured:
    """Every metric, as means over the predictions.

    What is counted does not depend on the predictions, and every metric in 2D is linear in the rest: the terms' mean
    over the predictions gives the metrics' mean, and people are resampled once for all of them.
    """
    checked, terms = [gt.check(pred) for pred in predictions], {}
    if gt.dimensions == 2:
        correct = CorrectJoints([measure_distances(pred, gt) for pred in checked], thresholds, convention)
        terms |= {"correct": gt.sequences.sum(correct), "scored": gt.sequences.sum(~np.isnan(correct.distances[0]))}
        kinds = [classify_errors(pred, gt, convention=convention) for pred in checked]
        terms |= {name: gt.sequences.sum(term) for name, term in kind_terms(kinds, gt).items()}
    counted = {}  # of each metric (P,) people of each part
    for metric in METRICS[gt.dimensions]:
        if (metric.of_gt and paired) or (metric.part == "angle" and not gt.angle_limits):
            continue
        values = sum(metric.values(pred, gt) for pred in checked) / len(checked)  # (N, P), NaN if not counted
        counted[metric] = np.isfinite(values).sum(axis=0)
        terms |= {(metric, kind): term for kind, term in _terms(metric, values, gt).items()}
    del checked, values  # before the draws, which take memory too
    sums = totals(terms, bootstrap, len(gt))
    measured: Measured = {}
    if gt.dimensions == 2:
        measured |= measure_pckh(sums["correct"], sums["scored"], thresholds, convention, gt.skeleton, gt.measure)
        measured |= measure_kinds(sums["kinds"], sums["parts"], convention, gt)
    first = {metric.block: people for metric, people in reversed(counted.items())}  # of those in several units
    for metric in counted:
        own = {key[1]: total for key, total in sums.items() if key[0] == metric}
        measured[metric.name] = _score_metric(metric, own, first[metric.block], gt)
    return measured


def _terms(metric: Metric, values: np.ndarray, gt: GroundTruth) -> dict[str, np.ndarray]:
    """What each sequence adds to sums.

    Of a mean to those of P parts, then of S subjects and A actions, (Q, P + S + A) each; of a standard deviation to
    those of each subject, (Q, S, P, 3).
    """
    sequences = gt.sequences
    if metric.std:
        members = sequences.members[:, : len(sequences.subjects), None, None]
        sums = np.stack([sequences.sum(moment) for moment in length_moments(values)], axis=-1)
        return {"moments": members * sums[:, None]}
    counted, terms = np.isfinite(values), {}
    for kind, each in (("sum", np.where(counted, values, 0)), ("count", counted)):
        terms[kind] = sums = sequences.sum(np.ascontiguousarray(each))  # another order adds up to other last digits
        if sequences.members.size:
            terms[kind] = np.concatenate([sums, sequences.members * sums.sum(axis=-1, keepdims=True)], axis=-1)
    return terms


def _score_metric(
    metric: Metric, sums: dict[str, np.ndarray], counted: np.ndarray, gt: GroundTruth
) -> tuple[Arrays, dict[str, Sequence], dict[str, int], int]:
    """What `to_score` takes of one metric, from the sums of `_terms`. `counted`: (P,) people of each part."""
    parts, sequences = metric.parts(gt.skeleton), gt.sequences
    kinds = [name_kind(gt.skeleton.index(part), gt.skeleton) for part in parts]
    names = {"per_part": parts, "per_kind": list(dict.fromkeys(kinds)), "per_subject": sequences.subjects}
    names["per_action"] = () if metric.std else sequences.actions
    of_kind = np.array(kinds, dtype=object)[:, None] == np.array(names["per_kind"], dtype=object)
    if metric.std:
        arrays = _stds(sums["moments"], of_kind)
    else:
        arrays = _means(sums["sum"], sums["count"], of_kind, len(sequences.subjects))
    if gt.dimensions == 2:
        arrays = {key: arrays[key] for key in ("overall", "per_part")}
    return arrays, names, dict(zip(parts, counted.tolist(), strict=True)), int(counted.sum())


def _means(total: np.ndarray, count: np.ndarray, of_kind: np.ndarray, subjects: int) -> Arrays:
    """Means from sums of values and of how many there are, both (1 + R, P + S + A); (P, C) the kinds of the parts."""
    parts = len(of_kind)
    each, whole = ratio(total, count), (total[:, :parts], count[:, :parts])
    return {
        "overall": ratio(*(sums.sum(axis=1) for sums in whole)),
        "per_part": each[:, :parts],
        "action_mean": nan_mean(each[:, parts + subjects :], axis=1),
        "per_action": each[:, parts + subjects :],
        "per_subject": each[:, parts : parts + subjects],
        "per_kind": ratio(*(sums @ of_kind for sums in whole)),
    }


def _stds(sums: np.ndarray, of_kind: np.ndarray) -> Arrays:
    """Means over subjects and parts of standard deviations, NaN of fewer than two lengths.

    Args:
        sums: (1 + R, S, P, 3) of `length_moments`.
        of_kind: (P, C) the kinds of the parts.
    """
    count, total, squares = np.moveaxis(sums, -1, 0)
    count = np.where(count < 2, 0, count)
    each = np.sqrt(np.maximum(ratio(squares, count) - ratio(total, count) ** 2, 0))
    return {
        "overall": nan_mean(each.reshape(len(each), each.shape[1] * each.shape[2]), axis=1),
        "per_part": nan_mean(each, axis=1),
        "action_mean": np.full(len(each), np.nan),
        "per_action": np.zeros((len(each), 0)),
        "per_subject": nan_mean(each, axis=2),
        "per_kind": ratio(np.nansum(each, axis=1) @ of_kind, np.isfinite(each).sum(axis=1) @ of_kind),
    }
