"""Kinds of error (Ronchi and Perona, ICCV 2017): what a joint was mistaken for, and what repairing it would gain.

A joint is good or jitters near its own place, else it lies on its mirror joint (inversion), else on that joint or its
mirror of another person of the image (swap), else nowhere (miss). The limits are those of the ground truth's measure:
good within its main threshold, jitter within twice that, on another joint within the main threshold, so that the good
joints are those that PCKh counts as correct: 0.5 and 1 head sizes, 0.2 and 0.4 torsos or box sides. In `OKS` they are
the paper's: a similarity of 0.85, 0.5 and 0.5.

The paper's code (coco-analyze) takes the most similar of all these joints instead of the first in this order. The two
differ where a joint is near two of them, such as its own place and its mirror joint's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.conventions import Convention, Measure, get_convention, joint_groups, select_mean
from evaluation.metrics.ground_truth import GroundTruth, has_size, ratio
from evaluation.metrics.json_format import Json, to_block
from evaluation.metrics.pckh import AVERAGES, average_joints, measure_distances

KINDS = ("good", "jitter", "inversion", "swap", "miss")
GOOD, JITTER, INVERSION, SWAP, MISS = range(len(KINDS))
# A joint's unit is 2 sigma sqrt(area), and exp(-d^2 / 2) the similarity: what `size`, sqrt(area), is multiplied by.
OKS = Measure("oks", "OKS", "of similarity", "root of the area", "area", (0.85, 0.5))
SIZES, VISIBILITIES = ("small", "medium", "large"), ("occluded", "visible")
Shares = dict[str, Estimate]  # kind -> percentage of joints; they add up to 100


@dataclass(frozen=True)
class ErrorKinds:
    """Percentages of joints of each kind, with confidence intervals over people; or the differences of two methods.

    Attributes:
        joints: how many have a kind, of those that the Mean takes.
        mean: over the joints of PCKh's Mean, as the convention takes it. But for `good`, which is PCKh itself, they are
            the points gained if all joints of that kind were right.
        groups, per_joint: joint group, joint -> the same of it.
        sizes: 'small', 'medium', 'large' -> of a third of the people each, by `size` (head size, box), over the joints
            of the Mean; {} where all are of one size.
        edges: the two sizes between the thirds, image pixels; () likewise.
        visibility: 'occluded', 'visible' -> of such joints of the Mean; without those of which there are none.
        limits: good, jitter, on another joint, in the measure's unit (in `OKS`, similarities).
    """

    joints: int
    mean: Shares
    groups: dict[str, Shares]
    per_joint: dict[str, Shares]
    sizes: dict[str, Shares]
    edges: tuple[float, ...]
    visibility: dict[str, Shares]
    limits: tuple[float, float, float]

    @property
    def gained(self) -> Shares:
        """Kind of error -> points of PCKh gained if all joints of that kind were right."""
        return {kind: share for kind, share in self.mean.items() if kind != "good"}


def classify_errors(
    pred: ArrayLike, gt: GroundTruth, others: GroundTruth | None = None, *, convention: str | Convention = "official"
) -> np.ndarray:
    """The kind of error of every annotated joint.

        kinds = classify_errors(pred, GroundTruth(joints, head_size, image=names))
        print(np.mean(kinds[:, 10] == KINDS.index("inversion")))  # of right wrists that lie on the left one
        print(measure_kinds(kinds, gt).gained["swap"])  # Estimate(value=0.9, low=0.7, high=1.2), points of PCKh

    Args:
        pred: (N, K, 2) predicted joints, image pixels.
        gt: of the same people. Without `image` nothing is a swap; in `OKS`, whose `size` is sqrt(area), its skeleton
            has sigmas.
        others: further annotated people of the images, who are not scored, with `image` too. A joint's distance from
            that of a neighbor is in the neighbor's size, or in the person's own where that is unknown.
        convention: whether a joint exactly at a limit is within it, see `conventions`.

    Returns:
        (N, K) int8 places in `KINDS`; -1 for joints that are not annotated, and of people of unknown size.

    Raises:
        PoseError: see `pckh`; poses in 3D; OKS without sigmas.
    """
    if gt.dimensions != 2:
        raise PoseError("kinds of error are those of poses in 2D, in image pixels")
    rule, (good, jitter, near), scale = get_convention(convention), _radii(gt), _joint_scale(gt)
    pred, mirror = gt.check(pred), list(gt.skeleton.flip_permutation)
    own = measure_distances(pred, gt) / scale
    flipped = ratio(np.linalg.norm(pred - gt.known[:, mirror], axis=-1), gt.size[:, None]) / scale
    kinds = np.full(own.shape, MISS, np.int8)
    for kind, within in ((INVERSION, rule.correct(flipped, near)), (JITTER, rule.correct(own, jitter)),
                         (GOOD, rule.correct(own, good)), (-1, np.isnan(own))):  # fmt: skip
        kinds[within] = kind
    if gt.image is not None:
        kinds[(kinds == MISS) & _find_swaps(pred, gt, others, kinds == MISS, near, rule)] = SWAP
    return kinds


def measure_kinds(
    kinds: np.ndarray,
    gt: GroundTruth,
    reference: np.ndarray | None = None,
    *,
    convention: str | Convention = "official",
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> ErrorKinds:
    """Percentages of joints of each kind, by joint, joint group, person size and visibility.

    Args:
        kinds: (N, K) what `classify_errors` returns.
        gt: of the same people.
        reference: (N, K) kinds of another method, whose percentages are subtracted, over the joints that have a kind in
            both; the intervals are paired.
        convention: how groups and the Mean are taken.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.
    """
    rule, in_mean = get_convention(convention), select_mean(gt.skeleton)
    if reference is not None:
        kinds, reference = np.where(reference < 0, -1, kinds), np.where(kinds < 0, -1, reference)
    sized = (kinds >= 0).any(axis=1)
    edges = np.quantile(gt.size[sized], (1 / 3, 2 / 3)) if sized.any() else np.zeros(2)
    third = np.where(sized, np.searchsorted(edges, gt.size), -1)
    visible = np.where(in_mean, gt.visible, -1)

    def measure(kinds: np.ndarray) -> dict[str, np.ndarray]:
        """(S, ..., 5) percentages."""
        each = kinds[:, None] == np.arange(len(KINDS))[:, None]  # (N, 5, K)
        pooled = (each & in_mean).sum(axis=-1, dtype=np.uint8)[:, None]
        terms = {
            "joint": each,
            "size": pooled * (third[:, None] == np.arange(len(SIZES)))[..., None],
            "seen": np.stack([(each & (visible == seen)[:, None]).sum(axis=-1, dtype=np.uint8) for seen in (0, 1)], 1),
        }
        sums = totals({name: gt.sequences.sum(term) for name, term in terms.items()}, bootstrap, len(gt))
        joint, counts = sums["joint"], sums["joint"].sum(axis=1, keepdims=True)
        groups = [average_joints(joint, counts, mask) for mask in joint_groups(gt.skeleton, rule.head).values()]
        return {
            "mean": AVERAGES[rule.mean](joint, counts, in_mean),
            "groups": np.stack(groups, axis=1),
            "per_joint": 100 * ratio(joint, counts).swapaxes(1, 2),
            "sizes": 100 * ratio(sums["size"], sums["size"].sum(axis=-1, keepdims=True)),
            "visibility": 100 * ratio(sums["seen"], sums["seen"].sum(axis=-1, keepdims=True)),
        }

    values = measure(kinds)
    if reference is not None:
        theirs = measure(reference)
        values = {name: each - theirs[name] for name, each in values.items()}
    names = {"groups": joint_groups(gt.skeleton, rule.head), "per_joint": gt.skeleton.names,
             "sizes": SIZES if edges[0] < edges[1] else (), "visibility": VISIBILITIES}  # fmt: skip
    tables = {
        key: {
            name: dict(zip(KINDS, row, strict=True))
            for name, row in zip(labels, estimates(values[key]), strict=False)
            if row[0].value is not None
        }
        for key, labels in names.items()
    }
    return ErrorKinds(
        int((kinds[:, in_mean] >= 0).sum()),
        dict(zip(KINDS, estimates(values["mean"]), strict=True)),
        edges=tuple(edges.tolist()) if names["sizes"] else (),
        limits=_limits(gt.measure),
        **tables,
    )


def kinds_to_json(kinds: ErrorKinds) -> Json:
    """{"joints", "limits": {"good", "jitter", "other_joint"}, "size_edges_px", "mean": {kind: %}, "gained": {kind:
    points}, "groups": {group: {kind: %}}, "per_joint", "sizes", "visibility"}, with an "interval" of the same keys.
    """
    limits = dict(zip(("good", "jitter", "other_joint"), kinds.limits, strict=True))
    keys = ("mean", "gained", "groups", "per_joint", "sizes", "visibility")
    shares = {key: getattr(kinds, key) for key in keys}
    drawn = kinds.mean["good"].interval
    return {"joints": kinds.joints, "limits": limits, "size_edges_px": list(kinds.edges)} | to_block(shares, drawn)


def _limits(measure: Measure) -> tuple[float, float, float]:
    return (0.85, 0.5, 0.5) if measure == OKS else (measure.main, 2 * measure.main, measure.main)


def _radii(gt: GroundTruth) -> np.ndarray:
    """(3,) the limits as distances."""
    limits = np.array(_limits(gt.measure))
    return np.sqrt(-2 * np.log(limits)) if gt.measure == OKS else limits


def _joint_scale(gt: GroundTruth) -> np.ndarray | float:
    """What a joint's unit is of the person's size: 2 sigma (K,), or 1."""
    if gt.measure != OKS:
        return 1.0
    if not gt.skeleton.sigmas:
        raise PoseError("kinds of error by OKS need a sigma per joint, and the skeleton has none; add `sigmas`")
    return 2 * np.array(gt.skeleton.sigmas)


def _find_swaps(
    pred: np.ndarray, gt: GroundTruth, others: GroundTruth | None, missed: np.ndarray, near: float, rule: Convention
) -> np.ndarray:
    """(N, K) whether a joint lies on the same joint, or its mirror joint, of another person of the image.

    Args:
        missed: (N, K) the joints that are asked for; people without any are not looked at.
    """
    everybody, scale, mirror = [gt, others] if others else [gt], _joint_scale(gt), list(gt.skeleton.flip_permutation)
    joints, size = (np.concatenate([getattr(each, name) for each in everybody]) for name in ("known", "size"))
    number = np.unique(np.concatenate([each.image for each in everybody]), return_inverse=True)[1]
    order, counts = np.argsort(number, kind="stable"), np.bincount(number)
    start = (np.cumsum(counts) - counts)[number]
    swapped, rows = np.zeros(missed.shape, bool), np.flatnonzero(missed.any(axis=1))
    for place in range(1, counts[number[rows]].max(initial=0) + 1):  # the first, second, ... person of an image
        rows = rows[counts[number[rows]] >= place]
        other = order[start[rows] + place - 1]
        person, other = rows[other != rows], other[other != rows]
        unit = np.where(has_size(size[other]), size[other], size[person])[:, None]
        points, places = pred[person], joints[other]
        gaps = [np.linalg.norm(points - each, axis=-1) for each in (places, places[:, mirror])]
        swapped[person] |= rule.correct(ratio(np.fmin(*gaps), unit) / scale, near)
    return swapped
