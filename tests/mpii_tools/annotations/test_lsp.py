"""LSP and LSP-extended: columns, flags, crops, splits; small folders made here, and the real one."""

import tarfile
from collections import Counter

import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.lsp import read_lsp
from mpii_tools.annotations.placement import crop_around
from mpii_tools.people import People


def lsp_folder(folder, present: list[int], columns: int = 20, shards: int = 0):
    """`joints.mat` with joint j of column c at (10 j + c, 5 j + 2 c), and a stand-in image for each of `present`."""
    column, joint = np.arange(columns), np.arange(14)[:, None]
    table = np.stack([10.0 * joint + column, 5.0 * joint + 2 * column, np.ones((14, columns))], axis=1)
    scipy.io.savemat(folder / "joints.mat", {"joints": table})
    (folder / "images").mkdir()
    for number in present:
        (folder / "images" / f"im{number:05d}.jpg").write_bytes(b"%d" % number)
    for shard in range(shards):
        with tarfile.open(folder / f"images-{shard}.tar", "w") as tar:
            for number in present[shard::shards]:
                tar.add(folder / "images" / f"im{number:05d}.jpg", f"images/im{number:05d}.jpg")
    if shards:
        for image in (folder / "images").iterdir():
            image.unlink()
    return table


def test_columns_become_mpii_joints(tmp_path):
    table = lsp_folder(tmp_path, present=[1, 3, 20])
    people = read_lsp(tmp_path).people
    assert people.images.tolist() == ["im00001.jpg", "im00003.jpg", "im00020.jpg"]
    order = ("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "r_wrist", "r_elbow", "r_shoulder",
             "l_shoulder", "l_elbow", "l_wrist", "upper_neck", "head_top")  # fmt: skip
    ours = people.joints[:, [MPII.index(name) for name in order]]
    np.testing.assert_array_equal(ours, table[:, :2, [0, 2, 19]].transpose(2, 0, 1) - 1)
    assert [MPII.names[joint] for joint in np.flatnonzero(~people.annotated.all(axis=0))] == ["pelvis", "thorax"]
    neck, top = table[12, :2], table[13, :2]
    np.testing.assert_allclose(people.head_size, 0.75 * np.hypot(*(top - neck))[:3])


def test_absent_images_and_jointless_people_are_counted(tmp_path):
    table = lsp_folder(tmp_path, present=[1, 2, 3])
    table[:, 2, 1] = 0  # nobody labelled in the second image
    table[3:, 2, 0] = 0
    table[:, :2, 0] = np.where(table[:, 2:, 0] > 0, table[:, :2, 0], -99)
    table[13, :2, 2] = table[12, :2, 2]
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": table})
    reading = read_lsp(tmp_path)
    assert reading.people.images.tolist() == ["im00001.jpg", "im00003.jpg"]
    assert reading.people.annotated.sum(axis=1).tolist() == [3, 14]
    assert np.isnan(reading.people.head_size).all()
    assert len(reading.notes["columns of joints.mat left out: no image"]) == 17
    assert reading.faults["people left out: no joint annotated"] == ["im00002.jpg"]
    assert reading.notes["people without head size: head top and neck coincide"] == ["im00003.jpg"]


def test_the_original_lsp_has_every_joint_and_an_occlusion_flag(tmp_path):
    table = np.stack([np.full((14, 3), 5.0), np.full((14, 3), 7.0), np.eye(14)[:, :3]])
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": table})
    for number in (1, 2):
        (tmp_path / f"im{number:04d}.jpg").write_bytes(b"image")
    people = read_lsp(tmp_path).people
    assert people.images.tolist() == ["im0001.jpg", "im0002.jpg"]
    assert people.annotated.sum(axis=1).tolist() == [14, 14]
    assert people.visible[0].tolist() == [0, 1, 1, 1, 1, 1, -1, -1, *[1] * 8]


def test_the_last_shard_is_the_validation_part(tmp_path):
    lsp_folder(tmp_path, present=list(range(1, 21)), shards=10 + 1)
    people = read_lsp(tmp_path).people
    assert people.images[people.split == "valid"].tolist() == ["im00011.jpg"]  # images-10.tar, not images-9.tar


def test_a_list_beats_the_shards_and_eighths_replace_them(tmp_path):
    lsp_folder(tmp_path, present=list(range(1, 21)))
    for listed in (["im00008.jpg", "im00016.jpg"], ["im00002.jpg", "im00005.jpg"]):
        people = read_lsp(tmp_path).people
        assert people.images[people.split == "valid"].tolist() == listed
        (tmp_path / "valid_images.txt").write_text("im00002.jpg\nim00005.jpg\n")


def test_crop_is_centerd_on_the_annotated_joints():
    joints = np.full((3, 16, 2), np.nan)
    joints[0, :2] = [[100, 50], [180, 250]]  # 80 x 200
    joints[1, :3] = [[10, 10], [30, 12], [20, 40]]  # 20 x 30: too few joints to show the body
    joints[2, 9] = [5, 6]
    center, scale = crop_around(joints)
    people = People(list("abc"), joints, center=center, scale=scale)
    np.testing.assert_allclose(people.crop_center, [[140, 150], [20, 25], [5, 6]])
    np.testing.assert_allclose(people.crop_side, [260, 100, 100])


def test_no_images_or_no_joints_file(tmp_path):
    with pytest.raises(PoseError, match=r"joints\.mat: no such file"):
        read_lsp(tmp_path)
    full = np.ones((14, 3, 5))
    for table, says in (({"poses": full}, "'joints'"), ({"joints": "text"}, "14x3xN"), ({"joints": full}, "no image")):
        scipy.io.savemat(tmp_path / "joints.mat", table)
        with pytest.raises(PoseError, match=says):
            read_lsp(tmp_path)


def test_the_real_lsp_extended(shared, read_shared):
    reading = read_shared("lspet")
    people = reading.people
    assert Counter(people.split.tolist()) == {"train": 7000, "valid": 1000}
    assert len(reading.notes["columns of joints.mat left out: no image"]) == 2000
    assert people.annotated.sum() == scipy.io.loadmat(shared / "lspet" / "joints.mat")["joints"][:, 2].sum()
    assert np.isfinite(people.head_size).sum() == 6375
    # Every annotated joint is in its crop.
    offset = np.abs(people.joints - people.crop_center[:, None]) / people.crop_side[:, None, None]
    assert np.nanmax(offset) <= 0.5 / 1.3 + 1e-9
