import numpy as np
import pytest
from angle_model import write_angle_model

from evaluation import Bootstrap, GroundTruth3D, compare_3d, evaluate_3d, load_angle_limits
from evaluation.report.depth_tables import COLUMNS, actions_table, joints_3d_table, metrics_3d_table, subjects_table
from heads.skeleton import MPII


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two methods' scores, with and without Illegal Angle, and their difference."""
    write_angle_model(folder := tmp_path_factory.mktemp("angles"))
    limits, rng = load_angle_limits(folder), np.random.default_rng(0)
    joints = rng.normal(0, 300, (60, 16, 3))
    names = (rng.choice(choices, 60) for choices in (["S9", "S11"], ["Sitting", "Walking"], ["1", "2"]))
    gt = GroundTruth3D(joints, None, MPII, *names)
    one, other = (joints + rng.normal(0, std, joints.shape) for std in (40, 70))
    return {
        "bone": evaluate_3d(one, gt, bootstrap=Bootstrap(50), angle_limits=limits),
        "joint": evaluate_3d(other, gt, bootstrap=Bootstrap(50), angle_limits=limits),
        "plain": evaluate_3d(one, gt),
        "difference": compare_3d(one, other, gt, angle_limits=limits),
    }


def values(row):
    return [cell if isinstance(cell, str) else cell.value for cell in row[1:]]


def test_all_metrics_by_method(found):
    table = metrics_3d_table({name: found[name] for name in ("bone", "joint")})
    assert table.head[1:] == tuple(COLUMNS.values()) and "over 8 sequences" in table.title
    bone, joint, gt = table.rows
    assert values(bone) == [getattr(found["bone"], name).overall.value for name in COLUMNS]
    assert str(joint[1]) == "{:.1f} [{:.1f}, {:.1f}]".format(
        *(getattr(found["joint"].joint_error.overall, name) for name in ("value", "low", "high"))
    )
    own = [found["bone"].gt_bone_std.overall.value, found["bone"].gt_illegal_angle.overall.value]
    assert gt[0] == "ground truth" and values(gt) == [None, None, None, None, *own]


def test_what_was_not_measured_has_no_column(found):
    table = metrics_3d_table({"plain": found["plain"]})
    assert "Illegal %" not in table.head and "[" not in table.text() and "sequences" not in table.title


def test_a_difference_is_signed_and_has_no_ground_truth(found):
    table = metrics_3d_table({"bone - joint": found["difference"]}, signed=True)
    (row,) = table.rows
    assert str(row[1]).startswith("-") and "Ground truth" not in table.note


def test_by_joint(found):
    table = joints_3d_table(found["bone"])
    rows = {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
    assert tuple(rows) == (*MPII.names, "all")
    assert rows["pelvis"]["Joint mm"].value == 0 and rows["pelvis"]["Bone mm"] == "-"
    assert rows["r_wrist"]["Illegal %"] == "-"
    elbow = found["bone"].gt_illegal_angle.per_part["r_elbow"].value
    assert rows["r_elbow"]["gt Illegal %"].value == elbow
    assert rows["all"]["gt Bone Std mm"].value == found["bone"].gt_bone_std.overall.value


def test_by_action_and_subject(found):
    scores = found["bone"]
    table = actions_table(scores)
    assert [row[0] for row in table.rows] == ["Sitting", "Walking", "Avg"] and "Bone Std mm" not in table.head
    columns = np.array([values(row) for row in table.rows])
    assert columns[2] == pytest.approx(columns[:2].mean(axis=0))
    table = subjects_table(scores)
    assert [row[0] for row in table.rows] == ["S11", "S9"] and "Bone Std mm" in table.head
    assert table.rows[0][1].value == scores.joint_error.per_subject["S11"].value
