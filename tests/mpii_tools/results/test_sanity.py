"""Doubtful predictions: fillers are found where they are, or are made, and nowhere else."""

import numpy as np
import pytest

from mpii_tools.people import People
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions
from mpii_tools.results.sanity import filler_warning, find_constant_joints, find_fillers


@pytest.mark.parametrize(
    ("name", "people_with", "count"), [("newell.h5", 0, 0), ("valid-ours.h5", 1, 16), ("tompson.h5", 2857, 5718)]
)
def test_fillers_of_the_published_predictions(shared, read_shared, name, people_with, count):
    """Of tompson.h5 pelvis and thorax are in one place, which is most of its joint error of 98.9 px."""
    people = read_shared("mpii/valid_annolist.mat").people
    joints = align(read_predictions(shared / "mpii" / name), people).joints
    fillers = np.any([np.zeros(joints.shape[:2], bool), *find_fillers(joints, people).values()], axis=0)
    assert (fillers.sum(), fillers.any(axis=1).sum()) == (count, people_with)
    if name == "tompson.h5":
        distance = np.linalg.norm(joints - people.joints, axis=-1)
        assert np.nanmean(distance[people.annotated]) == pytest.approx(98.9, abs=0.05)
        assert set(np.flatnonzero(fillers.sum(axis=0) > 4)) == {6, 7}
        assert distance[people.annotated & ~fillers].mean() == pytest.approx(30.7, abs=0.05)
        warning = filler_warning(joints, people)
        assert all(part in warning for part in ("5,718", "44,240", "2,857", "30.7 px", "pelvis, thorax"))


@pytest.fixture
def predicted():
    """(40, 16, 2) predictions on a grid of 4 px, as heatmaps give them, and the people."""
    rng = np.random.default_rng(0)
    people = People([f"{row}.jpg" for row in range(40)], rng.uniform(20, 400, (40, 16, 2)))
    return (people.joints + rng.normal(0, 8, people.joints.shape)).round() // 4 * 4, people


def test_predictions_on_a_grid_are_no_fillers(predicted):
    joints, people = predicted
    joints[:3, 2] = joints[:3, 3]  # hips that coincide
    joints[4, :3] = joints[4, 3]
    assert find_fillers(joints, people) == {} and filler_warning(joints, people) is None
    assert filler_warning(joints[:2], people.select(np.arange(2))) is None
    assert filler_warning(joints[:0], people.select(np.arange(0))) is None


PLACES = np.random.default_rng(1).uniform(-90, 0, (37, 1, 2))


@pytest.mark.parametrize(("where", "place", "count", "people_with"), [
    pytest.param(np.s_[5:9], 0, 64, 4, id="zeros"),
    pytest.param(np.s_[[1, 4, 7], 9], -1, 3, 3, id="zeros of a file that counts from 1"),
    pytest.param(np.s_[7], [211, 90], 16, 1, id="a person at one place"),
    pytest.param(np.s_[:], 111.5, 640, 40, id="a file at one place"),
    pytest.param(np.s_[:30, 6], [50, 60], 30, 30, id="a joint at one place"),
    pytest.param(np.s_[3:, 6:8], PLACES, 74, 37, id="two joints at one place"),
])  # fmt: skip
def test_fillers_of_each_kind_are_found(predicted, where, place, count, people_with):
    joints, people = predicted
    joints[where] = place
    (fillers,) = find_fillers(joints, people).values()
    assert (fillers.sum(), fillers.any(axis=1).sum()) == (count, people_with)
    warning = filler_warning(joints, people)
    assert f"{count:,} of 640 " in warning and "\n" not in warning


def test_what_does_not_count_or_is_right_is_none(predicted):
    joints, people = predicted
    joints[:, 6] = np.nan  # nobody learned it
    joints[2:9, 3] = 0
    hidden = people.joints.copy()
    hidden[2:8, 3] = np.nan  # not annotated
    hidden[8, 3] = 0  # and there it is
    assert find_fillers(joints, People(people.images, hidden)) == {}


def test_joints_of_one_place_for_everybody_are_fillers(predicted):
    joints, people = predicted
    joints[:, 6], joints[:, 9], joints[5:, 2], joints[:, 3] = 0, [320.5, 240], 7, people.joints[:, 3]
    people.joints[:, 4] = joints[:, 4] = [50, 60]  # where the ground truth is
    joints[7, 9] = np.nan
    assert np.flatnonzero(find_constant_joints(joints, people)).tolist() == [6, 9]
    assert np.flatnonzero(find_constant_joints(joints[:2], people.select(np.arange(2)))).tolist() == [6]  # 2 by chance
    assert not find_constant_joints(np.tile(joints[:1], (40, 1, 1)), people).any()  # a constant pose
    deep = np.concatenate([joints, joints[..., :1]], axis=-1)
    assert np.flatnonzero(find_constant_joints(deep, people)).tolist() == [9]  # 6 is the root
