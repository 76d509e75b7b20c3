"""One person, one threshold, one sequence: arrays of one element, of which numpy before 2.4 makes scalars."""

import numpy as np
import pytest

from evaluation import Bootstrap, GroundTruth, compare, evaluate, pckh
from evaluation.metrics.breakdown import sequence_errors
from evaluation.metrics.calibration import calibrate, correct_joints
from evaluation.metrics.ground_truth import ratio


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 1), (0,)])
def test_ratio_keeps_the_shape_of_its_arguments(shape):
    found = ratio(np.full(shape, 3), np.full(shape, 4))
    assert found.shape == shape and (found == 0.75).all() and found.dtype == np.float64
    assert np.isnan(ratio(np.ones(shape), np.zeros(shape))).all()


def one_person(dimensions=2):
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 300, (1, 16, dimensions))
    return joints + rng.normal(0, 20, joints.shape), joints


def test_one_person_is_evaluated_and_compared():
    pred, joints = one_person()
    gt = GroundTruth(joints, [60.0], [1.0])
    scores = evaluate(pred, gt, bootstrap=Bootstrap(20))
    assert scores.people == 1
    literal = np.linalg.norm(pred - joints, axis=-1).mean()
    assert scores["joint_error"].overall.value == pytest.approx(literal)
    assert compare(pred, joints, gt, bootstrap=Bootstrap(20))["joint_error"].overall.value == pytest.approx(literal)


def test_one_threshold_of_one_person():
    pred, joints = one_person()
    result = pckh(pred, GroundTruth(joints, [60.0], [1.0]), thresholds=[0.5])
    close = np.linalg.norm(pred - joints, axis=-1)[0] <= 30
    assert [result["pckh@0.5"].per_part[name].value for name in ("r_ankle", "l_wrist")] == [
        100 * close[0],
        100 * close[15],
    ]


def test_one_person_is_calibrated_without_intervals():
    pred, joints = one_person()
    gt = GroundTruth(joints, [60.0], [1.0])
    found = calibrate(np.full((1, 16), 0.75), correct_joints(pred, gt), bootstrap=None)
    assert found.score.value == 0.75


def test_one_sequence_of_one_person():
    pred, joints = one_person(3)
    [found] = sequence_errors(pred, GroundTruth(joints, subject=["S9"], action=["Eating"], sequence=["1"]))
    assert found.people == 1 and found.joint_error > 0
