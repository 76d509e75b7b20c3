"""Where the error sits: the same figures for some of the people, or some of their joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.conventions import LIMB_GROUPS, OUTSIDE_MEAN, members
from evaluation.metrics.evaluate import Tree, evaluate
from evaluation.metrics.inputs import has_size

PERSON_HEIGHT = 200.0  # image pixels per unit of MPII's scale
SHORT = {"Shoulder": "Sho.", "Elbow": "Elb.", "Wrist": "Wri.", "Ankle": "Ank."}  # as in Table 8
HEAD_JOINTS = ("neck", "head_top")


@dataclass(frozen=True)
class Part:
    """A part of the data.

    Attributes:
        label: what stands on an axis or in a table.
        people: (N,) bool, who is in it.
        joints: (K,) bool, which of their joints count.
    """

    label: str
    people: np.ndarray
    joints: np.ndarray


def parts_by_size(scale: ArrayLike, joints: int, count: int = 4) -> list[Part]:
    """`count` parts of about equally many people, from small to large, named by their height in image pixels.

    A height is 200 times MPII's scale. People of unknown scale are in no part; with no known scale there is none.
    """
    scale = np.asarray(scale, dtype=np.float64)
    known = has_size(scale)
    height = PERSON_HEIGHT * np.where(known, scale, np.nan)
    edges = np.unique(np.quantile(height[known], np.linspace(0, 1, count + 1))) if known.any() else np.array([])
    if len(edges) == 1:
        edges = np.repeat(edges, 2)
    parts = []
    for low, high in pairwise(edges.tolist()):
        inside = (height >= low) & ((height <= high) if high == edges[-1] else (height < high))
        parts.append(Part(f"{low:.0f} to {high:.0f}", inside, np.ones(joints, bool)))
    return parts


def parts_by_annotated(annotated: ArrayLike) -> list[Part]:
    """People by how many of their K joints are annotated: up to half, to three quarters, all but some, all.

    Args:
        annotated: (N, K) bool. Empty parts, and people without any joint, are left out.
    """
    annotated = np.asarray(annotated, dtype=bool)
    joints, counts = annotated.shape[1], annotated.sum(axis=1)
    parts, low = [], 1
    for high in sorted({joints // 2, 3 * joints // 4, joints - 1, joints}):
        inside = (counts >= low) & (counts <= high)
        label = f"all {joints}" if low == joints else f"{low}" if low == high else f"{low} to {high}"
        if inside.any():
            parts.append(Part(label, inside, np.ones(joints, bool)))
        low = high + 1
    return parts


def parts_by_group(joint_names: Sequence[str], people: int) -> list[Part]:
    """The joint groups, from head to ankle; a group of which the skeleton has no joint is left out."""
    groups = {"Head": HEAD_JOINTS, "Trunk": OUTSIDE_MEAN, **LIMB_GROUPS}
    everyone = np.ones(people, bool)
    parts = [
        Part(SHORT.get(name, name), everyone, members(tuple(joint_names), endings)) for name, endings in groups.items()
    ]
    return [part for part in parts if part.joints.any()]


def breakdown(
    pred: ArrayLike,
    gt: ArrayLike,
    head_size: ArrayLike,
    scale: ArrayLike | None,
    annotated: ArrayLike,
    parts: Sequence[Part],
    *,
    convention: str = "official",
) -> dict[str, Tree]:
    """Joint error and mean PCKh@0.5 of each part, with 95 % intervals over its people.

    Args: as `evaluate`; `annotated` (N, K) is required.

    Returns:
        label -> {"persons", "joints", "joint_error": {"image_px", "crop_px", "interval"},
        "pckh": {"0.5": {"groups": {"Mean"}, "interval"}}}, to be read with `look_up`. The Mean of a joint group is
        that of all its joints together (trunk: None, it lies outside the Mean).

    Raises:
        PoseError: as `evaluate`.
    """
    pred, gt, head_size = np.asarray(pred), np.asarray(gt), np.asarray(head_size)
    scale = np.full(len(gt), np.nan) if scale is None else np.asarray(scale)
    found = {}
    for part in parts:
        rows = part.people
        counted = np.asarray(annotated, bool)[rows] & part.joints
        result = evaluate(
            pred[rows], gt[rows], head_size[rows], scale[rows], counted,
            convention=convention, intervals=True, thresholds=(0.5,),
        )  # fmt: skip
        error, pckh = result["joint_error"], result["pckh"]["0.5"]
        found[part.label] = {
            "persons": int(counted.any(axis=1).sum()),
            "joints": result["counts"]["joint_error"]["joints"],
            "joint_error": {**_without_parts(error), "interval": _without_parts(error["interval"])},
            "pckh": {"0.5": {**_mean_of(pckh), "interval": _mean_of(pckh["interval"])}},
        }
    return found


def _without_parts(error: Tree) -> Tree:
    return {unit: error[unit] for unit in ("image_px", "crop_px")}


def _mean_of(pckh: Tree) -> Tree:
    return {"groups": {"Mean": pckh["groups"]["Mean"]}}
