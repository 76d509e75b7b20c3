"""Predictions of an image's people in another order are said; who has none is counted image by image."""

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.people import People
from mpii_tools.results.matching import align, align_annotated
from mpii_tools.results.predictions import Predictions
from mpii_tools.results.sanity import count_swapped, order_warning, unit_warning

IMAGES = 5


def crowd(each, seed=0):
    """People side by side, `each` of them in every image."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(0, 30, (IMAGES * each, 16, 2))
    shape[..., 0] += 140.0 * (np.arange(IMAGES * each) % each)[:, None]
    return People([f"{row // each}.jpg" for row in range(IMAGES * each)], shape + 200)


def reorder(joints, each, order, images=IMAGES):
    """The poses of the first images in another order."""
    rows = np.arange(len(joints)).reshape(-1, each)
    rows[:images] = rows[:images, order]
    return joints[rows.ravel()]


@pytest.mark.parametrize(("each", "order", "images", "noise", "swapped"), [
    (2, [1, 0], 5, 0, 5),  # from the right, as bottom-up methods have it
    (2, [1, 0], 1, 5, 1), (3, [1, 2, 0], 5, 5, 5),
    (4, [0, 2, 1, 3], 5, 3, 5),  # two of four
    (6, [5, 4, 3, 2, 1, 0], 2, 8, 2), (2, [0, 1], 5, 20, 0), (3, [0, 1, 2], 5, 60, 0), (1, [0], 5, 300, 0),
])  # fmt: skip
def test_another_order_is_said(each, order, images, noise, swapped):
    people = crowd(each)
    joints = np.random.default_rng(1).normal(reorder(people.joints, each, order, images), noise)
    assert count_swapped(joints, people) == (swapped, IMAGES if each > 1 else 0)
    warning = order_warning(joints, people)
    assert (f"in {swapped} of {IMAGES} images" in warning and "\n" not in warning) if swapped else warning is None


def test_missing_joints_and_unlabeled_people_tell_nothing():
    people = crowd(3)
    people.joints[::3] = np.nan  # one in each image is not labeled
    people.joints[1, ::2] = np.nan
    joints = np.nan_to_num(people.joints, nan=7.0)
    assert count_swapped(joints, people) == (0, IMAGES)
    joints[:, 5] = np.nan  # which nobody learned
    assert count_swapped(reorder(joints, 3, [0, 2, 1]), people) == (IMAGES, IMAGES)


def test_one_pose_for_everybody_is_in_no_other_order():
    people = crowd(2)
    mean = people.joints.reshape(-1, 2, 16, 2).mean(axis=(0, 1))
    assert order_warning(np.broadcast_to(mean, people.joints.shape), people) is None


def test_predictions_in_shares_of_the_image_are_said():
    people = crowd(1)
    assert "0..1" in unit_warning(people.joints / 1000, people)
    assert unit_warning(people.joints, people) is None and unit_warning(0 * people.joints, people) is None


@pytest.mark.parametrize(("each", "rows", "says"), [
    (1, [0, 1, 2, 3], r"1 of 5 .* first 4\.jpg#1 \(its image has 0 predictions and 1 people"),
    (1, [0, 0, 1, 2, 3, 4], r"1 of 5 .* first 0\.jpg#1 \(its image has 2 predictions and 1 people"),
    (2, [0, 1, 2, 3, 4, 5, 6, 7, 8], r"2 of 10 .* first 4\.jpg#1 \(its image has 1 predictions and 2 people"),
    (3, [*range(15), 2], r"3 of 15 .* first 0\.jpg#1 \(its image has 4 predictions and 3 people"),
    (1, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], r"5 of 5 .* more than one .* first 0\.jpg#1 .* 2 predictions and 1 people"),
])  # fmt: skip
def test_who_is_missing_is_counted_by_image(each, rows, says):
    people = crowd(each)
    with pytest.raises(PoseError, match=says):
        align(Predictions(people.joints[rows], None, images=people.images[rows]), people)


def test_a_crowd_of_no_interest_does_not_hide_the_others():
    """An image of more predictions than people counts nothing, where nobody in it needs one."""
    people = crowd(2)
    people.joints[8:] = np.nan
    rows, joints = [*range(10), 9], np.nan_to_num(people.joints)
    aligned, found = align_annotated(Predictions(joints[rows], None, images=people.images[rows]), people)
    assert len(found) == 8 and np.array_equal(aligned.joints, people.joints[:8])
