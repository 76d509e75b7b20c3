"""The depth of people: its checks, its file, and poses taken back to millimeters."""

import dataclasses

import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.people_file import depth_path, load_people, save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.cameras import project
from mpii_tools.people import DEPTH_COLUMNS, Depth, People, join_people

CAMERA, DISTORTION = np.array([1145.0, 1143.8, 512.5, 515.5]), np.array([-0.2, 0.25, -0.003, -0.0014, -0.001])


def make_people(count=5, seed=0):
    """People, and their joints in camera coordinates, mm."""
    points = np.random.default_rng(seed).normal((0, 0, 5000), 400, (count, 16, 3))
    ids = [f"a.jpg#{row + 1}" for row in range(count)]
    root = points[:, MPII.root, 2]
    depth = Depth(
        points[..., 2] - root[:, None], camera=CAMERA, distortion=DISTORTION, root_depth=root, subject="S1",
        action=[f"action {row % 2}" for row in range(count)], sequence="S1 walk", frame=np.arange(count),
    )  # fmt: skip
    return People(["a.jpg"] * count, project(points, CAMERA, DISTORTION), person_ids=ids, depth=depth), points


def test_pixels_and_relative_depth_lead_back_to_millimeters():
    people, points = make_people()
    joints = np.concatenate([people.joints, people.depth.z[..., None]], axis=-1)
    np.testing.assert_allclose(people.depth.to_camera(joints), points, atol=1e-5)
    np.testing.assert_array_equal(people.camera_joints, people.depth.to_camera(joints))


def test_no_millimeters_without_camera_or_root_depth():
    people, _ = make_people(3)
    root, camera = people.depth.root_depth.copy(), people.depth.camera.copy()
    root[0], camera[1] = np.nan, np.nan
    people = dataclasses.replace(people, depth=dataclasses.replace(people.depth, root_depth=root, camera=camera))
    assert people.depth.placed.tolist() == [False, False, True]
    assert np.isfinite(people.camera_joints).all(axis=(1, 2)).tolist() == [False, False, True]


def test_depth_comes_back_in_the_order_of_the_people(tmp_path):
    people, _ = make_people()
    save_people(tmp_path / "valid.npz", people)
    assert depth_path(tmp_path / "valid.npz") == tmp_path / "valid-depth.npz"
    rows = np.array([3, 0])
    save_people(tmp_path / "few.npz", people.select(rows))
    depth_path(tmp_path / "valid.npz").replace(depth_path(tmp_path / "few.npz"))
    found = load_people(tmp_path / "few.npz").depth
    for name in DEPTH_COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(people.depth, name)[rows])
    save_people(tmp_path / "valid.npz", people)
    np.testing.assert_array_equal(read_annotations(tmp_path / "valid.npz").people.depth.z, people.depth.z)


def test_people_without_depth_leave_no_file_of_it(tmp_path):
    people, _ = make_people()
    save_people(tmp_path / "valid.npz", people)
    save_people(tmp_path / "valid.npz", dataclasses.replace(people, depth=None))
    assert not depth_path(tmp_path / "valid.npz").exists()
    assert load_people(tmp_path / "valid.npz").depth is None
    assert read_annotations(tmp_path / "valid.npz").people.depth is None


def test_depth_of_others_is_refused(tmp_path):
    people, _ = make_people()
    others, path = tmp_path / "others.npz", tmp_path / "valid.npz"
    save_people(path, people)
    save_people(others, people.select(np.arange(4)))
    depth_path(others).replace(depth_path(path))
    with pytest.raises(PoseError, match=r"valid-depth.npz: depth: has no row of person 'a.jpg#5' \(1 are missing\)"):
        load_people(path)
    columns = {name: getattr(people.depth, name) for name in DEPTH_COLUMNS}
    np.savez(depth_path(path), **columns, person_ids=people.person_ids[[0, 1, 2, 3, 3]])
    with pytest.raises(PoseError, match=r"'a\.jpg#4' appears more than once"):
        load_people(path)
    depth_path(path).write_bytes(depth_path(path).read_bytes()[:500])
    with pytest.raises(PoseError, match="not a whole"):
        load_people(path)


@pytest.mark.parametrize(("column", "value", "message"), [
    ("z", np.zeros(5), "column 'z' has shape"),
    ("z", np.zeros((5, 14)), "of 14 joints, the people have 16"),
    ("camera", np.zeros((5, 3)), r"column 'camera' has shape \(5, 3\), expected \(5, 4\)"),
    ("camera", np.zeros((5, 4)), "the camera of person 'a.jpg#1' has no focal length above 0"),
    ("frame", np.zeros(4), "column 'frame' has shape"),
    ("action", np.array(["sit\n"] * 5), "cannot be printed"),
])  # fmt: skip
def test_columns_that_do_not_fit_are_refused(column, value, message):
    people, _ = make_people()
    with pytest.raises(PoseError, match=message):
        dataclasses.replace(people, depth=dataclasses.replace(people.depth, **{column: value}))


def test_joined_people_have_depth_if_all_parts_have():
    people, _ = make_people(2)
    joined = join_people([people, people.select(np.array([1]))])
    np.testing.assert_array_equal(joined.depth.z, people.depth.z[[0, 1, 1]])
    assert joined.depth.frame.tolist() == [0, 1, 1]
    assert join_people([people, dataclasses.replace(people, depth=None)]).depth is None
