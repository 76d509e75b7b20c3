"""Missing joints and units as other programs have them, given to the library as arrays."""

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import GroundTruth, evaluate, joint_error, mpjpe, pckh
from heads.skeleton import MPII

PEOPLE = 30
GONE = np.isin(np.arange(16), (0, 1, 8))[None, :, None] & np.ones((PEOPLE, 1, 1), bool)  # joints that nobody labeled
RNG = np.random.default_rng(0)
JOINTS = RNG.normal(150, 30, (PEOPLE, 16, 2))
PRED = JOINTS + RNG.normal(0, 8, JOINTS.shape)
HEADS = np.where(np.arange(PEOPLE) < 5, np.nan, 30.0)
BODY = RNG.normal(0, 300, (PEOPLE, 16, 3))  # mm
BODY_PRED = BODY + RNG.normal(0, 50, BODY.shape)


def mask(values, hidden, filler):
    """A masked array whose hidden values are a filler, not NaN."""
    hidden = np.broadcast_to(hidden, values.shape)
    return np.ma.MaskedArray(np.where(hidden, filler, values), hidden)


EXPECTED = pckh(PRED, GroundTruth(np.where(GONE, np.nan, JOINTS), HEADS))


@pytest.mark.parametrize(
    ("pred", "joints", "heads"),
    [
        (PRED, mask(JOINTS, GONE, -1), HEADS),
        (mask(PRED, GONE, 0), mask(JOINTS, GONE, 0), mask(np.nan_to_num(HEADS), np.isnan(HEADS), 999)),
        (mask(PRED, GONE, 1e20), mask(JOINTS, GONE, 1e20), HEADS),
        (PRED, mask(JOINTS, GONE & np.array([True, False]), 7), HEADS),  # x alone is hidden
        (PRED, np.where(GONE, np.inf, JOINTS), HEADS),
        (PRED, np.where(GONE, None, JOINTS.astype(object)).tolist(), HEADS.tolist()),
    ],
    ids=["-1 under a mask", "zeros under masks", "netCDF's filler", "half a mask", "infinity", "None in lists"],
)
def test_joints_hidden_in_any_way_do_not_count(pred, joints, heads):
    assert pckh(pred, GroundTruth(joints, heads)) == EXPECTED


@pytest.mark.parametrize("filler", [(0, 0), (-1, -1), (0.0, -0.0)])
@pytest.mark.parametrize(("rows", "first"), [(slice(None), 0), (3, 3)], ids=["everybody", "one"])
def test_fillers_in_the_ground_truth_are_refused(filler, rows, first):
    joints = JOINTS.copy()
    joints[rows, 8] = filler
    with pytest.raises(PoseError, match=rf"row {first}, joint 'upper_neck' .*NaN") as caught:
        GroundTruth(joints)
    assert "\n" not in str(caught.value)
    told = GroundTruth(joints, annotated=np.ones((PEOPLE, 16), bool))  # a place that is vouched for counts
    assert joint_error(joints, told).count == PEOPLE * 16


def test_an_annotated_joint_without_a_prediction_is_an_error():
    with pytest.raises(PoseError, match="row 0, joint 'r_ankle'"):
        pckh(mask(PRED, GONE, 0), GroundTruth(JOINTS, HEADS))


@pytest.mark.parametrize(
    ("pred", "joints", "says"),
    [
        (BODY_PRED / 1000, BODY / 1000, "ground truth: .* mm"),
        (BODY_PRED / 1000, BODY, "prediction: .* mm"),
        (BODY_PRED, np.where(GONE, np.nan, BODY / 1000), "ground truth: .* mm"),
        (BODY_PRED / np.ptp(BODY, axis=1, keepdims=True), BODY / np.ptp(BODY, axis=1, keepdims=True), "span 1, "),
        (np.dstack([PRED, GONE[..., 0] * 1.0]), np.dstack([JOINTS, 2.0 - GONE[..., 0]]), "ground truth: .* visibility"),
        (np.dstack([PRED, np.full(PRED.shape[:2], 2)]), BODY, "prediction: .* visibility"),
    ],
    ids=["both in meters", "predictions in meters", "gaps, in meters", "within 0..1", "x, y, v", "v of predictions"],
)
def test_other_units_of_poses_in_3d_are_refused(pred, joints, says):
    with pytest.raises(PoseError, match=says):
        evaluate(pred, GroundTruth(joints))


def test_masked_poses_in_3d_score_as_those_with_gaps():
    known = np.where(GONE, np.nan, BODY)
    hidden = mask(BODY, GONE, 0)
    assert mpjpe(BODY_PRED, hidden) == mpjpe(BODY_PRED, known)
    assert evaluate(BODY_PRED, GroundTruth(hidden)) == evaluate(BODY_PRED, GroundTruth(known))
    flat = BODY * (1, 1, 0)  # no depth at all, and one point, are no other unit
    assert evaluate(flat, GroundTruth(flat))["joint_error"].overall.value == 0
    point = np.zeros((2, len(MPII), 3))
    assert evaluate(point, GroundTruth(point))["joint_error"].overall.value == 0
