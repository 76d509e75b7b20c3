"""Human3.6M and MPI-INF-3DHP through the commands: prepare, predict, submit, evaluate."""

import json

import cv2
import human36m_forms as forms
import numpy as np
import pytest
from untrained import save_run

from heads.skeleton import MPII
from ief.cli import main
from mpii_tools.annotations.human36m.recording import MPII_OF, THORAX
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions

LENSES = forms.make_cameras()
REAL = {
    "h36m": ["h36m/test_h36m_body3d.npz"],
    "mpi_inf_3dhp": ["mpi_inf_3dhp/test_3dhp_train.npz", "mpi_inf_3dhp/test_3dhp_test.npz"],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """People of Human3.6M in mmpose's form, in gray images, and an untrained run in 3D."""
    folder = tmp_path_factory.mktemp("human36m")
    people = forms.make_people()
    np.savez(folder / "h36m.npz", **forms.mmpose_arrays(people, LENSES))
    forms.write_json(folder / "cameras.json", LENSES)
    image = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (1002, 1000, 3), dtype=np.uint8))[1]
    for row, person in enumerate(people):
        path = folder / "images" / person.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.tobytes() + bytes([row]))  # the same picture, but no copy
    save_run(folder / "run", count=1, dimensions=3)
    return folder


def prepare(world, out, *options):
    annotations = ["--annotations", str(world / "h36m.npz"), "--images", str(world / "images"), "--out", str(out)]
    return main(["prepare", *annotations, "--size", "32", *options])


def test_prepare_predict_and_submit(world, tmp_path, capsys):
    assert prepare(world, tmp_path / "data", "--protocol", "2", "--crop", "pelvis") == 0
    said = capsys.readouterr().out
    assert "Human3.6M as mmpose has it (.npz), 7 people" in said and "3 train, 4 valid people" in said
    assert "damaged sequences" in said and "kept" in said and "2000 x 2000 mm around the pelvis" in said
    data = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "poses")]
    assert main(["predict", "--run", str(world / "run"), *data]) == 0
    predictions = tmp_path / "poses" / "predictions-valid.npz"
    reading = read_annotations(tmp_path / "data" / "valid.npz")
    joints = read_predictions(predictions).joints
    expected = reading.people.depth.to_camera(joints)
    for name in ("poses.npz", "poses.json"):
        out = ["--out", str(tmp_path / name)]
        assert main(["submit", "--annotations", str(tmp_path / "data"), "--predictions", str(predictions), *out]) == 2
        annotations = str(tmp_path / "data" / "valid.npz")
        assert main(["submit", "--annotations", annotations, "--predictions", str(predictions), *out]) == 0
    with np.load(tmp_path / "poses.npz") as held:
        np.testing.assert_allclose(held["joints_16"], expected)
        assert held["joints_17"].shape == (4, 17, 3) and held["joint_names_16"].tolist() == list(MPII.names)
        for ours, theirs in enumerate(MPII_OF):
            if theirs != THORAX:
                np.testing.assert_allclose(held["joints_17"][:, theirs], expected[:, ours])
        assert held["person_ids"].tolist() == reading.people.person_ids.tolist()
        of_17 = held["joints_17"]
    listed = json.loads((tmp_path / "poses.json").read_text())
    assert [entry["image_id"] for entry in listed] == reading.people.images.tolist()
    for entry, pose in zip(listed, of_17, strict=True):
        np.testing.assert_allclose(np.array(entry["joint_cam"]) + entry["root_cam"], pose, atol=1e-9)
        assert entry["joint_cam"][0] == [0, 0, 0] and entry["subject"] in ("S9", "S11")


def test_options_choose_people(world, tmp_path, capsys):
    counts = {(): (3, 4), ("--every", "1"): (3, 4), ("--every", "100"): (2, 3), ("--every", "1", "100"): (3, 3),
              ("--protocol", "1"): (6, 1), ("--leave-out-damaged",): (3, 1)}  # fmt: skip
    for options, (train, valid) in counts.items():
        assert prepare(world, tmp_path / "-".join(["data", *options]), *options) == 0
        assert f"{train} train, {valid} valid people" in capsys.readouterr().out, options


