"""The synthetic datasets: what is written is what was drawn, whoever drew it; labels, depths and cameras agree."""

import json

import cv2
import numpy as np
import pytest

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from heads.skeleton import MPII
from mpii_tools.annotations.people_file import depth_path, load_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.cameras import project
from mpii_tools.synthetic import dataset
from mpii_tools.synthetic.dataset import write_synthetic
from mpii_tools.synthetic.pictures import HEIGHT, WIDTH, draw_picture
from mpii_tools.synthetic.studio import MARGIN, image_name, in_image, studio_shots, wild_shots

SEED = 3
COUNTS = {"image": (3, 2, 2), "studio": (7, 3, 0), "wild": (4, 2, 2)}
SPLITS = ("train", "valid", "test")
SHOTS = {"studio": studio_shots(SEED, *COUNTS["studio"][:2]), "wild": wild_shots(SEED, sum(COUNTS["wild"]))}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A dataset of each kind."""
    folder = tmp_path_factory.mktemp("synthetic")
    return {
        kind: write_synthetic(folder / kind, *counts, seed=SEED, workers=1, kind=kind)
        for kind, counts in COUNTS.items()
    }


def contents(folder):
    """Every file's SHA-256."""
    return {str(p.relative_to(folder)): checksum(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_reader_returns_what_was_drawn(written):
    drawn = [(i, p) for i in range(7) for p in draw_picture(np.random.default_rng([SEED, i]))[1]]
    reading = read_annotations(written["image"].annotations)
    people = reading.people
    assert not any(reading.notes.values())
    assert people.images.tolist() == [image_name(i) for i, _ in drawn]
    splits = np.repeat(SPLITS, COUNTS["image"])[[i for i, _ in drawn]]
    np.testing.assert_array_equal(people.split, splits)
    assert {cv2.imread(str(path)).shape for path in written["image"].images.iterdir()} == {(HEIGHT, WIDTH, 3)}
    labelled, joints = splits != "test", np.array([p["joints"] for _, p in drawn])
    for name in ("center", "scale", "scored", "joints", "visible", "head_size"):
        rows = labelled if name in ("joints", "visible", "head_size") else slice(None)
        drawn_so = np.array([p[name] for _, p in drawn])
        np.testing.assert_allclose(getattr(people, name)[rows], drawn_so[rows], atol=1e-6, err_msg=name)
    assert np.isnan(people.joints[~labelled]).all()

    truth = load_people(written["image"].truth)
    assert truth.person_ids.tolist() == people.person_ids[~labelled].tolist()
    np.testing.assert_allclose(truth.joints, joints[~labelled], atol=1e-9)
    listed = (written["image"].annotations.parent / "valid_images.txt").read_text().split()
    assert listed == [image_name(i) for i in range(3, 5)]


@pytest.mark.parametrize("kind", COUNTS)
def test_two_workers_write_the_same_bytes(kind, written, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "999999999.jpg").write_bytes(b"left by a killed run")
    write_synthetic(tmp_path, *COUNTS[kind], seed=SEED, workers=2, kind=kind)
    assert contents(tmp_path) == contents(written[kind].images.parent)


@pytest.mark.parametrize("kind", SHOTS)
def test_labels_depth_and_camera_agree(kind, written):
    people = load_people(written[kind].truth)
    depth, points = people.depth, people.camera_joints
    assert depth.placed.all() and (depth.z[:, MPII.root] == 0).all()
    np.testing.assert_allclose(project(points, depth.camera, depth.distortion), people.joints, atol=1e-6)
    np.testing.assert_array_equal(people.joints, [s.camera.project(s.points) for s in SHOTS[kind]])
    np.testing.assert_allclose(points, [s.points for s in SHOTS[kind]], atol=1e-3)
    assert np.abs(depth.distortion).max() > 0.01, "lenses bend"
    assert [(people.split == name).sum() for name in SPLITS] == list(COUNTS[kind])
    for name in ("subject", "action", "sequence", "frame"):
        assert getattr(depth, name).tolist() == [getattr(shot, name) for shot in SHOTS[kind]]


@pytest.mark.parametrize("kind", SHOTS)
def test_crops_and_head_sizes_fit_people_in_3d(kind, written):
    people = load_people(written[kind].truth)
    depth = people.depth
    assert (np.abs(people.joints - people.crop_center[:, None]) < people.crop_side[:, None, None] / 2.5).all()
    assert in_image(people.joints, margin=MARGIN).all() and people.annotated.all()
    height = people.head_size / 25 * 200  # MPII's own rule
    np.testing.assert_allclose(height, 1760 * depth.camera[:, :2].mean(axis=1) / depth.root_depth, rtol=0.01)
    assert 0.6 < (people.visible == 1).mean() < 1 and set(np.unique(people.visible)) <= {0, 1}


def test_wild_people_have_depth_in_the_truth_alone(written):
    studio, wild = written["studio"], written["wild"]
    assert not depth_path(wild.annotations).exists() and depth_path(wild.truth).is_file()
    assert wild.truth.parent != wild.annotations.parent
    reading = read_annotations(wild.annotations)
    assert reading.people.depth is None
    np.testing.assert_array_equal(load_people(wild.truth).joints, reading.people.joints)
    assert studio.truth == studio.annotations and read_annotations(studio.annotations).people.depth is not None


def test_a_complete_folder_is_kept_else_made_anew(tmp_path):
    def write(kind, seed=SEED):
        data = write_synthetic(tmp_path, 1, 1, seed=seed, workers=1, kind=kind)
        return contents(tmp_path), data.annotations.stat().st_mtime_ns

    for kind in ("image", "studio"):
        first, made = write(kind)
        assert write(kind) == (first, made), "nothing is written again"
        (tmp_path / dataset.DONE_NAME).unlink()
        (tmp_path / "images" / "999999999.jpg").write_bytes(b"left by a killed run")
        assert write(kind)[0] == first
        (tmp_path / "images" / image_name(1)).unlink()
        assert write(kind)[0] == first
    write("wild")
    assert read_annotations(tmp_path / "people.npz").people.depth is None, "nothing of the studio is left"
    assert write("studio")[0] == first
    other, _ = write("studio", seed=SEED + 1)
    assert other["images/" + image_name(0)] != first["images/" + image_name(0)]
    assert json.loads((tmp_path / dataset.DONE_NAME).read_text())["seed"] == SEED + 1


@pytest.mark.parametrize(("kind", "last"), [("image", "write_mpii_mat"), ("studio", "tabulate_depth")])
def test_an_interrupted_folder_is_not_complete(kind, last, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dataset, last, interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_synthetic(tmp_path, 1, 0, workers=1, kind=kind)
    assert not (tmp_path / dataset.DONE_NAME).exists()
    assert len(read_annotations(write_synthetic(tmp_path, 1, 0, workers=1, kind=kind).annotations).people)


@pytest.mark.parametrize(
    ("kind", "counts"), [("image", (0, 0, 0)), ("wild", (5, -1, 2)), ("studio", (1, 1, 1)), ("tame", (1, 1, 1))]
)
def test_impossible_counts_and_kinds_are_refused(kind, counts, tmp_path):
    with pytest.raises(PoseError, match=f"images of kind {kind}|kind '{kind}'"):
        write_synthetic(tmp_path, *counts, kind=kind)
    (tmp_path / "taken").write_text("")
    with pytest.raises(PoseError, match="taken"):
        write_synthetic(tmp_path / "taken", 1, 0, workers=1)


def test_upright_people_are_another_dataset(tmp_path):
    write_synthetic(tmp_path, 1, 1, seed=5, workers=1)
    any_pose = contents(tmp_path)
    write_synthetic(tmp_path, 1, 1, seed=5, workers=1, upright=True)
    assert contents(tmp_path) != any_pose and json.loads((tmp_path / dataset.DONE_NAME).read_text())["upright"]
