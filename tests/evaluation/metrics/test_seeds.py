"""Means over trainings, and their intervals: against scipy's t test, and against the scores of each training."""

import numpy as np
import pytest
from scipy import stats

from evaluation.metrics.bootstrap import Bootstrap, Estimate
from evaluation.metrics.evaluate import compare, evaluate, scores_of
from evaluation.metrics.inputs import GroundTruth
from evaluation.metrics.seeds import over_seeds
from heads.skeleton import MPII

PEOPLE, JOINTS = 12, 16


def people_and_poses(trainings):
    rng = np.random.default_rng(5)
    joints = rng.normal(100, 20, (PEOPLE, JOINTS, 2))
    annotated = rng.random((PEOPLE, JOINTS)) > 0.2
    gt = GroundTruth(joints, np.full(PEOPLE, 25.0), np.full(PEOPLE, 1.0), annotated, MPII)
    return gt, [joints + rng.normal(0, 10, joints.shape) for _ in range(trainings)]


def test_the_interval_over_seeds_is_that_of_a_t_test():
    values = [0.7, -0.2, 1.4]
    found, theirs = over_seeds(values), stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(np.mean(values))
    assert found.interval == pytest.approx(tuple(theirs))


def test_one_seed_has_no_interval_and_an_undefined_value_no_mean():
    assert over_seeds([2.5]) == Estimate(2.5)
    assert over_seeds([1.0, None]) == over_seeds([]) == Estimate(None)


def test_the_mean_of_several_trainings_is_the_mean_of_their_scores():
    gt, poses = people_and_poses(3)
    found, each = scores_of(gt, poses), [evaluate(pose, gt) for pose in poses]
    for measure in (
        lambda scores: scores.mean_pckh,
        lambda scores: scores.joint_error.image_px,
        lambda scores: scores.bone_error.per_part["r_knee"].crop_px,
        lambda scores: scores.pckh.groups[0.1]["Wrist"],
    ):
        assert measure(found).value == pytest.approx(np.mean([measure(scores).value for scores in each]))
    assert found.pckh.people == PEOPLE and found.joint_error.counts == each[0].joint_error.counts


def test_its_interval_is_over_people_and_narrower_than_that_of_one_training():
    gt, poses = people_and_poses(8)

    def width(scores):
        low, high = scores.joint_error.image_px.interval
        return high - low

    # The errors are drawn independently: the mean of eight varies less from person to person.
    assert width(scores_of(gt, poses)) < 0.6 * width(evaluate(poses[0], gt, bootstrap=Bootstrap()))


def test_the_difference_of_means_is_the_mean_of_paired_differences():
    gt, poses = people_and_poses(4)
    found = scores_of(gt, poses[:2], poses[2:])
    pairs = [compare(ours, theirs, gt) for ours, theirs in zip(poses[:2], poses[2:], strict=True)]
    mean = np.mean([pair.mean_pckh.value for pair in pairs])
    assert found.mean_pckh.value == pytest.approx(mean)
    assert scores_of(gt, poses[:1], poses[1:2]) == compare(poses[0], poses[1], gt)
    same = scores_of(gt, poses, poses[::-1]).joint_error.image_px
    assert (same.value, *same.interval) == pytest.approx((0, 0, 0), abs=1e-12)
