"""What stage 1 does: how far it moves the joints of stage 0, and whether towards the ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation import Estimate, GroundTruth
from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, estimates, totals
from evaluation.metrics.evaluate import person_errors
from evaluation.metrics.ground_truth import ratio
from evaluation.metrics.json_format import to_json
from evaluation.report import plots
from evaluation.report.material import Run, View
from evaluation.report.page import Section
from evaluation.report.tables import Cell, Table, cell, file_name

PANELS = 3  # people in a row of the figure


@dataclass(frozen=True)
class JointMovement:
    """How a joint moved, over the people who have it annotated; or how all joints did.

    Attributes:
        joints: annotated joints.
        moved: mean length of the movement, in the pixels of the poses.
        closer: percentage of the joints that ended nearer to the ground truth.
        before, after: mean error in pixels before and after.
        change: mean of the error after minus the error before.
    """

    joints: int
    moved: Estimate
    closer: Estimate
    before: Estimate
    after: Estimate
    change: Estimate


def movement(before: ArrayLike, after: ArrayLike, gt: GroundTruth) -> dict[str, Any]:
    """How the poses `before` became the poses `after`, over annotated joints, with confidence intervals over people.

    Args:
        before, after: (N, K, D) predicted joints, image pixels.
        gt: of the same people.

    Returns:
        "all": the movement of all joints together; "per_joint": a joint's name -> its movement.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """
    before, after = gt.check(before), gt.check(after)
    offsets = (after - before, before - gt.joints, after - gt.joints)
    moved, first, last = (np.where(gt.annotated, np.linalg.norm(offset, axis=-1), 0) for offset in offsets)
    terms = {"joints": gt.annotated, "moved": moved, "closer": 100.0 * (last < first)}
    terms |= {"before": first, "after": last, "change": last - first}
    # The last column holds all joints together.
    terms = {name: np.column_stack([term, term.sum(axis=1)]).astype(np.float64) for name, term in terms.items()}
    sums = totals(terms, DEFAULT_BOOTSTRAP)
    joints = sums.pop("joints")
    columns = (joints[0].astype(int).tolist(), *(estimates(ratio(each, joints)) for each in sums.values()))
    *parts, everything = map(JointMovement, *columns)
    return {"all": everything, "per_joint": dict(zip(gt.skeleton.names, parts, strict=True))}


def make_section(runs: Sequence[Run], view: View) -> Section | None:
    """From stage 0 to stage 1, of runs with predictions of both; None if there is none. The last run's are drawn."""
    moved = {}
    for run in (run for run in runs if {"stage0", "stage1"} <= set(run.poses)):
        gt, (after,) = view(2, run.poses["stage1"])
        moved[run.name] = movement(run.poses["stage0"][..., :2], after, gt)
    if not moved:
        return None
    title, figures = "What stage 1 does to the joints of stage 0", {}
    tables = {"movement": movement_table(title, {name: each["all"] for name, each in moved.items()})}
    for name, each in moved.items():
        joints = {joint.replace("_", " "): part for joint, part in each["per_joint"].items()}
        tables[f"movement-{file_name(name)}"] = movement_table(f"{name}: how each joint moves", joints)
    if runs[-1].name in moved and (poses := choose_people(runs[-1], view))[-1]:
        caption = (
            f"{runs[-1].name}: an arrow runs from a joint's place after stage 0 to its place after stage 1. "
            "The first are the people whom stage 1 helps most, the middle ones have the median change, the last are "
            "those whom it harms most. Above each, the change of the mean joint error."
        )
        figures["movement"] = (caption, plots.movement_arrows(*poses, skeleton=runs[-1].skeleton))
    folded, facts = frozenset(tables) - {"movement"}, {"movement": to_json(moved)}
    return Section("From stage 0 to stage 1", (), tables, figures, folded=folded, facts=facts)


def choose_people(run: Run, view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Poses before, after and true, and captions, of those whom stage 1 helps most, in the middle, and harms most."""
    (_, (before,)), (gt, (after,)) = views = [view(2, run.poses[stage]) for stage in ("stage0", "stage1")]
    first, last = (person_errors(pose, each) for each, (pose,) in views)
    change = last - first
    order = np.argsort(change)[: np.isfinite(change).sum()].tolist()
    middle, enough = len(order) // 2 - PANELS // 2, len(order) >= 3 * PANELS
    rows = [*order[:PANELS], *order[middle : middle + PANELS], *order[-PANELS:][::-1]] if enough else order
    captions = [
        f"{Cell(change[row], digits=2, signed=True)} {gt.measure.unit}".replace("-", "\N{MINUS SIGN}") for row in rows
    ]
    return before[rows], after[rows], gt.known[rows], captions


def movement_table(title: str, rows: Mapping[str, JointMovement]) -> Table:
    """What a stage did to the previous pose. `rows`: name -> the movement of all joints or of one."""
    lines = []
    for name, moved in rows.items():
        values = map(cell, (moved.moved, moved.closer, moved.before, moved.after))
        lines.append((name, Cell(moved.joints, digits=0), *values, cell(moved.change, digits=2, signed=True)))
    head = ("", "Annotated", "Moved px", "Nearer %", "Error before", "Error after", "Change px")
    note = "Image pixels; nearer: the share of joints that end nearer to the ground truth than they were."
    return Table(title, head, tuple(lines), note=note)
