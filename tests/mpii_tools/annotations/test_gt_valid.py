"""gt_valid.mat: joints in any order, flags, zeroed coordinates, head boxes."""

import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_arrays import read_gt_valid_mat

NAMES = [
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor",
    "neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri",
]  # fmt: skip


def write(path, **changes):
    arrays = {
        "dataset_joints": np.array(NAMES, dtype=object),
        "pos_gt_src": np.arange(1.0, 16 * 2 * 3 + 1).reshape(16, 2, 3),
        "jnt_missing": np.zeros((16, 3), np.uint8),
        "headboxes_src": np.array([[[10.0] * 3, [20.0] * 3], [[40.0] * 3, [60.0] * 3]]),
    } | changes
    scipy.io.savemat(path, {name: value for name, value in arrays.items() if value is not None})
    return read_gt_valid_mat(path)


def test_joints_flags_and_head_sizes(tmp_path):
    source = np.arange(1.0, 97).reshape(16, 2, 3)
    source[5, 0, 1] = 0  # zeroed but not flagged: stays annotated
    flags = np.zeros((16, 3))
    flags[2, 0] = 1
    reading = write(tmp_path / "gt.mat", pos_gt_src=source, jnt_missing=flags)
    people = reading.people
    for person in range(3):
        for joint in range(16):
            expected = [np.nan] * 2 if flags[joint, person] else source[joint, :, person] - 1
            np.testing.assert_array_equal(people.joints[person, joint], expected)
    np.testing.assert_allclose(people.head_size, 0.6 * 50)
    assert reading.notes == {"people with a zeroed coordinate that is not flagged missing": ["row2#1"]}


def test_joints_in_another_order(tmp_path):
    plain = write(tmp_path / "a.mat").people
    turned = write(
        tmp_path / "b.mat",
        dataset_joints=np.array(NAMES[::-1], dtype=object),
        pos_gt_src=np.arange(1.0, 97).reshape(16, 2, 3)[::-1],
    ).people
    np.testing.assert_array_equal(plain.joints, turned.joints)


def test_image_names_beside_the_file(tmp_path):
    (tmp_path / "valid_images.txt").write_text("a.jpg\nb.jpg\na.jpg\n")
    assert write(tmp_path / "gt.mat").people.person_ids.tolist() == ["a.jpg#1", "b.jpg#1", "a.jpg#2"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pos_gt_src": None}, "no 'pos_gt_src'"),
        ({"pos_gt_src": np.ones((14, 2, 3))}, "16 x 2 x N"),
        ({"jnt_missing": np.ones((16, 2))}, "'jnt_missing'"),
        ({"dataset_joints": np.array([*NAMES[:15], "tail"], dtype=object)}, "tail"),
        ({"dataset_joints": None}, "dataset_joints"),
    ],
)
def test_other_files_are_bad_input(tmp_path, changes, says):
    with pytest.raises(PoseError, match=says):
        write(tmp_path / "gt.mat", **changes)
