"""Who is drawn, and what of them."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from evaluation.report.skeletons import drop_outside
from ief.reporting.people import draw_people, make_lookup, make_people_section, spread_rows
from ief.reporting.runs import load_run
from ief.reporting.scoring import person_errors
from ief.reporting.sequence import choose_sequence
from mpii_tools.people import Depth, People


def test_predictions_beyond_the_image_are_not_drawn():
    joints = np.array([[-0.5, 0.0], [-0.6, 3.0], [9.5, 7.5], [9.4, 7.6], [np.nan, 1.0]])
    seen = np.isfinite(drop_outside(joints, np.zeros((8, 10, 3)))).all(axis=1)
    assert seen.tolist() == [True, False, True, False, False]

    people = People(["a.png"], np.random.default_rng(0).uniform(10, 70, (1, 16, 2)))

    def draw(*first):
        pose = people.joints + 2
        pose[0, 0] = first or pose[0, 0]
        return draw_people(people, pose, lambda _: np.full((80, 80, 3), 90, np.uint8), [0])[0][1]

    assert draw(40, 5000).shape == draw().shape
    np.testing.assert_array_equal(draw(-300, 40), draw(np.nan, np.nan))


def test_figure_3_goes_from_the_best_to_the_worst(deep):
    run = load_run(deep.folder / "alone/all", "all", deep.people)
    errors = person_errors(run.poses["stage0"], deep.people, 3)

    def section(people):
        return make_people_section(run, people, lambda _: np.full((500, 500, 3), 90, np.uint8), []).pictures

    pictures, flat = section(deep.people), section(deep.flat)
    shown = [float(caption.split()[-2]) for caption, _ in pictures if caption.endswith("mm")]
    assert shown == sorted(shown) and len(shown) == 12 and len(pictures) == 14
    assert (shown[0], shown[-1]) == (round(np.nanmin(errors), 2), round(np.nanmax(errors), 2))
    assert all(picture.shape == (320, 641, 3) for _, picture in pictures)
    assert len(flat) == 12 and all(caption.endswith("head sizes") for caption, _ in flat) and not section(None)


def test_people_in_3d_are_ranked_by_their_error_in_3d(deep):
    people, depth = deep.people, deep.people.depth
    runs = [load_run(deep.folder / name, name, people) for name in ("alone/all", "mixed/all")]
    found = make_lookup(runs, people, None, 0, "", None)
    rows = [people.person_ids.tolist().index(person["id"]) for person in found["people"]]
    errors = np.frombuffer(base64.b64decode(found["errors"]), "<f4").reshape(2, len(rows), 16)
    for run, mine in zip(runs, errors, strict=True):
        apart = depth.to_camera(run.poses["stage0"])[rows] - people.camera_joints[rows]
        apart = np.linalg.norm(apart - apart[:, [6]], axis=-1)
        apart[~people.annotated[rows]] = np.nan
        np.testing.assert_allclose(mine, apart, rtol=1e-6, atol=1e-4)
    assert found["unit"] == "mm" and sorted(rows) == np.flatnonzero(depth.placed).tolist()
    flat = make_lookup(runs, deep.flat, None, 0, "", None)
    assert "errors" not in flat and flat["unit"] == "head sizes" and len(flat["people"]) == len(people)


@pytest.mark.parametrize("people", [0, 1, 5, 12, 13, 100])
def test_shown_people_are_spread_from_the_best_to_the_worst(people):
    errors = np.append(np.random.default_rng(people).permutation(people).astype(float), np.nan)
    shown = errors[spread_rows(errors, 12)]
    assert len(shown) == min(people, 12) and (np.diff(shown) > 0).all()
    assert not people or (shown[0], shown[-1]) == (0, people - 1)


def test_of_several_cameras_the_one_with_most_frames_is_taken(deep):
    people, depth, poses = deep.people, deep.people.depth, deep.poses
    camera = depth.camera.copy()
    camera[::2, 0] = 600.0
    frame = depth.frame - depth.frame % 128  # two people a frame, one of each camera
    frame = np.where(depth.action == "WalkingDog", frame + 1024, frame)
    frame[[1, 17]] = -1
    sequence = np.where(depth.sequence == "", "", np.char.add(depth.subject, " all"))  # two of eight are one of sixteen
    names = {"subject": depth.subject, "sequence": sequence}
    double = Depth(depth.z, camera=camera, root_depth=depth.root_depth, frame=frame, **names)
    found = choose_sequence(replace(people, depth=double), {"all": poses["mixed/all"]["stage0"]})
    assert found.frames.tolist() == [0, 128, 256, 384, 1024, 1152, 1280, 1408]
    rows = [row for row in range(32) if sequence[row] == found.title and camera[row, 0] == 600.0]
    assert len(rows) == 8
    np.testing.assert_array_equal(found.gt, replace(people, depth=double).camera_joints[rows])
    np.testing.assert_array_equal(found.poses["all"], double.to_camera(poses["mixed/all"]["stage0"])[rows])
    assert choose_sequence(replace(people, depth=Depth(depth.z)), {}) is None
