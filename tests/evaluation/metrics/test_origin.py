"""A slip of one pixel is found where it is, or is made, and nowhere else; the functions warn of it as the command."""

import warnings

import numpy as np
import pytest

from evaluation import GroundTruth, compare, evaluate
from evaluation.metrics.origin import measure_offset, origin_warning
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions


@pytest.mark.parametrize("annotations", ["valid_annolist.mat", "valid.h5", "detections_our_format.mat"])
@pytest.mark.parametrize("predictions", ["newell.h5", "tompson.h5", "valid-ours.h5"])
def test_the_origin_of_the_published_predictions(shared, read_shared, annotations, predictions):
    people = read_shared(f"mpii/{annotations}").people
    joints = align(read_predictions(shared / "mpii" / predictions), people).joints
    gt = GroundTruth(people.joints, people.head_size, people.scale, people.annotated)
    assert origin_warning(joints, gt) is None
    assert "right of and below the ground truth" in origin_warning(joints + 1, gt)
    assert "left of and above the ground truth" in origin_warning(joints - 1, gt)


def imitate(count, bias, noise, slip, seed=0):
    """Predictions with bias and noise in head sizes and a slip in pixels, of people of many sizes."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(4, 0.5, count)
    gt = GroundTruth(rng.uniform(0, 500, (count, 16, 2)), head_size=size)
    errors = bias + rng.normal(0, noise, gt.joints.shape)
    return gt.joints + errors * size[:, None, None] + slip, gt


def test_bias_that_grows_with_the_person_is_no_slip():
    for slip in (0.0, 1.0, -1.0):
        joints, gt = imitate(3000, np.array([0.1, -0.05]), 0.05, slip)
        pixels, margin, _ = measure_offset(joints, gt)
        assert abs(pixels - slip) < margin + 0.05 and margin < 0.2
        assert bool(origin_warning(joints, gt)) == bool(slip)


def test_the_margin_is_that_of_repeated_draws():
    pixels, margins, _ = zip(*(measure_offset(*imitate(300, 0.0, 0.1, 0.0, seed)) for seed in range(40)), strict=True)
    assert 0.7 < np.mean(margins) / (1.96 * np.std(pixels)) < 1.4


def test_too_few_or_too_wild_joints_tell_nothing():
    assert measure_offset(*imitate(10, 0.0, 0.05, 1.0)) is None
    assert origin_warning(*imitate(200, 0.0, 0.3, 1.0)) is None
    joints, gt = imitate(200, 0.0, 0.05, 1.0)
    assert measure_offset(joints + 1e6, gt) is None
    assert measure_offset(joints, GroundTruth(gt.joints)) is None  # no head size


def test_the_functions_warn_of_pixels_counted_from_1():
    joints, gt = imitate(2000, 0.0, 0.05, 0.0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        plain = evaluate(joints, gt)
        compare(joints, joints + 8, gt)
    assert not said
    with pytest.warns(UserWarning, match="subtract 1") as said:
        slipped = evaluate(joints + 1, gt)
    assert slipped["joint_error"].overall != plain["joint_error"].overall and said[0].filename == __file__
    with pytest.warns(UserWarning, match="add 1"):
        compare(joints, joints - 1, gt)
