"""Scores of made-up methods, in 2D and in 3D, as the tables show them."""

from dataclasses import replace

import numpy as np
import pytest
from scored import FEW, people_and_poses

from evaluation import compare, evaluate
from evaluation.report.material import Entry
from evaluation.report.tables import Cell, Table


@pytest.fixture(scope="session")
def results():
    """Scores in 2D of two stages."""
    gt, poses = people_and_poses(2, 30, 10)
    return {f"stage {stage}": evaluate(pose, gt, bootstrap=FEW) for stage, pose in enumerate(poses)}


@pytest.fixture(scope="session")
def entries():
    """Two runs in 2D with their mean pose and stage 1, and a difference."""
    gt, poses = people_and_poses(2, 40, 20, 10)
    first, second, third = (evaluate(pose, gt, bootstrap=FEW) for pose in poses)
    difference = compare(poses[2], poses[1], gt, bootstrap=FEW)
    return [
        Entry("first", "ief_star", "mean_pose", first),
        Entry("first", "ief_star", "stage1", second),
        Entry("second", "all", "mean_pose", first),
        Entry("second", "all", "stage1", third, reference="first", difference=difference),
    ]


@pytest.fixture(scope="session")
def trainings(limits):
    """In 3D a baseline and `all` trained on one dataset, and `all` trained on two."""
    gt, poses = people_and_poses(3, 70, 40, 30)
    gt = replace(gt, action=np.where(gt.action == "Walking", "WalkingDog", "Jumping"), angle_limits=limits)
    base, ours, mixed = (evaluate(pose, gt, bootstrap=FEW) for pose in poses)
    change, gain = (compare(poses[row], poses[row - 1], gt, bootstrap=FEW) for row in (1, 2))
    return [
        Entry("first", "ief_star", "stage0", base, "studio"),
        Entry("second", "all", "stage0", ours, "studio", reference="first", difference=change),
        Entry("third", "all", "stage0", mixed, "studio", "wild", reference="second", difference=gain),
    ]


@pytest.fixture(scope="session")
def small():
    """A table with a section, a note and characters that are special in Markdown and HTML."""
    rows = ("Part <1>",), ("<b>", Cell(-1.04, (-1.5, 0.5), signed=True)), ("&_", Cell(None))
    return Table("a < b", ("", "x|y"), rows, note="read <me>")
