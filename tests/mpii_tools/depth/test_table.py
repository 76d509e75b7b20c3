"""The depth table: its checks, its file, and poses taken back to millimeters."""

import dataclasses

import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.read import read_annotations
from mpii_tools.depth.cameras import project
from mpii_tools.depth.files import depth_path, load_depth, save_depth
from mpii_tools.depth.table import COLUMNS, Depth, join_depths
from mpii_tools.people import People
from mpii_tools.people_file import save_people

CAMERA, DISTORTION = np.array([1145.0, 1143.8, 512.5, 515.5]), np.array([-0.2, 0.25, -0.003, -0.0014, -0.001])


def make_both(count=5, seed=0):
    """People, their depths, and their joints in camera coordinates, mm."""
    rng = np.random.default_rng(seed)
    points = rng.normal((0, 0, 5000), 400, (count, 16, 3))
    ids = [f"a.jpg#{row + 1}" for row in range(count)]
    people = People(["a.jpg"] * count, project(points, CAMERA, DISTORTION), person_ids=ids)
    root = points[:, MPII.root, 2]
    depth = Depth(
        ids, points[..., 2] - root[:, None], camera=CAMERA, distortion=DISTORTION, root_depth=root, subject="S1",
        action=[f"action {row % 2}" for row in range(count)], sequence="S1 walk", frame=np.arange(count),
    )  # fmt: skip
    return people, depth, points


def test_pixels_and_relative_depth_lead_back_to_millimeters():
    people, depth, points = make_both()
    joints = np.concatenate([people.joints, depth.z[..., None]], axis=-1)
    np.testing.assert_allclose(depth.to_camera(joints), points, atol=1e-5)


def test_no_millimeters_without_camera_or_root_depth():
    people, depth, _ = make_both(3)
    root, camera = depth.root_depth.copy(), depth.camera.copy()
    root[0], camera[1] = np.nan, np.nan
    depth = dataclasses.replace(depth, root_depth=root, camera=camera)
    joints = np.concatenate([people.joints, depth.z[..., None]], axis=-1)
    assert depth.placed.tolist() == [False, False, True]
    assert np.isfinite(depth.to_camera(joints)).all(axis=(1, 2)).tolist() == [False, False, True]


def test_a_table_comes_back_in_the_order_of_the_people(tmp_path):
    people, depth, _ = make_both()
    save_people(tmp_path / "valid.npz", people)
    assert (
        save_depth(tmp_path / "valid.npz", depth) == depth_path(tmp_path / "valid.npz") == tmp_path / "valid-depth.npz"
    )
    rows = np.array([3, 0])
    found = load_depth(tmp_path / "valid.npz", people.select(rows))
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(depth, name)[rows])
    reading = read_annotations(tmp_path / "valid.npz")
    np.testing.assert_array_equal(reading.depth.z, depth.z)


def test_people_without_a_table_have_no_depth(tmp_path):
    people, _, _ = make_both()
    save_people(tmp_path / "valid.npz", people)
    assert load_depth(tmp_path / "valid.npz", people) is None
    assert read_annotations(tmp_path / "valid.npz").depth is None


def test_a_table_of_others_is_refused(tmp_path):
    people, depth, _ = make_both()
    save_people(tmp_path / "valid.npz", people)
    save_depth(tmp_path / "valid.npz", depth.select(np.arange(4)))
    with pytest.raises(PoseError, match=r"valid-depth.npz: depth: has no row of person 'a.jpg#5' \(1 are missing\)"):
        load_depth(tmp_path / "valid.npz", people)
    save_depth(tmp_path / "valid.npz", dataclasses.replace(depth, z=depth.z[:, :14]))
    with pytest.raises(PoseError, match="of 14 joints, the people have 16"):
        load_depth(tmp_path / "valid.npz", people)
    path = depth_path(tmp_path / "valid.npz")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PoseError, match="not a whole"):
        load_depth(tmp_path / "valid.npz", people)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("z", np.zeros(5), "column 'z' has shape"),
        ("camera", np.zeros((5, 3)), r"column 'camera' has shape \(5, 3\), expected \(5, 4\)"),
        ("camera", np.zeros((5, 4)), "the camera of person 'a.jpg#1' has no focal length above 0"),
        ("frame", np.zeros(4), "column 'frame' has shape"),
        ("action", np.array(["sit\n"] * 5), "cannot be printed"),
    ],
)
def test_columns_that_do_not_fit_are_refused(column, value, message):
    with pytest.raises(PoseError, match=message):
        dataclasses.replace(make_both()[1], **{column: value})


def test_joined_tables_hold_all_rows_under_new_names():
    _, depth, _ = make_both(2)
    joined = join_depths([depth, depth], np.array(["p", "q", "r", "s"]))
    np.testing.assert_array_equal(joined.z, np.concatenate([depth.z, depth.z]))
    assert joined.of(["s"]).frame.tolist() == [1]
