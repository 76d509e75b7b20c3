"""Other units are seen, real people are not taken for them."""

from dataclasses import replace

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations import placement
from mpii_tools.annotations.placement import AWAY, NORMALIZED, SMALL, TINY
from mpii_tools.people import People, box_squares, place_squares
from mpii_tools.skeletons import SKELETONS


def extent(people):
    """(N,) longer side of the annotated joints / side of the crop, person by person."""
    rows = zip(people.joints, people.annotated, people.crop_side, strict=True)
    return np.array([np.ptp(joints[annotated], axis=0).max() / side for joints, annotated, side in rows])


@pytest.mark.parametrize(
    ("name", "least"), [("mpii/valid_annolist.mat", 0.17), ("mpii/valid.h5", 0.17), ("lspet", 0.35)]
)
def test_real_people_are_far_from_the_limit(read_shared, name, least):
    people = read_shared(name).people
    assert extent(people).min() > least > 3 * SMALL
    assert not any(rows.any() for rows in placement.wrong_units(people).values())


def test_real_people_in_other_units_are_all_seen(read_shared):
    people = read_shared("mpii/valid_annolist.mat").people
    in_pixels = replace(people, scale=200 * people.scale)
    assert placement.wrong_units(in_pixels)[TINY].all()
    normalized = replace(people, joints=(people.joints + 1) / 4000 - 1)  # as a reader of 1-based files leaves them
    assert placement.wrong_units(normalized)[NORMALIZED].all() and not placement.wrong_units(normalized)[TINY].any()
    elsewhere = replace(people, center=people.center / 2000)
    assert placement.wrong_units(elsewhere)[AWAY].mean() > 0.5
    for wrong, says in ((in_pixels, "scale in pixels"), (normalized, r"within 0\."), (elsewhere, "outside the crop")):
        with pytest.raises(PoseError, match=says):
            placement.require_pixels("a.json", wrong)
    placement.require_pixels("a.json", people)


def test_a_face_alone_is_small_but_not_tiny():
    joints = np.full((2, 17, 2), np.nan)
    joints[:, :3] = [[100, 60], [103, 57], [97, 57]]  # nose and eyes of somebody 200 px tall
    people = People(["a", "b"], joints, center=np.full((2, 2), 100.0), scale=[1, 200],
                         skeleton=SKELETONS["coco17"])  # fmt: skip
    assert placement.wrong_units(people)[TINY].tolist() == [False, True]


def test_center_and_scale_are_made_only_for_those_without():
    joints = np.random.default_rng(0).uniform(50, 250, (4, 16, 2))
    joints[3] = np.nan
    nan = np.nan
    people = People(
        list("abcd"), joints, center=np.array([[9, 9], [nan, nan], [nan, nan], [nan, nan]]),
        scale=np.array([1, 2, nan, nan]), head_size=np.array([nan, nan, 7, nan]),
    )  # fmt: skip
    placed, notes = placement.place_people(people)
    assert placed.center[0].tolist() == [9, 9] and placed.scale[:2].tolist() == [1, 2]
    assert np.isnan(placed.center[[1, 3]]).all() and np.isnan(placed.scale[3])
    assert [who for who in notes.values() if who] == [["c#1"]]
    inside = np.abs(placed.joints[2] - placed.crop_center[2]).max() / placed.crop_side[2]
    assert inside == pytest.approx(0.5 / 1.3) and placed.head_size[2] == 7


def test_a_box_is_cropped_as_prediction_crops_it():
    from ief.inference.boxes import box_matrices
    from mpii_tools.crops import crop_matrices

    boxes = np.array([[10.0, 20, 60, 140], [0, 0, 33, 7]])
    center, scale = place_squares(*box_squares(boxes))
    people = People(list("ab"), np.zeros((2, 16, 2)), center=center, scale=scale)
    np.testing.assert_allclose(crop_matrices(people.crop_center, people.crop_side, 224), box_matrices(boxes, 224))
