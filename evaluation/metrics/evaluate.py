"""All figures of a set of predictions as one JSON-ready dict, and the paired difference of two sets.

Each person adds terms (correct joints, distances, counts) to sums; each figure is a ratio of sums. One function,
`figures`, makes the figures from the sums of the dataset and from those of its bootstrap resamples alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import LEVEL, RESAMPLES, percentile_interval, resample
from evaluation.metrics.conventions import GROUPS, OUTSIDE_MEAN, Convention, get_convention, members
from evaluation.metrics.distances import bone_distances, bone_names, joint_distances
from evaluation.metrics.inputs import has_size, ratio
from evaluation.metrics.pckh import CURVE, area, check_thresholds, normalized_distances, scores
from heads.skeleton import MPII, Skeleton

Tree = dict[str, Any]  # nested dicts of figures, as JSON has them
UNITS = ("image_px", "crop_px")


def evaluate(
    pred: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    convention: str | Convention = "official",
    intervals: bool = False,
    thresholds: Sequence[float] = (0.5, 0.1),
    skeleton: Skeleton = MPII,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Tree:
    """PCKh, its curve and area, joint and bone error of N people, ready for JSON.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: (N, K, D) true joints, the same pixels; NaN where not annotated.
        head_size: (N,) image pixels; NaN or not positive: the person is left out of PCKh, and counted.
        scale: (N,) MPII's scale; NaN, not positive or None: left out of the errors in crop pixels, and counted.
        annotated: (N, K) bool; None takes the joints where `gt` is finite.
        convention: how PCKh is counted, see `conventions`.
        intervals: whether to add 95 % bootstrap intervals over people.
        thresholds: of PCKh; 0.5 becomes the key "0.5".
        skeleton: names and parents of the K joints.
        resamples, seed: of the bootstrap.

    Returns:
        {"convention", "persons", "persons_without_head_size", "persons_without_scale",
        "pckh": {"0.5": {"per_joint": {joint: %}, "groups": {"Head": %, ..., "Mean": %}, "upper_body": %}, ...},
        "pckh_auc": %, "pckh_curve": {"0.00": %, "0.01": %, ..., "0.50": %}, both of the Mean,
        "joint_error": {"image_px", "crop_px", "per_joint": {joint: {"image_px", "crop_px"}}},
        "bone_error": {"image_px", "crop_px", "per_bone": {child joint: {"image_px", "crop_px"}}},
        "counts": {"pckh": {"mean", "per_joint"}, "joint_error": {"joints", "per_joint"},
        "bone_error": {"bones", "per_bone"}}}; None stands for a figure of which nothing was counted.
        With intervals each threshold of "pckh", "joint_error", "bone_error" and the whole hold an "interval",
        which repeats the figures beside it as [low, high]; `look_up` finds both.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a bad threshold, an
            unknown convention.
    """
    convention, thresholds = get_convention(convention), check_thresholds(thresholds)
    terms = person_terms(pred, gt, head_size, scale, annotated, convention, thresholds, skeleton)
    sums = {name: term.sum(axis=0) for name, term in terms.items()}
    result = _map(_number, figures(sums, convention, thresholds, skeleton))
    if intervals:
        spread = figures(resample(terms, resamples, seed), convention, thresholds, skeleton)
        _attach(result, _map(_interval, spread), resamples, seed)
    people = len(terms["scored"])
    return {
        "convention": convention.name,
        "persons": people,
        "persons_without_head_size": people - int(sums["head_size_known"]),
        "persons_without_scale": people - int(sums["scale_known"]),
        **result,
        "counts": _counts(sums, skeleton),
    }


def compare(
    pred: ArrayLike,
    reference: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    scale: ArrayLike | None = None,
    annotated: ArrayLike | None = None,
    *,
    convention: str | Convention = "official",
    thresholds: Sequence[float] = (0.5, 0.1),
    skeleton: Skeleton = MPII,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Tree:
    """How much two sets of predictions for the same people differ: each figure of `pred` less `reference`'s.

    The intervals are paired: both sets see the same resampled people, so what makes a person hard for both
    cancels. A difference is beyond chance where its interval leaves out 0.

    Args, Raises: as `evaluate`, with reference (N, K, D) like `pred`.

    Returns:
        {"convention", "persons", "pckh", "pckh_auc", "pckh_curve", "joint_error", "bone_error", "interval"} as
        `evaluate` with intervals, of differences: percentage points and pixels.
    """
    convention, thresholds = get_convention(convention), check_thresholds(thresholds)
    totals, draws = [], []
    for joints in (pred, reference):
        terms = person_terms(joints, gt, head_size, scale, annotated, convention, thresholds, skeleton)
        sums = {name: term.sum(axis=0) for name, term in terms.items()}
        totals.append(figures(sums, convention, thresholds, skeleton))
        draws.append(figures(resample(terms, resamples, seed), convention, thresholds, skeleton))
    result = _map(lambda ours, theirs: _number(ours - theirs), *totals)
    _attach(result, _map(lambda ours, theirs: _interval(ours - theirs), *draws), resamples, seed)
    return {"convention": convention.name, "persons": len(terms["scored"]), **result}


def person_terms(
    pred: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    scale: ArrayLike | None,
    annotated: ArrayLike | None,
    convention: Convention,
    thresholds: Sequence[float],
    skeleton: Skeleton,
) -> dict[str, np.ndarray]:
    """What each of N people adds to the sums. Args, Raises: as `evaluate`.

    Returns:
        'correct' (N, T + 51, K) joints correct at the T thresholds and along the curve; 'scored' (N, K);
        'joint_distance', 'joint_count' (N, 2, K) and 'bone_distance', 'bone_count' (N, 2, K - 1), in image
        and in crop pixels; 'head_size_known', 'scale_known' (N,).
    """
    distances = normalized_distances(pred, gt, head_size, annotated, joint_names=skeleton.names)
    joints = joint_distances(pred, gt, scale, annotated, skeleton=skeleton)
    bones = bone_distances(pred, gt, scale, annotated, skeleton=skeleton)
    grid = np.concatenate([thresholds, CURVE])
    scale = np.full(len(distances), np.nan) if scale is None else np.asarray(scale, dtype=np.float64)
    return {
        "correct": convention.correct(distances[:, None], grid[:, None]),
        "scored": np.isfinite(distances),
        "joint_distance": joints.values,
        "joint_count": joints.counted,
        "bone_distance": bones.values,
        "bone_count": bones.counted,
        "head_size_known": has_size(np.asarray(head_size, dtype=np.float64)),
        "scale_known": has_size(scale),
    }


def figures(
    sums: dict[str, np.ndarray], convention: Convention, thresholds: Sequence[float], skeleton: Skeleton
) -> Tree:
    """Every figure from the sums of `person_terms` over people, as a tree of arrays.

    Args:
        sums: the terms, summed; a leading shape `...` is () for the dataset and (R,) for its resamples.
        convention, thresholds, skeleton: as for `person_terms`.

    Returns:
        The figures of `evaluate`, each an array (...).
    """
    names, wanted = skeleton.names, len(thresholds)
    pckh = scores(sums["correct"], sums["scored"][..., None, :], convention, names)
    curve = pckh.groups[..., wanted:, -1]

    def named(values: np.ndarray, keys: Sequence[str]) -> Tree:
        return {key: values[..., column] for column, key in enumerate(keys)}

    def error(part: str, parts: Sequence[str]) -> Tree:
        total, count = sums[f"{part}_distance"], sums[f"{part}_count"]
        each = ratio(total, count)
        return {
            **named(ratio(total.sum(axis=-1), count.sum(axis=-1)), UNITS),
            f"per_{part}": {name: named(each[..., column], UNITS) for column, name in enumerate(parts)},
        }

    return {
        "pckh": {
            f"{threshold:g}": {
                "per_joint": named(pckh.per_joint[..., row, :], names),
                "groups": named(pckh.groups[..., row, :], GROUPS),
                "upper_body": pckh.upper_body[..., row],
            }
            for row, threshold in enumerate(thresholds)
        },
        "pckh_auc": area(curve),
        "pckh_curve": named(curve, [f"{threshold:.2f}" for threshold in CURVE]),
        "joint_error": error("joint", names),
        "bone_error": error("bone", bone_names(skeleton)),
    }


def look_up(result: Tree, *path: str) -> tuple[float | None, tuple[float, float] | None]:
    """A figure of `evaluate` or `compare` and its interval, None where there is none.

    Example: `look_up(result, "pckh", "0.5", "groups", "Mean")` gives (88.4, (87.7, 89.1)).
    Raises KeyError for a path that leads nowhere.
    """
    interval = None
    node = result
    for depth, key in enumerate(path):
        if "interval" in node:
            interval = _follow(node["interval"], path[depth:]) or interval
        node = node[key]
    known = interval is not None and None not in interval
    return node, tuple(interval) if known else None


def _follow(node: Any, path: Sequence[str]) -> Any:
    for key in path:
        if key not in node:
            return None
        node = node[key]
    return node


def _attach(result: Tree, spread: Tree, resamples: int, seed: int) -> None:
    """Put each block's intervals beside its figures, and how they were drawn beside the whole's."""
    for threshold, block in spread["pckh"].items():
        result["pckh"][threshold]["interval"] = block
    for name in ("joint_error", "bone_error"):
        result[name]["interval"] = spread[name]
    result["interval"] = {
        "level": LEVEL,
        "resamples": resamples,
        "seed": seed,
        "pckh_auc": spread["pckh_auc"],
        "pckh_curve": spread["pckh_curve"],
    }


def _counts(sums: dict[str, np.ndarray], skeleton: Skeleton) -> Tree:
    names = skeleton.names
    in_mean = ~members(names, OUTSIDE_MEAN)

    def named(counts: np.ndarray, keys: Sequence[str]) -> dict[str, int]:
        return dict(zip(keys, counts.tolist(), strict=True))

    joints, bones = sums["joint_count"][0], sums["bone_count"][0]
    return {
        "pckh": {"mean": int(sums["scored"][in_mean].sum()), "per_joint": named(sums["scored"], names)},
        "joint_error": {"joints": int(joints.sum()), "per_joint": named(joints, names)},
        "bone_error": {"bones": int(bones.sum()), "per_bone": named(bones, bone_names(skeleton))},
    }


def _map(function: Callable[..., Any], *trees: Any) -> Any:
    """The same tree with `function` of the leaves in place of each leaf."""
    if isinstance(trees[0], dict):
        return {key: _map(function, *(tree[key] for tree in trees)) for key in trees[0]}
    return function(*trees)


def _number(value: np.ndarray) -> float | None:
    return float(value) if math.isfinite(value) else None


def _interval(samples: np.ndarray) -> list[float | None]:
    return [_number(bound) for bound in percentile_interval(samples)]
