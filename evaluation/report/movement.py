"""What stage 1 does: how far it moves the joints of stage 0, and whether towards the ground truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics import DEFAULT_BOOTSTRAP, Estimate, GroundTruth, estimates, ratio, totals
from evaluation.report.material import Run, Section, View
from evaluation.report.tables import Table, cell, file_name

Movement = tuple[Estimate, Estimate, Estimate]


def movement(before: ArrayLike, after: ArrayLike, gt: GroundTruth) -> dict[str, Movement]:
    """How the poses `before` became the poses `after`, over annotated joints, with confidence intervals over people.

    Args:
        before, after: (N, K, D) predicted joints, image pixels.
        gt: of the same people.

    Returns:
        A joint's name, and "all" for all of them together -> the mean length of the movement, in the pixels of the
        poses; the percentage of joints that ended nearer to the ground truth; the mean change of the error.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    before, after = gt.check(before), gt.check(after)
    offsets = (after - before, before - gt.joints, after - gt.joints)
    moved, first, last = (np.where(gt.annotated, np.linalg.norm(offset, axis=-1), 0) for offset in offsets)
    terms = np.stack([gt.annotated, moved, 100.0 * (last < first), last - first], axis=1)
    # The last column holds all joints together.
    terms = np.concatenate([terms, terms.sum(axis=-1, keepdims=True)], axis=-1)
    sums = totals({"terms": terms}, DEFAULT_BOOTSTRAP)["terms"]
    columns = estimates(ratio(sums[:, 1:], sums[:, :1]))
    return dict(zip((*gt.skeleton.names, "all"), zip(*columns.tolist(), strict=True), strict=True))


def make_section(runs: Sequence[Run], view: View) -> Section | None:
    """From stage 0 to stage 1, of runs with predictions of both; None if there is none."""
    moved = {}
    for run in (run for run in runs if {"stage0", "stage1"} <= set(run.poses)):
        gt, (after,) = view(2, run.poses["stage1"])
        moved[run.name] = movement(run.poses["stage0"][..., :2], after, gt)
    if not moved:
        return None
    folded = {
        f"movement-{file_name(name)}": movement_table(f"{name}: how each joint moves", each)
        for name, each in moved.items()
    }
    alls = {name: each["all"] for name, each in moved.items()}
    tables = {"movement": movement_table("What stage 1 does to the joints of stage 0", alls), **folded}
    return Section("From stage 0 to stage 1", tables=tables, folded=frozenset(folded))


def movement_table(title: str, rows: Mapping[str, Movement]) -> Table:
    """What a stage did to the previous pose. `rows`: name -> the movement of all joints or of one."""
    lines = tuple(
        (name, cell(moved), cell(closer), cell(change, digits=2, signed=True))
        for name, (moved, closer, change) in rows.items()
    )
    note = "Image pixels; nearer: the share of joints that end nearer to the ground truth than they were."
    return Table(title, ("", "Moved px", "Nearer %", "Change px"), lines, note=note)
