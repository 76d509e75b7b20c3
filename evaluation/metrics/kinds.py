"""Kinds of error (Ronchi and Perona, ICCV 2017): what a joint was mistaken for, and what repairing it would gain.

A joint is good or jitters near its own place, else it lies on its mirror joint (inversion), else on that joint or its
mirror of another person of the image (swap), else nowhere (miss). The limits are those of the ground truth's measure:
good within its main threshold, jitter within twice that, on another joint within the main threshold, so that the good
joints are those that PCKh counts as correct: 0.5 and 1 head sizes, 0.2 and 0.4 torsos, 0.05 and 0.1 box sides. Where it
has areas they are the paper's: a similarity of 0.85, 0.5 and 0.5.

The shares of the five kinds are metrics of `evaluate`. Without areas that of `good` is PCKh itself; the Mean of another
is what it would gain if all joints of that kind were right.

The paper's code (coco-analyze) takes the most similar of all these joints instead of the first in this order. The two
differ where a joint is near two of them, such as its own place and its mirror joint's.
"""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import split_rows
from evaluation.metrics.conventions import Convention, get_convention, joint_groups, select_mean
from evaluation.metrics.ground_truth import GroundTruth, has_size, ratio
from evaluation.metrics.pckh import AVERAGES, average_joints, measure_distances
from evaluation.metrics.scores import Measured

KINDS = ("good", "jitter", "inversion", "swap", "miss")
GOOD, JITTER, INVERSION, SWAP, MISS = range(len(KINDS))
SIMILARITIES = (0.85, 0.5, 0.5)  # of good, jitter, and another joint: exp(-d^2 / 2), d in 2 sigma sqrt(area)
PARTS = ("small", "medium", "large", "occluded", "visible")  # thirds of the people by size; visibility of joints


def classify_errors(pred: ArrayLike, gt: GroundTruth, *, convention: str | Convention = "official") -> np.ndarray:
    """The kind of error of every annotated joint.

        gt = GroundTruth(joints, head_size, image=names)
        kinds = classify_errors(pred, gt)
        print(np.argwhere(kinds == KINDS.index("swap")))  # person, joint
        print(evaluate(pred, gt)["kind_swap"].overall.value)  # 0.9 points of PCKh are lost to swaps

    Args:
        pred: (N, K, 2) predicted joints, image pixels.
        gt: of the same people. Without `image` nothing is a swap. A joint's distance from that of a neighbor is in the
            neighbor's size, or in the person's own where that is unknown.
        convention: whether a joint exactly at a limit is within it, see `conventions`.

    Returns:
        (N, K) int8 places in `KINDS`; -1 for joints that are not annotated, and of people of unknown size.

    Raises:
        PoseError: see `pckh`; poses in 3D; OKS without sigmas.
    """
    if gt.dimensions != 2:
        raise PoseError("kinds of error are those of poses in 2D, in image pixels")
    if gt.area is not None and not gt.skeleton.sigmas:
        raise PoseError("kinds of error by OKS need a sigma per joint, and the skeleton has none; add `sigmas`")
    scale, (good, jitter, near) = 1.0, gt.measure.main * np.array((1, 2, 1))
    if gt.area is not None:
        gt, scale = replace(gt, size=_sizes(gt)), 2 * np.array(gt.skeleton.sigmas)
        good, jitter, near = np.sqrt(-2 * np.log(SIMILARITIES))
    rule, pred, mirror = get_convention(convention), gt.check(pred), list(gt.skeleton.flip_permutation)
    own = measure_distances(pred, gt) / scale
    flipped, known = np.empty_like(own), gt.known
    for rows in split_rows(len(gt)):
        gap = np.linalg.norm(pred[rows] - known[rows][:, mirror], axis=-1)
        flipped[rows] = ratio(gap, gt.size[rows, None]) / scale
    kinds = np.full(own.shape, MISS, np.int8)
    for kind, within in ((INVERSION, rule.correct(flipped, near)), (JITTER, rule.correct(own, jitter)),
                         (GOOD, rule.correct(own, good)), (-1, np.isnan(own))):  # fmt: skip
        kinds[within] = kind
    if gt.image is not None:
        kinds[(kinds == MISS) & rule.correct(_neighbor_distances(pred, gt, kinds == MISS) / scale, near)] = SWAP
    return kinds


