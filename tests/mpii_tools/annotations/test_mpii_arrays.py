"""MPII as arrays: Newell's shifted and raw centers and image names; gt_valid.mat's joints, flags and boxes."""

import h5py
import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_arrays import NAMES, read_gt_valid_mat, read_newell_h5
from mpii_tools.formats.hdf5 import load_hdf5
from mpii_tools.formats.mat_file import load_mat


def write_newell(path, **changes):
    scale = np.array([2.0, 3.0])
    arrays = {
        "part": np.arange(1.0, 65).reshape(2, 16, 2), "center": np.array([[100.0, 200 + 30], [50, 60 + 45]]),
        "scale": 1.25 * scale, "normalize": 25 * scale, "imgname": np.array([b"a.jpg", b"b.jpg"]),
        "person": np.array([0.0, 2.0]), "visible": np.tile([1.0, 0.0], (2, 8)),
    } | changes  # fmt: skip
    with h5py.File(path, "w") as file:
        file.update({name: value for name, value in arrays.items() if value is not None})
    return read_newell_h5(path, load_hdf5(path)).people


def test_shift_and_widening_are_undone(tmp_path):
    people = write_newell(tmp_path / "a.h5")
    np.testing.assert_allclose(people.center, [[99, 199], [49, 59]])
    np.testing.assert_allclose(people.scale, [2, 3])
    np.testing.assert_allclose(people.head_size, [50, 75])
    # The crop is the one that Newell's own code cuts: centered on `center`, of side 200 * `scale`.
    np.testing.assert_allclose(people.crop_center, [[99, 229], [49, 104]])
    np.testing.assert_allclose(people.crop_side, [500, 750])
    assert people.person_ids.tolist() == ["a.jpg#1", "b.jpg#3"]
    assert people.visible[0].tolist() == [1, 0] * 8


def test_raw_centers_stay(tmp_path):
    people = write_newell(tmp_path / "train.h5", scale=np.array([2.0, 3.0]), center=np.array([[100.0, 200], [50, 60]]))
    np.testing.assert_allclose(people.center, [[99, 199], [49, 59]])
    np.testing.assert_allclose(people.scale, [2, 3])
    assert people.split.tolist() == ["train"] * 2  # by the file's name


def test_a_joint_at_the_origin_is_missing(tmp_path):
    part = np.arange(1.0, 65).reshape(2, 16, 2)
    part[0, 3] = 0
    part[1, 4, 0] = 0
    people = write_newell(tmp_path / "a.h5", part=part)
    assert np.argwhere(~people.annotated).tolist() == [[0, 3]]
    assert people.visible[0, 3] == -1


def test_image_names_of_newell(tmp_path):
    codes = np.array([[97, 46, 106, 112, 103, 0], [98, 98, 46, 106, 112, 103]])
    assert write_newell(tmp_path / "a.h5", imgname=codes).images.tolist() == ["a.jpg", "bb.jpg"]
    assert write_newell(tmp_path / "a.h5", imgname=None, person=None).person_ids.tolist() == ["row1#1", "row2#1"]
    (tmp_path / "valid_images.txt").write_text("x.jpg\nx.jpg\n")
    assert write_newell(tmp_path / "a.h5", imgname=None, person=None).person_ids.tolist() == ["x.jpg#1", "x.jpg#2"]


@pytest.mark.parametrize(("changes", "says"), [
    ({"part": None}, "no 'part'"), ({"scale": np.ones(3)}, "'scale'"),
    ({"center": np.array([[b"a", b"b"]] * 2)}, "'center'"),
])  # fmt: skip
def test_other_files_are_not_newells(tmp_path, changes, says):
    with pytest.raises(PoseError, match=says):
        write_newell(tmp_path / "a.h5", **changes)


def write_gt_valid(path, **changes):
    arrays = {
        "dataset_joints": np.array(NAMES, dtype=object), "pos_gt_src": np.arange(1.0, 97).reshape(16, 2, 3),
        "jnt_missing": np.zeros((16, 3), np.uint8),
        "headboxes_src": np.array([[[10.0] * 3, [20.0] * 3], [[40.0] * 3, [60.0] * 3]]),
    } | changes  # fmt: skip
    scipy.io.savemat(path, {name: value for name, value in arrays.items() if value is not None})
    return read_gt_valid_mat(path, load_mat(path))


def test_joints_flags_and_head_sizes(tmp_path):
    source = np.arange(1.0, 97).reshape(16, 2, 3)
    source[5, 0, 1] = 0  # zeroed but not flagged: stays annotated
    flags = np.zeros((16, 3))
    flags[2, 0] = 1
    reading = write_gt_valid(tmp_path / "gt.mat", pos_gt_src=source, jnt_missing=flags)
    people = reading.people
    expected = np.where(flags[:, None], np.nan, source - 1)
    np.testing.assert_array_equal(people.joints, expected.transpose(2, 0, 1))
    np.testing.assert_allclose(people.head_size, 0.6 * 50)
    assert reading.notes == {"people with a zeroed coordinate that is not flagged missing": ["row2#1"]}


def test_joints_in_another_order(tmp_path):
    turned = {"dataset_joints": np.array(NAMES[::-1], object), "pos_gt_src": np.arange(1.0, 97).reshape(16, 2, 3)[::-1]}
    plain, turned = (write_gt_valid(tmp_path / "a.mat", **changes).people for changes in ({}, turned))
    np.testing.assert_array_equal(plain.joints, turned.joints)


@pytest.mark.parametrize(("changes", "says"), [
    ({"pos_gt_src": None}, "no 'pos_gt_src'"), ({"jnt_missing": np.ones((16, 2))}, "'jnt_missing'"),
    ({"dataset_joints": np.array([*NAMES[:15], "tail"], object)}, "tail"), ({"dataset_joints": None}, "dataset_joints"),
])  # fmt: skip
def test_other_files_are_no_gt_valid(tmp_path, changes, says):
    with pytest.raises(PoseError, match=says):
        write_gt_valid(tmp_path / "gt.mat", **changes)
