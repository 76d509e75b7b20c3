"""A slip of one pixel: found in the published predictions where it is made, not where it is not."""

import numpy as np
import pytest

from mpii_tools.people import People
from mpii_tools.results.matching import align
from mpii_tools.results.pixel_origin import measure_offset, origin_warning
from mpii_tools.results.predictions import read_predictions


@pytest.mark.parametrize("annotations", ["valid_annolist.mat", "valid.h5", "detections_our_format.mat"])
@pytest.mark.parametrize("predictions", ["newell.h5", "tompson.h5", "valid-ours.h5"])
def test_the_published_predictions(shared, read_shared, annotations, predictions):
    people = read_shared(f"mpii/{annotations}").people
    joints = align(read_predictions(shared / "mpii" / predictions), people).joints
    assert origin_warning(joints, people) is None
    assert "right of and below the ground truth" in origin_warning(joints + 1, people)
    assert "left of and above the ground truth" in origin_warning(joints - 1, people)


def imitate(count, bias, noise, slip, seed=0):
    """People of many sizes; predictions with bias and noise in head sizes and a slip in pixels."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(4, 0.5, count)
    people = People([f"{row}.jpg" for row in range(count)], rng.uniform(0, 500, (count, 16, 2)), head_size=size)
    errors = bias + rng.normal(0, noise, people.joints.shape)
    return people.joints + errors * size[:, None, None] + slip, people


def test_bias_that_grows_with_the_person_is_no_slip():
    for slip in (0.0, 1.0, -1.0):
        joints, people = imitate(3000, np.array([0.1, -0.05]), 0.05, slip)
        offset = measure_offset(joints, people)
        assert abs(offset.pixels - slip) < offset.margin + 0.05 and offset.margin < 0.2
        assert offset.slipped == bool(slip)


def test_the_margin_is_that_of_repeated_draws():
    measured = [measure_offset(*imitate(300, 0.0, 0.1, 0.0, seed)) for seed in range(40)]
    spread = 1.96 * np.std([offset.pixels for offset in measured])
    assert 0.7 < np.mean([offset.margin for offset in measured]) / spread < 1.4


def test_too_few_or_too_wild_joints_tell_nothing():
    assert measure_offset(*imitate(10, 0.0, 0.05, 1.0)) is None
    assert origin_warning(*imitate(200, 0.0, 0.3, 1.0)) is None
    joints, people = imitate(200, 0.0, 0.05, 1.0)
    assert measure_offset(joints + 1e6, people) is None
    nameless = People(people.images, people.joints)  # no head size
    assert measure_offset(joints, nameless) is None
