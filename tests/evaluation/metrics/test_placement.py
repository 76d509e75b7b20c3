"""The two parts of the joint error: against a loop over people, and under shifts and changes of shape."""

import numpy as np
import pytest
from scattered import JOINTS, PEOPLE, poses_near, scattered_people

from evaluation.metrics.evaluate import joint_error
from evaluation.metrics.placement import placement


@pytest.fixture
def gt():
    return scattered_people()


def literal(pose, gt):
    offset = shape = joints = 0.0
    for person in range(PEOPLE):
        errors = [pose[person, k] - gt.joints[person, k] for k in range(JOINTS) if gt.annotated[person, k]]
        if errors:
            shift = sum(errors) / len(errors)
            offset += len(errors) * np.hypot(*shift)
            shape += sum(np.hypot(*(error - shift)) for error in errors)
            joints += len(errors)
    return offset / joints, shape / joints


def test_both_parts_are_those_of_a_loop_over_people(gt):
    pose, other = poses_near(gt, 1), poses_near(gt, 2)
    found = placement(gt, [pose])
    assert (found.offset.value, found.shape.value) == pytest.approx(literal(pose, gt))
    assert found.offset.low < found.offset.value < found.offset.high
    found = placement(gt, [pose, other], [other], bootstrap=None)
    expected = [(ours - theirs) / 2 for ours, theirs in zip(literal(pose, gt), literal(other, gt), strict=True)]
    assert (found.offset.value, found.shape.value) == pytest.approx(expected)
    assert found.offset.interval is None


def test_a_shift_is_an_offset_and_nothing_else(gt):
    pose, shift = poses_near(gt, 1), np.random.default_rng(3).normal(0, 40, (PEOPLE, 1, 2))
    before, after = placement(gt, [pose]), placement(gt, [pose + shift])
    assert after.shape.value == pytest.approx(before.shape.value)
    found = placement(gt, [np.nan_to_num(gt.joints) + np.array([3.0, 4.0])])
    assert (found.offset.value, found.shape.value) == pytest.approx((5, 0))


def test_offset_and_shape_bound_the_joint_error(gt):
    for seed in range(5):
        pose = poses_near(gt, seed)
        found, whole = placement(gt, [pose]), joint_error(pose, gt).overall.value
        assert found.offset.value <= whole <= found.offset.value + found.shape.value
