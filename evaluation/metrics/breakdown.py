"""Where the error is: the same metrics for some of the people, or some of their joints; and of each sequence in 3D."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP
from evaluation.metrics.conventions import OUTSIDE_MEAN, SHORT, joint_groups
from evaluation.metrics.evaluate import evaluate
from evaluation.metrics.ground_truth import GroundTruth, has_size, ratio
from evaluation.metrics.json_format import Json, to_block
from evaluation.metrics.metric import METRICS
from evaluation.metrics.scores import Scores
from heads.skeleton import BOX_PER_SCALE

HEAD = ("neck", "head_top")
# A part of the data: its label on an axis or in a table -> (N,) bool, who is in it, and (K,) bool, which joints count.
Parts = dict[str, tuple[np.ndarray, np.ndarray]]


def parts_by_size(gt: GroundTruth, count: int = 4) -> Parts:
    """`count` parts of about equally many people, from small to large, named by their height in image pixels.

    A height is 200 times MPII's scale. People of unknown scale are in no part; with no known scale there is no part.
    """
    known = has_size(gt.scale)
    height = BOX_PER_SCALE * np.where(known, gt.scale, np.nan)
    edges = np.unique(np.quantile(height[known], np.linspace(0, 1, count + 1))).tolist() if known.any() else []
    parts = {}
    for low, high in pairwise(edges if len(edges) != 1 else edges * 2):
        inside = (height >= low) & ((height <= high) if high == edges[-1] else (height < high))
        parts[f"{low:.0f} to {high:.0f}"] = inside, np.ones(len(gt.skeleton), bool)
    return parts


def parts_by_annotated(gt: GroundTruth) -> Parts:
    """People by how many of their K joints are annotated: up to half, to three quarters, all but some, all.

    Empty parts, and people without any joint, are left out.
    """
    joints, counts = len(gt.skeleton), gt.annotated.sum(axis=1)
    parts, edges = {}, sorted({0, joints // 2, 3 * joints // 4, joints - 1, joints})
    for low, high in pairwise(edges):
        inside = (counts > low) & (counts <= high)
        label = f"all {joints}" if low == joints - 1 else f"{high}" if low == high - 1 else f"{low + 1} to {high}"
        if inside.any():
            parts[label] = inside, np.ones(joints, bool)
    return parts


def parts_by_group(gt: GroundTruth) -> Parts:
    """The skeleton's own groups; else those from head to ankle, without those of which it has no joint."""
    groups = joint_groups(gt.skeleton, HEAD, OUTSIDE_MEAN).items()
    return {SHORT.get(group, group): (np.ones(len(gt), bool), joints) for group, joints in groups if joints.any()}


PARTS = {"size": parts_by_size, "annotated": parts_by_annotated, "group": parts_by_group}


def breakdown(pred: ArrayLike, gt: GroundTruth, parts: Parts, *, convention: str = "official") -> dict[str, Scores]:
    """The scores of each part, by its label, with confidence intervals over its people; see `evaluate`.

    Their `people` are those with a joint that counts. PCKh is at its main threshold alone; its Mean is undefined for
    the trunk, and that of a joint group is of all its joints together.
    """
    pred, results = np.asarray(pred), {}
    options = {"convention": convention, "thresholds": (gt.measure.main,), "bootstrap": DEFAULT_BOOTSTRAP}
    for label, (people, joints) in parts.items():
        part = gt.select(people, joints)
        counted = int(part.annotated.any(axis=1).sum())
        results[label] = replace(evaluate(pred[people], part, **options), people=counted)
    return results


def part_to_json(scores: Scores) -> Json:
    """{"persons", "joints", "joint_error": {"image_px", "crop_px", "interval"},
    "pckh": {"0.5": {"groups": {"Mean"}, "interval"}}}.
    """
    measure = scores.measure
    pixels = {"image_px": scores["joint_error"].overall, "crop_px": scores["joint_error_crop"].overall}
    return {
        "persons": scores.people,
        "joints": scores["joint_error"].count,
        "joint_error": to_block(pixels),
        measure.block: {f"{measure.main:g}": to_block({"groups": {"Mean": scores.mean_pckh}})},
    }


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
    errors = [SequenceErrors(*(None if value != value else value for value in row)) for row in rows]
    return [errors[row] for row in np.argsort(-means[0], kind="stable").tolist()]
