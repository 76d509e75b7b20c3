"""Newell's HDF5: shifted and raw centers, the ways it names images, and files that are not it."""

import h5py
import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_arrays import read_newell_h5


def write(path, **changes):
    scale = np.array([2.0, 3.0])
    arrays = {
        "part": np.arange(1.0, 65).reshape(2, 16, 2),
        "center": np.array([[100.0, 200 + 30], [50, 60 + 45]]),
        "scale": 1.25 * scale,
        "normalize": 25 * scale,
        "imgname": np.array([b"a.jpg", b"b.jpg"]),
        "person": np.array([0.0, 2.0]),
        "visible": np.tile([1.0, 0.0], (2, 8)),
    } | changes
    with h5py.File(path, "w") as file:
        file.update({name: value for name, value in arrays.items() if value is not None})
    return read_newell_h5(path).people


def test_shift_and_widening_are_undone(tmp_path):
    people = write(tmp_path / "a.h5")
    np.testing.assert_allclose(people.center, [[99, 199], [49, 59]])
    np.testing.assert_allclose(people.scale, [2, 3])
    np.testing.assert_allclose(people.head_size, [50, 75])
    # The crop is the one that Newell's own code cuts: centered on `center`, of side 200 * `scale`.
    np.testing.assert_allclose(people.crop_center, [[99, 229], [49, 104]])
    np.testing.assert_allclose(people.crop_side, [500, 750])
    assert people.person_ids.tolist() == ["a.jpg#1", "b.jpg#3"]
    assert people.visible[0].tolist() == [1, 0] * 8


def test_raw_centers_stay(tmp_path):
    people = write(tmp_path / "a.h5", scale=np.array([2.0, 3.0]), center=np.array([[100.0, 200], [50, 60]]))
    np.testing.assert_allclose(people.center, [[99, 199], [49, 59]])
    np.testing.assert_allclose(people.scale, [2, 3])


def test_a_joint_at_the_origin_is_missing(tmp_path):
    part = np.arange(1.0, 65).reshape(2, 16, 2)
    part[0, 3] = 0
    part[1, 4, 0] = 0
    people = write(tmp_path / "a.h5", part=part)
    assert np.argwhere(~people.annotated).tolist() == [[0, 3]]
    assert people.visible[0, 3] == -1


def test_image_names(tmp_path):
    codes = np.array([[97, 46, 106, 112, 103, 0], [98, 98, 46, 106, 112, 103]])
    assert write(tmp_path / "a.h5", imgname=codes).images.tolist() == ["a.jpg", "bb.jpg"]
    assert write(tmp_path / "a.h5", imgname=None, person=None).person_ids.tolist() == ["row1#1", "row2#1"]
    (tmp_path / "valid_images.txt").write_text("x.jpg\nx.jpg\n")
    assert write(tmp_path / "a.h5", imgname=None, person=None).person_ids.tolist() == ["x.jpg#1", "x.jpg#2"]


@pytest.mark.parametrize("name", ["train", "valid", "test"])
def test_the_file_name_says_the_split(tmp_path, name):
    assert write(tmp_path / f"{name}.h5").split.tolist() == [name] * 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"part": None}, "no 'part'"),
        ({"part": np.ones((2, 14, 2))}, r"\(2, 14, 2\); expected numbers, N x 16 x 2"),
        ({"scale": np.ones(3)}, "'scale'"),
        ({"center": np.array([[b"a", b"b"]] * 2)}, "'center'"),
        ({"imgname": np.array([b"a.jpg"])}, "1 names for 2 people"),
    ],
)
def test_other_files_are_bad_input(tmp_path, changes, says):
    with pytest.raises(PoseError, match=says):
        write(tmp_path / "a.h5", **changes)