@pytest.mark.parametrize(("splits", "options", "protocol"), [
    ("", ["--protocol", "1"], "Protocol 1"), ("", ["--protocol", "2"], "Protocol 2"), ("", [], "Protocol 2"),
    ("", ["--every", "5", "32"], "Protocol 2, but 1 of 32 frames"),
    ("", ["--protocol", "1", "--leave-out-damaged"], "Protocol 1, without damaged sequences"),
    ("valid=", [], ""), ("valid=", ["--protocol", "2"], "Protocol 2"),
])  # fmt: skip
def test_the_protocol_travels_to_the_scores(splits, options, protocol, world, tmp_path, capsys):
    annotations = ["--annotations", f"{splits}{world / 'h36m.npz'}", "--images", str(world / "images"), "--size", "32"]
    assert main(["prepare", *annotations, "--out", str(tmp_path / "data"), *options]) == 0
    for split in ("valid",) if splits and not options else ("train", "valid"):
        depth = read_annotations(tmp_path / "data" / f"{split}.npz").people.depth
        assert depth.common_protocol(slice(None)) == (protocol if split == "valid" else "")
    reading = read_annotations(tmp_path / "data" / "valid.npz")
    capsys.readouterr()
    poses = reading.people.coordinates
    scores = assert_perfect(tmp_path / "data" / "valid.npz", poses, tmp_path)
    assert scores.get("protocol", "") == protocol
    assert (f"people, {protocol}\n" if protocol else "people\n") in capsys.readouterr().out


def test_depths_of_before_have_no_protocol(world, tmp_path):
    assert prepare(world, tmp_path, "--protocol", "1") == 0
    path = tmp_path / "valid-depth.npz"
    with np.load(path) as held:
        older = {name: held[name] for name in held.files if name != "protocol"}
        assert len(older) == len(held.files) - 1
    np.savez(path, **older)
    assert read_annotations(tmp_path / "valid.npz").people.depth.protocol.tolist() == [""]


def assert_perfect(annotations, poses, folder, *options):
    """Saves poses as predictions, evaluates them; returns the 3D scores, whose errors are all 0."""
    reading = read_annotations(annotations)
    save_predictions(folder / "gt.npz", Predictions(np.nan_to_num(poses), reading.people.person_ids))
    files = ["--predictions", str(folder / "gt.npz"), "--annotations", str(annotations)]
    assert main(["evaluate", *files, *options, "--json", str(folder / "scores.json")]) == 0
    scores = json.loads((folder / "scores.json").read_text())
    for name in ("joint_error", "pa_joint_error", "pa_joint_error_scaled", "bone_error"):
        assert scores["3d"][name]["mm"] == pytest.approx(0, abs=1e-6), name
    return scores["3d"]


def test_the_ground_truth_scored_against_itself(world, tmp_path):
    reading = read_annotations(world / "h36m.npz")
    scores = assert_perfect(world / "h36m.npz", reading.people.coordinates, tmp_path)
    people = forms.make_people()
    stds = []
    for subject in ("S1", "S9"):  # S11 has one image, which has no std
        poses = [forms.mpii_pose(person) for person in people if person.subject == subject]
        stds += [np.std([np.linalg.norm(pose[child] - pose[parent]) for pose in poses])
                 for child, parent in enumerate(MPII.parents) if parent >= 0]  # fmt: skip
    assert scores["bone_std"]["mm"] == pytest.approx(np.mean(stds), rel=1e-6)
    assert scores["gt_bone_std"]["mm"] == pytest.approx(np.mean(stds), rel=1e-6)


@pytest.mark.parametrize("dataset", REAL)
def test_real_images_go_through(dataset, shared, world, tmp_path):
    files = [str(shared / "threed" / name) for name in REAL[dataset]]
    folder, data = shared / "threed" / dataset, tmp_path / "data"
    prepared = ["--annotations", *files, "--images", str(folder), "--out", str(data), "--size", "32"]
    assert main(["prepare", *prepared, "--strict"]) == 0
    legal = ["--angle-limits", str(shared / "threed" / "angle_limits")]
    illegal = angles = 0
    splits = {path.name.removesuffix("-depth.npz") for path in data.glob("*-depth.npz")}
    assert sum(len(read_annotations(data / f"{split}.npz").people) for split in splits) == 4
    for split in splits:
        out = ["--split", split, "--out", str(tmp_path / split)]
        assert main(["predict", "--run", str(world / "run"), "--data", str(data), *out]) == 0
        poses = read_predictions(tmp_path / split / f"predictions-{split}.npz").joints
        assert poses.shape[1:] == (16, 3) and np.isfinite(poses).all()
        reading = read_annotations(data / f"{split}.npz")
        gt = reading.people.coordinates
        scores = assert_perfect(data / f"{split}.npz", gt, tmp_path, *legal)
        assert scores["illegal_angle"]["percent"] == scores["gt_illegal_angle"]["percent"]
        assert scores["bone_std"]["mm"] == scores["gt_bone_std"]["mm"]
        counted = sum(scores["counts"]["illegal_angle"]["per_joint"].values())
        illegal, angles = illegal + scores["illegal_angle"]["percent"] * counted / 100, angles + counted
    assert (round(illegal), angles) == {"h36m": (2, 36), "mpi_inf_3dhp": (0, 34)}[dataset]  # real poses: 2.2 % of many
