"""People on disk: bit for bit, and clear words for files that are not it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton
from mpii_tools.annotations.people_file import load_people, save_people
from mpii_tools.people import COLUMNS, People
from mpii_tools.skeletons import SKELETONS


def some_people(count: int):
    rng = np.random.default_rng(1)
    joints = rng.normal(size=(count, 16, 2))
    joints[::2, 3] = np.nan
    columns = {"scale": rng.random(count), "split": "valid", "derived": np.tile(np.arange(16) == 6, (count, 1))}
    return People([f"ü {row}.jpg" for row in range(count)], joints, **columns)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_column_comes_back(tmp_path, count):
    people = some_people(count)
    save_people(tmp_path / "people.npz", people)
    back = load_people(tmp_path / "people.npz")
    assert back.joint_names == people.joint_names
    for name in COLUMNS:
        was, now = getattr(people, name), getattr(back, name)
        assert now.dtype == was.dtype, name
        np.testing.assert_array_equal(now, was, err_msg=name)


def rewrite(path, **changes):
    with np.load(path) as stored:
        arrays = dict(stored) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def test_a_skeleton_without_pairs_comes_back_as_it_was(tmp_path):
    """Files of before name [] for want of pairs too: what was trained on them, with mirrored images, resumes."""
    unknown = Skeleton(("beak", "tail"), (-1, 0))
    for skeleton in (unknown, replace(unknown, same_in_mirror=True), SKELETONS["hand21"]):
        save_people(tmp_path / "people.npz", People(["a.jpg"], np.ones((1, len(skeleton), 2)), skeleton=skeleton))
        back = load_people(tmp_path / "people.npz").skeleton
        assert back == skeleton and back.can_mirror == skeleton.same_in_mirror
    save_people(tmp_path / "old.npz", People(["a.jpg"], np.ones((1, 2, 2)), skeleton=unknown))
    tree = {"names": ["beak", "tail"], "parents": [-1, 0], "flip_pairs": []}
    rewrite(tmp_path / "old.npz", skeleton=np.array(json.dumps(tree)))
    assert load_people(tmp_path / "old.npz").skeleton.can_mirror


def test_skeleton_and_areas_come_back_older_files_are_mpii(tmp_path):
    skeleton = replace(SKELETONS["coco17"], torso=("nose", "left_hip"))
    people = People(["a.jpg"], np.ones((1, 17, 2)), area=np.array([50.0]), skeleton=skeleton)
    save_people(tmp_path / "people.npz", people)
    back = load_people(tmp_path / "people.npz")
    assert back.skeleton == skeleton and back.area.tolist() == [50]
    rewrite(tmp_path / "people.npz", skeleton=None, area=None)
    assert load_people(tmp_path / "people.npz").skeleton == SKELETONS["coco17"]  # known by its names
    save_people(tmp_path / "old.npz", some_people(3))
    rewrite(tmp_path / "old.npz", skeleton=None, area=None)
    old = load_people(tmp_path / "old.npz")
    assert old.skeleton is MPII and np.isnan(old.area).all()
    for tree, says in (("{", "not a whole JSON"), ('{"names": ["a"], "parents": [-1]}', "not its own")):
        rewrite(tmp_path / "old.npz", skeleton=np.array(tree))
        with pytest.raises(PoseError, match=says):
            load_people(tmp_path / "old.npz")
    rewrite(tmp_path / "old.npz", scored=np.ones(3))
    with pytest.raises(PoseError, match=r"old\.npz: .*'scored' holds float64"):
        load_people(tmp_path / "old.npz")
