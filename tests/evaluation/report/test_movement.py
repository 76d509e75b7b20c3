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
            rows.append((np.hypot(*(last - first)), 100.0 * (new < old), old, new, new - old))
        everything += rows
        found = result["per_joint"][name]
        assert found.joints == len(rows)
        values = [e.value for e in (found.moved, found.closer, found.before, found.after, found.change)]
        assert values == pytest.approx(np.mean(rows, axis=0))
    assert result["all"].joints == len(everything)
    assert result["all"].closer.value == pytest.approx(np.mean(everything, axis=0)[1])


def test_the_change_is_compares_difference_with_its_interval(poses):
    before, after, gt = poses
    gt = GroundTruth(gt, np.ones(60))
    found = movement(before, after, gt)["all"]
    wanted = compare(after, before, gt)["joint_error"].overall
    assert found.change.value == pytest.approx(wanted.value)
    assert found.change.interval == pytest.approx(wanted.interval)
    assert found.after.value - found.before.value == pytest.approx(found.change.value)


def test_a_joint_that_nobody_has_is_undefined(poses):
    before, after, gt = poses
    gt[:, 3] = np.nan
    found = movement(before, after, GroundTruth(gt))["per_joint"]["l_hip"]
    assert found.joints == 0 and found.moved == Estimate(None)
