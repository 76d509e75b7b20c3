"""Predictions: the project's file and the published ones, and whose prediction is whose."""

import dataclasses

import h5py
import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.people import Depth, People
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions, with_camera

JOINTS = np.random.default_rng(0).uniform(0, 500, (5, 16, 2))
IDS = np.array(["a.jpg#1", "a.jpg#2", "b.jpg#3", "c.jpg#1", "d.jpg#1"])


def people(ids: list[str]):
    return People([person.rpartition("#")[0] for person in ids], np.zeros((len(ids), 16, 2)), person_ids=ids)


@pytest.mark.parametrize("ids", [IDS, None])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_own_file_comes_back_and_has_the_promised_fields(tmp_path, ids, dimensions):
    joints = np.random.default_rng(1).normal(size=(5, 16, dimensions))
    path = tmp_path / "predictions.npz"
    save_predictions(path, Predictions(joints, ids, stage=1))
    back = read_predictions(path)
    np.testing.assert_array_equal(back.joints, joints)
    assert back.person_ids is None if ids is None else back.person_ids.tolist() == ids.tolist()
    assert back.joint_names == MPII.names and back.stage == 1
    with np.load(path, allow_pickle=False) as stored:
        assert set(stored.files) == {"joints", "person_ids", "joint_names", "stage"}


def in_depth():
    """Predictions in 3D of IDS, and these people and another with depth, in another order."""
    joints = np.concatenate([JOINTS, np.random.default_rng(2).normal(0, 300, (5, 16, 1))], axis=-1)
    root = np.array([4000.0, 5000, 3500, np.nan, 6000, 1])
    camera = np.array([1145.0, 1143, 250, 250])
    depth = Depth(joints[0, :, 2] * np.ones((6, 1)), camera=camera, root_depth=root[::-1])
    return Predictions(joints, IDS), dataclasses.replace(people(["x#1", *IDS[::-1].tolist()]), depth=depth)


def test_camera_coordinates_are_of_each_persons_camera(tmp_path):
    predictions, annotated = in_depth()
    found = with_camera(predictions, annotated).camera_joints
    x, y, z = np.moveaxis(predictions.joints - [250, 250, 0], -1, 0)
    z = z + np.array([[4000.0], [5000], [3500], [np.nan], [6000]])
    np.testing.assert_allclose(found, np.stack([x * z / 1145, y * z / 1143, z], axis=-1), atol=1e-6)
    save_predictions(tmp_path / "p.npz", with_camera(predictions, annotated))
    back = read_predictions(tmp_path / "p.npz")
    np.testing.assert_array_equal(back.camera_joints, found)
    np.testing.assert_array_equal(align(back, people(IDS[[3, 0, 4]].tolist())).camera_joints, found[[3, 0, 4]])


def test_no_camera_coordinates_without_cameras_or_depth():
    predictions, annotated = in_depth()
    unplaced = dataclasses.replace(annotated, depth=dataclasses.replace(annotated.depth, root_depth=np.nan))
    flat = Predictions(JOINTS, IDS)
    bare = dataclasses.replace(annotated, depth=None)
    for same, other in ((predictions, bare), (predictions, unplaced), (flat, annotated)):
        assert with_camera(same, other) is same
    with pytest.raises(PoseError, match=r"has no row of person 'a\.jpg#1' \(3 are missing\)"):
        with_camera(predictions, annotated.select(np.array([0, 1, 2])))
    with pytest.raises(PoseError, match=r"camera_joints of shape \(5, 16, 2\); expected \(5, 16, 3\)"):
        Predictions(predictions.joints, IDS, camera_joints=JOINTS)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("name", ["preds", "pred", "joints", "pos_pred_src"])
def test_published_files_are_one_based_with_axes_in_any_order(tmp_path, axes, name):
    stored = (JOINTS + 1).transpose(axes)
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file[name] = stored
    scipy.io.savemat(tmp_path / "p.mat", {name: stored})
    np.save(tmp_path / "p.npy", stored)
    for suffix in ("h5", "mat", "npy"):
        back = read_predictions(tmp_path / f"p.{suffix}")
        np.testing.assert_allclose(back.joints, JOINTS, atol=1e-9)
        assert back.person_ids is None


def test_the_published_files(shared, read_shared):
    """Tompson's predictions come in two files; the .h5 holds them as float32 with the axes reversed."""
    folder = shared / "mpii"
    single = read_predictions(folder / "tompson.h5").joints
    double = read_predictions(folder / "detections_our_format.mat").joints
    assert single.shape == double.shape == (2958, 16, 2)
    np.testing.assert_allclose(single, double, atol=1e-3)
    with h5py.File(folder / "newell.h5") as file:
        np.testing.assert_array_equal(read_predictions(folder / "newell.h5").joints, file["preds"][()] - 1)
    annotated = read_shared("mpii/valid_annolist.mat").people
    assert align(read_predictions(folder / "valid-ours.h5"), annotated).person_ids[7] == annotated.person_ids[7]


