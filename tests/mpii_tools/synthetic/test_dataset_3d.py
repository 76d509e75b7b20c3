"""The synthetic 3D datasets: pictures, labels, depths and cameras agree; the same files whoever draws them."""

import json

import cv2
import numpy as np
import pytest

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.read import read_annotations
from mpii_tools.depth.cameras import project
from mpii_tools.depth.files import depth_path, load_depth
from mpii_tools.people_file import load_people
from mpii_tools.synthetic import dataset_3d
from mpii_tools.synthetic.dataset_3d import tables, write_synthetic_3d, write_synthetic_wild
from mpii_tools.synthetic.pictures import image_name
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d
from mpii_tools.synthetic.shots_3d import (
    EVERY,
    FPS,
    SHOTS,
    SUBJECTS,
    studio_shots,
    subject_body,
    take_motion,
    wild_shots,
)
from mpii_tools.synthetic.studio import SIZE, in_image

SEED = 3
STUDIO, WILD = (7, 3), (4, 2, 2)
BONES = [(k, parent) for k, parent in enumerate(MPII.parents) if parent >= 0]


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    return write_synthetic_3d(tmp_path_factory.mktemp("studio"), *STUDIO, seed=SEED, workers=1)


@pytest.fixture(scope="module")
def wild(tmp_path_factory):
    return write_synthetic_wild(tmp_path_factory.mktemp("wild"), *WILD, seed=SEED, workers=1)


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def with_depth(data):
    people = load_people(data.ground_truth)
    return people, load_depth(data.ground_truth, people)


@pytest.mark.parametrize("kind", ["studio", "wild"])
def test_labels_depth_and_camera_agree(kind, request):
    people, depth = with_depth(request.getfixturevalue(kind))
    joints = np.concatenate([people.joints, depth.z[..., None]], axis=-1)
    points = depth.to_camera(joints)
    assert depth.placed.all() and (depth.z[:, MPII.root] == 0).all()
    np.testing.assert_allclose(project(points, depth.camera, depth.distortion), people.joints, atol=1e-6)
    shots = (studio_shots if kind == "studio" else wild_shots)(SEED, split_counts(people))
    np.testing.assert_array_equal(
        people.joints, [project(s.points, s.camera.intrinsics, s.camera.distortion) for s in shots]
    )
    np.testing.assert_allclose(points, [s.points for s in shots], atol=1e-3)
    assert np.abs(depth.distortion).max() > 0.01, "lenses bend"


def split_counts(people):
    names, counts = np.unique(people.split, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True)) if len(names) == 2 else {
        name: int((people.split == name).sum()) for name in ("train", "valid", "test")
    }  # fmt: skip


def test_bones_are_constant_per_subject_and_differ_between_subjects():
    shots = studio_shots(SEED, {"train": 1200, "valid": 480})
    points, subject = np.stack([s.points for s in shots]), np.array([s.subject for s in shots])
    lengths = np.stack([np.linalg.norm(points[:, k] - points[:, parent], axis=-1) for k, parent in BONES], axis=-1)
    means = []
    for name in (*SUBJECTS["train"], *SUBJECTS["valid"]):
        theirs = lengths[subject == name]
        assert len(theirs) == 240 and theirs.std(axis=0).max() < 1e-9
        means.append(theirs.mean(axis=0))
    apart = np.linalg.norm(np.array(means)[:, None] - means, axis=-1) + 1e3 * np.eye(len(means))
    assert apart.min() > 10, "mm"


def test_a_take_shows_every_action_and_subject_through_all_cameras():
    shots = studio_shots(SEED, {"train": 5 * 15 * SHOTS + 5, "valid": 2 * 15 * SHOTS})
    for split, subjects in SUBJECTS.items():
        ours = [s for s in shots if s.split == split]
        first = [s for s in ours if s.sequence.endswith(" 1")]
        assert {s.subject for s in ours} == set(subjects)
        sequences = {s.sequence for s in first}
        assert sequences == {f"{subject} {action} 1" for subject in subjects for action in load_prior_3d().actions}
        for sequence in sorted(sequences)[:3]:
            theirs = [s for s in first if s.sequence == sequence]
            assert [s.frame for s in theirs] == [EVERY * k for k in range(SHOTS)]
            assert [s.number for s in theirs] == [0, 1, 2, 3] * 4
    assert sum(s.sequence == f"{subject} Directions 2" for s in shots for subject in SUBJECTS["train"]) == 5


def test_fewer_images_are_the_first_of_more():
    few, many = (studio_shots(SEED, {"train": train, "valid": 5}) for train in (20, 90))
    np.testing.assert_array_equal([s.points for s in few[:20]], [s.points for s in many[:20]])
    np.testing.assert_array_equal([s.points for s in few[20:]], [s.points for s in many[90:]])


def test_a_sequence_moves_smoothly_between_its_frames():
    """Consecutive frames at 50 a second against the frames that are drawn, 64 apart."""
    motion, body = take_motion(SEED, "S1", "Greeting", 0), subject_body(SEED, "S1")
    joints = motion.joints(np.arange(SHOTS * EVERY) / FPS, body)
    shots = [s for s in studio_shots(SEED, {"train": 1200, "valid": 0}) if s.sequence == "S1 Greeting 1"]
    seen = np.stack([s.camera.to_camera(joints[s.frame]) for s in shots])
    np.testing.assert_allclose(seen, [s.points for s in shots], atol=1e-9)
    step, apart = (np.linalg.norm(joints[gap:] - joints[:-gap], axis=-1).mean() for gap in (1, EVERY))
    assert step < apart / 10


