"""One person, one threshold, one sequence: arrays of one element, of which numpy before 2.4 makes scalars."""

import numpy as np
import pytest

from evaluation import Bootstrap, GroundTruth, compare, evaluate, pckh
from evaluation.metrics.calibration import calibrate, correct_joints
from evaluation.metrics.errors import sequence_errors
from evaluation.metrics.ground_truth import ratio


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 1), (0,)])
def test_ratio_keeps_the_shape_of_its_arguments(shape):
    found = ratio(np.full(shape, 3), np.full(shape, 4))
    assert found.shape == shape and (found == 0.75).all() and found.dtype == np.float64
    assert np.isnan(ratio(np.ones(shape), np.zeros(shape))).all()


def test_one_person_has_every_score():
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 300, (1, 16, 2))
    pred, gt = joints + rng.normal(0, 20, joints.shape), GroundTruth(joints, [60.0], [1.0])
    distances = np.linalg.norm(pred - joints, axis=-1)
    found = evaluate(pred, gt, bootstrap=Bootstrap(20)), compare(pred, joints, gt, bootstrap=Bootstrap(20))
    assert [each["joint_error"].overall.value for each in found] == pytest.approx([distances.mean()] * 2)
    shares = [each.value for each in pckh(pred, gt, thresholds=[0.5])["pckh@0.5"].per_part.values()]
    assert shares == (100 * (distances[0] <= 30)).tolist()
    assert calibrate(np.full((1, 16), 0.75), correct_joints(pred, gt), bootstrap=None).score.value == 0.75
    pred, joints = (np.concatenate([each, each[..., :1]], axis=-1) for each in (pred, joints))
    [found] = sequence_errors(pred, GroundTruth(joints, subject=["S9"], action=["Eating"], sequence=["1"]))
    assert found["persons"] == 1 and found["joint_error"] > 0