@pytest.mark.parametrize(("array", "says"), [
    (np.ones((5, 32)), r"\(5, 32\)"),
    (np.where(np.arange(5)[:, None, None] == 3, np.nan, np.ones((5, 16, 2))), "1 people .* first row 3"),
    (np.where(np.arange(5)[:, None, None] == 3, np.inf, np.ones((5, 16, 2))), "finite"),
    (np.full((5, 16, 2), "a"), "<U1"),
])  # fmt: skip
def test_arrays_that_are_no_predictions(tmp_path, array, says):
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(PoseError, match=says) as raised:
        read_predictions(tmp_path / "p.npy")
    assert str(raised.value).count("p.npy") == 1


def test_align_by_ids_or_by_row():
    order = [3, 0, 4]
    matched = align(Predictions(JOINTS, IDS, stage=1), people(IDS[order].tolist()))
    np.testing.assert_array_equal(matched.joints, JOINTS[order])
    assert matched.person_ids.tolist() == IDS[order].tolist() and matched.stage == 1
    assert align(Predictions(JOINTS, None), people(IDS.tolist())).person_ids.tolist() == IDS.tolist()
    rows = [f"row{row}#1" for row in range(1, 6)]
    # gt_valid.mat calls the only annotated person of b.jpg #1; the official file knows it as rect 3.
    for names in (rows, ["a.jpg#1", "a.jpg#2", "b.jpg#1", "c.jpg#1", "d.jpg#1"]):
        np.testing.assert_array_equal(align(Predictions(JOINTS, IDS), people(names)).joints, JOINTS)
    for predictions, annotated in ((Predictions(JOINTS, None), IDS[:4].tolist()), (Predictions(JOINTS, IDS), rows[:4])):
        with pytest.raises(PoseError, match="5 predictions for 4"):
            align(predictions, people(annotated))


def test_align_refuses_people_without_prediction():
    with pytest.raises(PoseError, match=r"1 of 3 annotated people have no prediction, first x\.jpg#1"):
        align(Predictions(JOINTS, IDS), people(["a.jpg#1", "x.jpg#1", "c.jpg#1"]))
    with pytest.raises(PoseError, match=r"2 of 2 .*'0\.jpg' can be x/0\.jpg or y/0\.jpg"):
        align(Predictions(JOINTS[:2], None, images=np.array(["0.jpg"] * 2)), people(["x/0.jpg#1", "y/0.jpg#1"]))
    with pytest.raises(PoseError, match="joints"):
        align(Predictions(JOINTS[:, :2], IDS, joint_names=("head", "foot")), people(IDS.tolist()))
    with pytest.raises(PoseError, match=r"'x\\n' holds characters that cannot be printed"):
        Predictions(JOINTS[:, :2], IDS, joint_names=("x\n", "y"))


def everybody(people=60, seed=0):
    """People all over their images, and predictions near them."""
    rng = np.random.default_rng(seed)
    joints = rng.uniform(100, 900, (people, 1, 2)) + rng.normal(0, 60, (people, 16, 2))
    annotated = People([f"{row // 2}.jpg" for row in range(people)], joints)
    return annotated, Predictions(joints + rng.normal(0, 40, joints.shape), None)


def test_rows_in_another_order_are_refused():
    annotated, predictions = everybody()
    np.testing.assert_array_equal(align(predictions, annotated).joints, predictions.joints)
    deep = np.concatenate([predictions.joints, np.full((60, 16, 1), 1e4)], axis=-1)
    np.testing.assert_array_equal(align(Predictions(deep, None), annotated).joints, deep)
    for order in (np.random.default_rng(1).permutation(60), np.arange(60)[::-1], np.roll(np.arange(60), 1)):
        for joints in (predictions.joints, deep):
            with pytest.raises(PoseError, match=r"matched row by row, only \d\d% .* put them in the annotations' "):
                align(Predictions(joints[order], None), annotated)


def test_a_joint_may_be_nowhere_for_all_or_for_nobody(tmp_path):
    joints = np.ones((3, 16, 2))
    joints[:, 6] = np.nan
    save_predictions(tmp_path / "p.npz", Predictions(joints, np.array(["a", "b", "c"])))
    np.testing.assert_array_equal(read_predictions(tmp_path / "p.npz").joints, joints)
    one, two, all_of_it, x_alone = np.ones((3, 16, 2)), np.ones((3, 16, 2)), np.full((3, 16, 2), np.nan), joints.copy()
    one[:1, 6] = two[:2, 6] = np.nan
    x_alone[..., 6, 0] = 1  # which is no place
    for bad in (one, two, all_of_it, x_alone):
        with pytest.raises(PoseError, match="not a finite number"):
            Predictions(bad, None)