def test_sizes_place_a_crop_around_everybody(studio, wild):
    for data in (studio, wild):
        people, depth = with_depth(data)
        half = people.crop_side[:, None, None] / 2
        assert (np.abs(people.joints - people.crop_center[:, None]) < half / 1.25).all()
        assert in_image(people.joints).all() and people.annotated.all()
        height = people.head_size / 25 * 200  # MPII's own rule
        expected = 1760 * depth.camera[:, :2].mean(axis=1) / depth.root_depth
        np.testing.assert_allclose(height, expected, rtol=0.01)


def test_pictures_show_most_joints(studio, wild):
    for data in (studio, wild):
        people, _ = with_depth(data)
        assert 0.6 < (people.visible == 1).mean() < 1 and set(np.unique(people.visible)) <= {0, 1}
        for name in people.images:
            assert cv2.imread(str(data.images / name)).shape == (SIZE, SIZE, 3)


def test_a_studios_camera_keeps_its_background(monkeypatch):
    """Before light and noise, pictures of one camera are equal at the edge, where nobody goes; another camera's not."""
    monkeypatch.setattr(dataset_3d, "photograph", lambda rng, color: color)
    shots = studio_shots(SEED, {"train": 77, "valid": 0})
    edges = [dataset_3d.draw_shot(np.random.default_rng(i), SEED, shots[i])[0][:, :20] for i in (0, 1, 75, 76)]
    assert [shots[i].number for i in (0, 1, 75, 76)] == [0, 0, 1, 1]
    for one, other in ((0, 1), (2, 3)):
        np.testing.assert_allclose(edges[one], edges[other], atol=0.01)
    assert np.abs(edges[0] - edges[2]).mean() > 0.05


def test_people_elsewhere_have_no_depth_table_but_their_ground_truth_has(studio, wild):
    assert not depth_path(wild.people).exists() and depth_path(wild.ground_truth).is_file()
    assert wild.ground_truth.parent != wild.people.parent
    reading = read_annotations(wild.people)
    assert reading.depth is None and len(reading.people) == sum(WILD)
    truth = load_people(wild.ground_truth)
    np.testing.assert_array_equal(truth.joints, reading.people.joints)
    assert [(truth.split == name).sum() for name in ("train", "valid", "test")] == list(WILD)
    assert studio.ground_truth == studio.people and read_annotations(studio.people).depth is not None


def test_everybody_elsewhere_is_somebody_else():
    shots = wild_shots(SEED, {"train": 200})
    points = np.stack([s.points for s in shots])
    thigh = np.linalg.norm(points[:, MPII.index("r_knee")] - points[:, MPII.index("r_hip")], axis=-1)
    assert len(np.unique(thigh.round(3))) == 200 and len({s.sequence for s in shots}) == 200
    left = points[:, MPII.index("l_shoulder")] - points[:, MPII.index("r_shoulder")]
    turned = np.arctan2(left[:, 2], left[:, 0])
    assert np.histogram(turned, 4, (-np.pi, np.pi))[0].min() > 25, "people look anywhere"
    same = wild_shots(SEED + 1, {"train": 5})
    assert not np.allclose([s.points for s in same], points[:5])


@pytest.mark.parametrize(("write", "counts"), [(write_synthetic_3d, STUDIO), (write_synthetic_wild, WILD)])
def test_two_workers_write_the_same_bytes_over_what_a_killed_run_left(write, counts, tmp_path, request):
    first = request.getfixturevalue("studio" if write is write_synthetic_3d else "wild")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "999999999.jpg").write_bytes(b"left by a killed run")
    write(tmp_path, *counts, seed=SEED, workers=2)
    assert contents(tmp_path) == contents(first.people.parent)


def test_a_complete_folder_is_kept_and_another_kind_leaves_nothing_of_it(tmp_path):
    data = write_synthetic_3d(tmp_path, 1, 1, seed=SEED, workers=1)
    first, made = contents(tmp_path), data.people.stat().st_mtime_ns
    again = write_synthetic_3d(tmp_path, 1, 1, seed=SEED, workers=1)
    assert again == data and contents(tmp_path) == first and data.people.stat().st_mtime_ns == made
    (tmp_path / "images" / image_name(1)).unlink()
    write_synthetic_3d(tmp_path, 1, 1, seed=SEED, workers=1)
    assert contents(tmp_path) == first
    wild = write_synthetic_wild(tmp_path, 1, 0, 0, seed=SEED, workers=1)
    assert read_annotations(wild.people).depth is None
    assert json.loads((tmp_path / dataset_3d.DONE_NAME).read_text())["kind"] == "wild"
    write_synthetic_3d(tmp_path, 1, 1, seed=SEED, workers=1)
    assert contents(tmp_path) == first


def test_an_interrupted_run_does_not_look_complete(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dataset_3d, "save_depth", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_synthetic_3d(tmp_path, 1, 0, seed=SEED, workers=1)
    assert not (tmp_path / dataset_3d.DONE_NAME).exists()
    assert read_annotations(write_synthetic_3d(tmp_path, 1, 0, seed=SEED, workers=1).people).depth is not None


def test_senseless_numbers_are_bad_input(tmp_path):
    with pytest.raises(PoseError, match="images"):
        write_synthetic_3d(tmp_path, 0, 0)
    with pytest.raises(PoseError, match="images"):
        write_synthetic_wild(tmp_path, 5, -1, 2)


def test_head_and_scale_do_not_depend_on_what_is_visible():
    shots = studio_shots(SEED, {"train": 6, "valid": 0})
    shown, hidden = (tables(shots, np.full((6, 16), value, np.int8))[0] for value in (1, 0))
    np.testing.assert_array_equal(shown.scale, hidden.scale)
    np.testing.assert_array_equal(shown.head_size, hidden.head_size)
