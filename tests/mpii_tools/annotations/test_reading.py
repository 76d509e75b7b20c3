"""All formats of the same 2,958 validation people against each other, and what is said of anything else."""

import json

import h5py
import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_arrays import NAMES
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import People


@pytest.fixture(scope="module")
def exact(read_shared):
    """The official structs: the file that the others were made from."""
    return read_shared("mpii/valid_annolist.mat").people


def test_official_structs(exact):
    assert len(exact) == len(set(exact.person_ids)) == 2958 and exact.annotated.sum() == 44240
    assert (exact.visible == 1).sum() == 28135
    assert (exact.visible == 0).sum() == 10243  # and the neck and head of 2,931: the file leaves theirs empty
    np.testing.assert_allclose(exact.head_size, 25 * exact.scale, atol=1e-9)


def test_newells_file_differs_by_cut_coordinates_alone(exact, read_shared):
    newell = read_shared("mpii/valid.h5").people
    np.testing.assert_array_equal(newell.person_ids, exact.person_ids)
    np.testing.assert_array_equal(newell.annotated, exact.annotated)
    for name in ("center", "scale", "head_size"):
        np.testing.assert_allclose(getattr(newell, name), getattr(exact, name), atol=1e-9, err_msg=name)
    here = exact.annotated
    np.testing.assert_array_equal(newell.joints[here] + 1, np.trunc(exact.joints[here] + 1))
    assert (newell.joints[here] == exact.joints[here]).all(axis=-1).sum() == 38780
    known = exact.visible >= 0
    np.testing.assert_array_equal(newell.visible[known], exact.visible[known])
    assert (newell.visible[here & ~known] == 1).all()  # unknown in the structs, "visible" here
    assert (here & ~known).sum() == 5862
    assert set(newell.split) == {"valid"}


def test_gt_valid_differs_by_13_zeroed_joints_and_rounding(exact, read_shared):
    gt_valid = read_shared("mpii/detections_our_format.mat").people
    np.testing.assert_array_equal(gt_valid.images, exact.images)
    np.testing.assert_array_equal(gt_valid.annotated, exact.annotated)
    np.testing.assert_allclose(gt_valid.head_size, exact.head_size, atol=1e-4)
    assert np.isnan(gt_valid.center).all() and np.isnan(gt_valid.scale).all()
    zeroed = exact.annotated & (np.abs(gt_valid.joints - exact.joints).max(axis=-1) > 1e-4)
    assert (zeroed.sum(), zeroed.any(axis=1).sum()) == (13, 10)
    assert ((gt_valid.joints[zeroed] == -1).any(axis=-1)).all()
    assert (gt_valid.person_ids == exact.person_ids).sum() == 1882  # it counts people, not rects


def test_the_json_of_five_images_holds_five_of_them(exact, shared):
    five = read_annotations(shared / "mpii" / "images" / "annotations.json").people
    same = exact.select(np.arange(5))
    np.testing.assert_array_equal(five.images, same.images)
    np.testing.assert_array_equal(five.joints, same.joints)
    np.testing.assert_array_equal(five.center, same.center)
    np.testing.assert_allclose(five.scale, same.scale, atol=5.1e-7)
    assert set(five.split) == {"valid"}  # by their fingerprints: the name says nothing


def few_people():
    joints = np.arange(64.0).reshape(2, 16, 2)
    return People(["a.jpg", "b.jpg"], joints, center=np.ones((2, 2)), scale=np.ones(2), split="train")


def write_each_format(folder):
    """One file of every format that is a file, each under a name that tells nothing."""
    people = few_people()
    save_people(folder / "a.x", people)
    write_mpii_mat(folder / "b.x", people)
    gt_valid = {"pos_gt_src": np.ones((16, 2, 2)), "jnt_missing": np.zeros((16, 2)),
                "headboxes_src": np.ones((2, 2, 2)), "dataset_joints": np.array(NAMES, dtype=object)}  # fmt: skip
    scipy.io.savemat(folder / "c.x", gt_valid, appendmat=False)
    (folder / "d.x").write_text(json.dumps([{"image": "a.jpg", "center": [1, 1], "scale": 1.0}]))
    with h5py.File(folder / "e.x", "w") as file:
        file.update({"part": np.ones((2, 16, 2)), "center": np.ones((2, 2)), "scale": np.ones(2)})
    return {"a.x": "people", "b.x": "RELEASE", "c.x": "gt_valid", "d.x": "JSON", "e.x": "Newell"}


def test_formats_are_found_from_content_and_not_if_truncated(tmp_path):
    for name, words in write_each_format(tmp_path).items():
        assert words in read_annotations(tmp_path / name).format
        data = (tmp_path / name).read_bytes()
        for part in (0.0, 0.05, 0.4, 0.9):
            (tmp_path / name).write_bytes(data[: int(part * len(data))])
            with pytest.raises(PoseError, match=name.replace(".", r"\.")):
                read_annotations(tmp_path / name)
