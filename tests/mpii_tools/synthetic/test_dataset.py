"""The synthetic dataset: what is written is what was drawn, whoever drew it."""

import json

import cv2
import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.mpii_mat import read_mpii_mat
from mpii_tools.people_file import load_people
from mpii_tools.synthetic import dataset as synthetic
from mpii_tools.synthetic.dataset import HEIGHT, WIDTH, draw_picture, image_name, label, place_main, write_synthetic
from mpii_tools.synthetic.person import PARTS
from mpii_tools.synthetic.scene import OCCLUDER

COUNTS = {"train": 3, "valid": 2, "test": 2}
SEED = 3


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    return folder, write_synthetic(folder, **COUNTS, seed=SEED, workers=1)


def contents(folder):
    """Every file's bytes."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_the_reader_returns_what_was_drawn(written):
    _, data = written
    drawn = [(i, p) for i in range(7) for p in draw_picture(np.random.default_rng([SEED, i]))[1]]
    reading = read_mpii_mat(data.annotations)
    people = reading.people
    assert not any(reading.notes.values())
    assert people.images.tolist() == [image_name(i) for i, _ in drawn]
    index = np.array([i for i, _ in drawn])
    splits = np.array(["train"] * 3 + ["valid"] * 2 + ["test"] * 2)[index]
    assert people.split.tolist() == splits.tolist()
    np.testing.assert_allclose(people.center, [p.center for _, p in drawn], atol=1e-6)
    np.testing.assert_allclose(people.scale, [p.scale for _, p in drawn], atol=1e-9)
    assert people.scored.tolist() == [p.scored for _, p in drawn]

    labelled = splits != "test"
    joints = np.array([p.joints for _, p in drawn])
    np.testing.assert_allclose(people.joints[labelled], joints[labelled], atol=1e-6)
    np.testing.assert_array_equal(people.visible[labelled], np.array([p.visible for _, p in drawn])[labelled])
    np.testing.assert_allclose(people.head_size[labelled], 25 * people.scale[labelled], rtol=1e-6)
    assert np.isnan(people.joints[~labelled]).all()

    truth = load_people(data.truth)
    assert truth.person_ids.tolist() == people.person_ids[~labelled].tolist()
    np.testing.assert_allclose(truth.joints, joints[~labelled], atol=1e-9)


def test_the_images_are_there(written):
    folder, data = written
    names = sorted(p.name for p in data.images.iterdir())
    assert names == [image_name(i) for i in range(7)]
    assert cv2.imread(str(data.images / names[0])).shape == (HEIGHT, WIDTH, 3)
    listed = (folder / "valid_images.txt").read_text().split()
    assert listed == [image_name(i) for i in range(3, 5)]


def test_two_workers_write_the_same_bytes(written, tmp_path):
    folder, _ = written
    write_synthetic(tmp_path, **COUNTS, seed=SEED, workers=2)
    ours, theirs = contents(folder), contents(tmp_path)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_a_complete_folder_is_kept_and_an_incomplete_one_made_anew(tmp_path):
    def write(seed=SEED):
        data = write_synthetic(tmp_path, train=1, valid=1, test=0, seed=seed, workers=1)
        return contents(tmp_path), data.annotations.stat().st_mtime_ns

    first, made = write()
    assert write() == (first, made), "nothing is written again"
    (tmp_path / synthetic.DONE_NAME).unlink()
    (tmp_path / "images" / "999999999.jpg").write_bytes(b"left by a killed run")
    assert write()[0] == first
    (tmp_path / "images" / image_name(1)).unlink()
    assert write()[0] == first
    other, _ = write(seed=SEED + 1)
    assert other["images/" + image_name(0)] != first["images/" + image_name(0)]
    assert json.loads(other[synthetic.DONE_NAME])["seed"] == SEED + 1


def test_an_interrupted_run_does_not_look_complete(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "write_mpii_mat", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_synthetic(tmp_path, 1, 0, 0, workers=1)
    assert not (tmp_path / synthetic.DONE_NAME).exists()
    assert write_synthetic(tmp_path, 1, 0, 0, workers=1).annotations.is_file()


@pytest.mark.parametrize("counts", [(0, 0, 0), (5, -1, 2)])
def test_senseless_numbers_are_bad_input(tmp_path, counts):
    with pytest.raises(PoseError, match="images"):
        write_synthetic(tmp_path, *counts)


def test_a_file_in_the_folders_place_is_bad_input(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(PoseError, match="taken"):
        write_synthetic(tmp_path / "taken", 1, 0, 0, workers=1)


def test_visibility_is_what_the_owner_map_shows():
    pose = np.stack([np.linspace(-60, 60, 16), np.linspace(-90, 90, 16)], axis=-1)
    offset, scale, first = np.array([200.0, 170.0]), 1.0, 1 + len(PARTS)
    joints = pose * scale + offset
    owner = np.zeros((HEIGHT, WIDTH), np.int16)
    knee, ankle, wrist = (MPII.index(n) for n in ("r_knee", "l_ankle", "r_wrist"))
    for joint, who in (
        (knee, first + PARTS.index("r_shin")),
        (ankle, OCCLUDER),
        (wrist, 1 + PARTS.index("r_hand")),  # the same part of another person
    ):
        x, y = np.rint(joints[joint]).astype(int)
        owner[y, x] = who
    person = label(owner, pose, offset, scale, first)
    np.testing.assert_array_equal(person.joints, joints)
    assert person.visible[knee] == 1 and person.visible[ankle] == 0 and person.visible[wrist] == 0
    width, height = person.head_box[2:] - person.head_box[:2]
    assert 0.6 * np.hypot(width, height) == pytest.approx(25 * scale)
    away = label(owner, pose, offset + np.array([WIDTH - 200, 0]), scale, first)
    outside = joints[:, 0] + WIDTH - 200 > WIDTH - 1
    assert np.isnan(away.joints[outside]).all() and (away.visible[outside] == -1).all()


def test_joints_are_missing_as_often_as_in_mpii(shared):
    expected = json.loads((shared / "mpii" / "expected.json").read_text())
    rates = np.array(expected["n_annotated_per_joint"]) / expected["n_persons"]
    rng = np.random.default_rng(11)
    owner = np.zeros((HEIGHT, WIDTH), np.int16)
    people = [label(owner, *place_main(rng), 1) for _ in range(800)]
    annotated = np.isfinite([p.joints for p in people]).all(axis=-1)
    assert annotated.sum(axis=1).min() >= synthetic.FEWEST_JOINTS
    np.testing.assert_allclose(annotated.mean(axis=0), rates, atol=0.06)


def test_people_have_mpiis_size_in_the_picture():
    rng = np.random.default_rng(12)
    scales = np.array([place_main(rng)[2] for _ in range(200)])
    assert scales.min() > 0.3 and scales.max() <= 1.9 and 0.7 < np.median(scales) < 1.4


def test_upright_people_are_another_dataset(tmp_path):
    write_synthetic(tmp_path, 1, 1, 0, seed=5, workers=1)
    any_pose = contents(tmp_path)
    data = write_synthetic(tmp_path, 1, 1, 0, seed=5, workers=1, upright=True)
    assert contents(tmp_path) != any_pose and json.loads((tmp_path / synthetic.DONE_NAME).read_text())["upright"]
    drawn = [draw_picture(np.random.default_rng([5, i]), upright=True)[1][0] for i in range(2)]
    people = read_mpii_mat(data.annotations).people
    firsts = people.joints[np.unique(people.images, return_index=True)[1]]
    np.testing.assert_allclose(firsts, [person.joints for person in drawn], atol=1e-6)