def kind_terms(kinds: Sequence[np.ndarray], gt: GroundTruth) -> dict[str, np.ndarray]:
    """What each person adds to sums: joints of each kind, (N, 5, K), and of each of P parts of the data, (N, P, 5).

    Args:
        kinds: of one or more sets of predictions, whose mean the terms are.
    """
    sets = [each[:, None] == np.arange(len(KINDS))[:, None] for each in kinds]
    joints, in_mean = np.mean(sets, axis=0) if len(sets) > 1 else sets[0], select_mean(gt.skeleton)
    sized, size = (kinds[0] >= 0).any(axis=1), _sizes(gt)
    edges = np.quantile(size[sized], (1 / 3, 2 / 3)) if sized.any() else np.zeros(2)
    third = np.searchsorted(edges, size) if edges[0] < edges[1] else np.full(len(gt), -1)
    masks = [*((third == part)[:, None] for part in range(3)), gt.visible == 0, gt.visible == 1]
    parts = np.empty((len(gt), len(masks), len(KINDS)), np.float32 if len(sets) == 1 else float)  # whole numbers of one
    for place, mask in enumerate(masks):
        parts[:, place] = (joints * (mask & in_mean)[:, None]).sum(axis=-1)
    return {"kinds": joints, "parts": parts}


def measure_kinds(kinds: np.ndarray, parts: np.ndarray, convention: Convention, gt: GroundTruth) -> Measured:
    """Percentages of each kind, as `kind_good`, ..., from the sums of `kind_terms`, (S, 5, K) and (S, P, 5)."""
    names, in_mean, counts = gt.skeleton.names, select_mean(gt.skeleton), kinds.sum(axis=1, keepdims=True)
    groups = joint_groups(gt.skeleton, convention.head)
    means = [average_joints(kinds, counts, mask) for mask in groups.values()]
    mean = AVERAGES[convention.mean](kinds, counts, in_mean)
    arrays = {
        "overall": mean, "per_part": 100 * ratio(kinds, counts), "groups": np.stack([*means, mean], axis=-1),
        "parts": 100 * ratio(parts, parts.sum(axis=-1, keepdims=True)).swapaxes(1, 2),
    }  # fmt: skip
    columns = {"per_part": names, "groups": (*groups, "Mean"), "parts": PARTS}
    counted = dict(zip(names, counts[0, 0].astype(int).tolist(), strict=True)), int(counts[0, 0, in_mean].sum())
    return {
        f"kind_{kind}": ({key: values[:, place] for key, values in arrays.items()}, columns, *counted)
        for place, kind in enumerate(KINDS)
    }


def _sizes(gt: GroundTruth) -> np.ndarray:
    return gt.size if gt.area is None else np.sqrt(gt.area)


def _neighbor_distances(pred: np.ndarray, gt: GroundTruth, asked: np.ndarray) -> np.ndarray:
    """(N, K) distances, in sizes, from the nearest of the same joint and its mirror joint of the image's other people.

    Args:
        asked: (N, K) joints that are asked for; people without any get NaN, and so does who is alone.
    """
    everybody, mirror = [gt, *[gt.others][: gt.others is not None]], list(gt.skeleton.flip_permutation)
    joints, size = (np.concatenate([*map(values, everybody)]) for values in (attrgetter("known"), _sizes))
    number = np.unique(np.concatenate([each.image for each in everybody]), return_inverse=True)[1]
    order, counts = np.argsort(number, kind="stable"), np.bincount(number)
    start = (np.cumsum(counts) - counts)[number]
    nearest, rows = np.full(asked.shape, np.nan), np.flatnonzero(asked.any(axis=1))
    for place in range(counts[number[rows]].max(initial=0)):  # the first, second, ... person of an image
        rows = rows[counts[number[rows]] > place]
        other = order[start[rows] + place]
        person, other = rows[other != rows], other[other != rows]
        unit = np.where(has_size(size[other]), size[other], size[person])[:, None]
        for places in (joints[other], joints[other][:, mirror]):
            gap = ratio(np.linalg.norm(pred[person] - places, axis=-1), unit)
            nearest[person] = np.fmin(nearest[person], gap)
    return nearest
