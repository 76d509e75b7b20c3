import numpy as np
import pytest

from evaluation import Estimate, GroundTruth, compare
from evaluation.report.movement import movement
from heads.skeleton import MPII


@pytest.fixture
def poses():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (60, 16, 2))
    before = gt + rng.normal(0, 20, gt.shape)
    after = before + 0.5 * (gt - before) + rng.normal(0, 5, gt.shape)
    gt[rng.random((60, 16)) < 0.3] = np.nan
    return before, after, gt


def test_agrees_with_a_loop_over_joints(poses):
    before, after, gt = poses
    result = movement(before, after, GroundTruth(gt))
    everything = []
    for joint, name in enumerate(MPII.names):
        rows = []
        for person in range(len(gt)):
            if np.isnan(gt[person, joint, 0]):
                continue
            first, last, true = before[person, joint], after[person, joint], gt[person, joint]
            old, new = np.hypot(*(first - true)), np.hypot(*(last - true))
            rows.append((np.hypot(*(last - first)), 100.0 * (new < old), new - old))
        everything += rows
        assert [each.value for each in result[name]] == pytest.approx(np.mean(rows, axis=0))
    assert [each.value for each in result["all"]] == pytest.approx(np.mean(everything, axis=0))


def test_the_change_is_compares_difference_with_its_interval(poses):
    before, after, gt = poses
    gt = GroundTruth(gt, np.ones(60))
    *_, change = movement(before, after, gt)["all"]
    wanted = compare(after, before, gt)["joint_error"].overall
    assert change.value == pytest.approx(wanted.value)
    assert change.interval == pytest.approx(wanted.interval)


def test_a_joint_that_nobody_has_is_undefined(poses):
    before, after, gt = poses
    gt[:, 3] = np.nan
    assert movement(before, after, GroundTruth(gt))["l_hip"] == (Estimate(None),) * 3
