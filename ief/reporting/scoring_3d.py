"""Scoring poses of people with depth, in millimeters: arrays, a run's metrics.json, tables on the terminal.

A predicted pose has x, y in pixels and z relative to the root. It is taken back to camera coordinates with the person's
camera and the ground truth's root depth (`mpii_tools.depth.table.Depth.to_camera`), of which the paper says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import read_text
from evaluation.metrics.angle_limits import AngleLimits
from evaluation.metrics.bootstrap import Bootstrap
from evaluation.metrics.evaluate_3d import Scores3D, compare_3d, evaluate_3d
from evaluation.metrics.inputs_3d import GroundTruth3D
from evaluation.metrics.json_3d import scores_3d_from_json
from evaluation.metrics.sequences import SequenceErrors, sequence_errors
from evaluation.report.depth_tables import actions_table, joints_3d_table, metrics_3d_table, subjects_table
from mpii_tools.depth.table import Depth
from mpii_tools.people import People
from mpii_tools.results.predictions import predicted_joints

KEY = "3d"  # of the 3D scores in the trees of metrics.json


def comparable(
    people: People, depth: Depth | None, *poses: np.ndarray
) -> tuple[GroundTruth3D, list[np.ndarray]] | None:
    """The ground truth of people whose camera is known, and poses of them, both in camera coordinates in mm.

    Args:
        people: N people.
        depth: theirs; None if there is none.
        poses: (N, K, D) each.

    Returns:
        None if a pose has no depth, or nobody a camera, a root's depth and a joint.
    """
    if depth is None or any(pose.shape[-1] != 3 for pose in poses):
        return None
    counted = people.annotated
    for pose in poses:
        counted = counted & predicted_joints(pose)
    gt = depth.to_camera(depth.beside(people.joints))
    counted = counted & np.isfinite(gt).all(axis=-1)
    rows = depth.placed & counted.any(axis=1)
    if not rows.any():
        return None
    named = {name: getattr(depth, name)[rows] for name in ("subject", "action", "sequence")}
    named = {name: values for name, values in named.items() if (values != "").any()}
    protocol = depth.select(rows).common_protocol
    found = GroundTruth3D(gt[rows], counted[rows], people.skeleton, **named, protocol=protocol)
    return found, [depth.to_camera(pose)[rows] for pose in poses]


def score_3d(
    joints: np.ndarray,
    people: People,
    depth: Depth | None,
    intervals: bool = False,
    limits: AngleLimits | None = None,
) -> Scores3D | None:
    """The 3D metrics of poses (N, K, 3), x, y in image pixels and z in mm; None as `comparable`."""
    found = comparable(people, depth, joints)
    if found is None:
        return None
    gt, (pred,) = found
    return evaluate_3d(pred, gt, bootstrap=Bootstrap() if intervals else None, angle_limits=limits)


def sequences_3d(joints: np.ndarray, people: People, depth: Depth | None) -> list[SequenceErrors]:
    """The errors of every sequence of poses (N, K, 3); none as `comparable`."""
    found = comparable(people, depth, joints)
    return sequence_errors(found[1][0], found[0]) if found else []


def difference_3d(
    joints: np.ndarray, other: np.ndarray, people: People, depth: Depth | None, limits: AngleLimits | None = None
) -> Scores3D | None:
    """The 3D metrics of poses minus those of other poses, with paired confidence intervals; None as `comparable`."""
    found = comparable(people, depth, joints, other)
    if found is None:
        return None
    gt, (pred, reference) = found
    return compare_3d(pred, reference, gt, angle_limits=limits)


def mpjpe_of(joints: np.ndarray, people: People, depth: Depth | None) -> float | None:
    """The Joint Error of poses (N, K, 3) in mm; None as `comparable`."""
    found = score_3d(joints, people, depth)
    return found.joint_error.overall.value if found else None


def load_metrics_3d(run: Path) -> dict[str, Scores3D]:
    """The 3D scores by stage in `metrics.json` of a run, {} of a run in 2D. Raises PoseError if it is corrupt."""
    path = run / "metrics.json"
    try:
        trees = json.loads(read_text(path))
        return {stage: scores_3d_from_json(tree[KEY]) for stage, tree in trees.items() if KEY in tree}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise PoseError(f"{path}: corrupt ({error}); `ief train` writes it again") from error


def print_summary_3d(results: Mapping[str, Scores3D], signed: bool = False) -> None:
    """Table 2's columns of a run's stages; nothing for {}. signed: of differences."""
    if results:
        print(metrics_3d_table(results, signed).text())


def print_result_3d(scores: Scores3D) -> None:
    """Every table of one set of predictions in 3D."""
    print_summary_3d({"predictions": scores})
    tables = [joints_3d_table(scores)]
    tables += [actions_table(scores)] if scores.joint_error.per_action else []
    tables += [subjects_table(scores)] if scores.joint_error.per_subject else []
    for table in tables:
        print(table.text())
