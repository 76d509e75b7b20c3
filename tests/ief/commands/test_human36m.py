"""Human3.6M and MPI-INF-3DHP through the commands: prepare, predict, submit, evaluate."""

import json

import cv2
import human36m_forms as forms
import numpy as np
import pytest
from commands import evaluate, run_ief
from untrained import save_run

from heads.skeleton import MPII
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


def prepare(world, out, *options, annotations="{}/h36m.npz"):
    files = ["--annotations", annotations.format(world), "--images", world / "images", "--out", out]
    run_ief("prepare", *files, "--size", "32", *options)


def test_prepare_predict_and_submit(world, tmp_path, capsys):
    data, poses = tmp_path / "data", tmp_path / "poses"
    prepare(world, data, "--protocol", "2", "--crop", "pelvis")
    said = capsys.readouterr().out
    assert "Human3.6M as mmpose has it (.npz), 7 people" in said and "3 train, 4 valid people" in said
    assert "damaged sequences" in said and "kept" in said and "2000 x 2000 mm around the pelvis" in said
    run_ief("predict", "--run", world / "run", "--data", data, "--out", poses)
    predictions, people = poses / "predictions-valid.npz", read_annotations(data / "valid.npz").people
    expected = people.depth.to_camera(read_predictions(predictions).joints)
    for name in ("poses.npz", "poses.json"):
        given = ["--predictions", predictions, "--out", tmp_path / name]
        run_ief("submit", "--annotations", data, *given, status=2)
        run_ief("submit", "--annotations", data / "valid.npz", *given)
    with np.load(tmp_path / "poses.npz") as held:
        of_16, of_17 = held["joints_16"], held["joints_17"]
        assert held["joint_names_16"].tolist() == list(MPII.names)
        assert held["person_ids"].tolist() == people.person_ids.tolist()
    ours = [joint for joint, theirs in enumerate(MPII_OF) if theirs != THORAX]
    np.testing.assert_allclose(of_16, expected)
    np.testing.assert_allclose(of_17[:, [MPII_OF[joint] for joint in ours]], expected[:, ours])
    listed = json.loads((tmp_path / "poses.json").read_text())
    assert [entry["image_id"] for entry in listed] == people.images.tolist() and of_17.shape == (4, 17, 3)
    for entry, pose in zip(listed, of_17, strict=True):
        np.testing.assert_allclose(np.array(entry["joint_cam"]) + entry["root_cam"], pose, atol=1e-9)
        assert entry["joint_cam"][0] == [0, 0, 0] and entry["subject"] in ("S9", "S11")


def test_options_choose_people(world, tmp_path, capsys):
    counts = {(): (3, 4), ("--every", "1"): (3, 4), ("--every", "100"): (2, 3), ("--every", "1", "100"): (3, 3),
              ("--protocol", "1"): (6, 1), ("--leave-out-damaged",): (3, 1)}  # fmt: skip
    for options, (train, valid) in counts.items():
        prepare(world, tmp_path / "-".join(["data", *options]), *options)
        assert f"{train} train, {valid} valid people" in capsys.readouterr().out, options


@pytest.mark.parametrize(("splits", "options", "protocol"), [
    ("", ["--protocol", "1"], "Protocol 1"), ("", [], "Protocol 2"),
    ("", ["--every", "5", "32"], "Protocol 2, but 1 of 32 frames"),
    ("", ["--protocol", "1", "--leave-out-damaged"], "Protocol 1, without damaged sequences"),
    ("valid=", [], ""), ("valid=", ["--protocol", "2"], "Protocol 2"),
])  # fmt: skip
def test_the_protocol_travels_to_the_scores(splits, options, protocol, world, tmp_path, capsys):
    prepare(world, tmp_path / "data", *options, annotations=splits + "{}/h36m.npz")
    for split in ("valid",) if splits and not options else ("train", "valid"):
        people = read_annotations(tmp_path / "data" / f"{split}.npz").people
        assert people.depth.common_protocol(slice(None)) == (protocol if split == "valid" else "")
    capsys.readouterr()
    scores = assert_perfect(tmp_path / "data" / "valid.npz", people.coordinates, tmp_path)
    assert scores.get("protocol", "") == protocol
    assert (f"people, {protocol}\n" if protocol else "people\n") in capsys.readouterr().out


def test_depths_of_before_have_no_protocol(world, tmp_path):
    prepare(world, tmp_path, "--protocol", "1")
    with np.load(tmp_path / "valid-depth.npz") as held:
        older = dict(held)
    del older["protocol"]
    np.savez(tmp_path / "valid-depth.npz", **older)
    assert read_annotations(tmp_path / "valid.npz").people.depth.protocol.tolist() == [""]


def assert_perfect(annotations, poses, folder, *options):
    """Saves poses as predictions, evaluates them; returns the 3D scores, whose errors are all 0."""
    ids = read_annotations(annotations).people.person_ids
    save_predictions(folder / "gt.npz", Predictions(np.nan_to_num(poses), ids))
    scores = evaluate(folder / "gt.npz", annotations, *options, out=folder / "scores.json")["3d"]
    for name in ("joint_error", "pa_joint_error", "pa_joint_error_scaled", "bone_error"):
        assert scores[name]["mm"] == pytest.approx(0, abs=1e-6), name
    return scores


def test_the_ground_truth_scored_against_itself(world, tmp_path):
    gt = read_annotations(world / "h36m.npz").people.coordinates
    scores = assert_perfect(world / "h36m.npz", gt, tmp_path)
    people, stds = forms.make_people(), []
    for subject in ("S1", "S9"):  # S11 has one image, which has no std
        poses = [forms.mpii_pose(person) for person in people if person.subject == subject]
        stds += [np.std([np.linalg.norm(pose[child] - pose[parent]) for pose in poses])
                 for child, parent in enumerate(MPII.parents) if parent >= 0]  # fmt: skip
    assert scores["bone_std"]["mm"] == pytest.approx(np.mean(stds), rel=1e-6)
    assert scores["gt_bone_std"]["mm"] == pytest.approx(np.mean(stds), rel=1e-6)


@pytest.mark.parametrize("dataset", REAL)
def test_real_images_go_through(dataset, shared, world, tmp_path):
    threed, data = shared / "threed", tmp_path / "data"
    files = ["--annotations", *(threed / name for name in REAL[dataset]), "--images", threed / dataset]
    run_ief("prepare", *files, "--out", data, "--size", "32", "--strict")
    illegal = angles = people = 0
    for split in (path.name.removesuffix("-depth.npz") for path in data.glob("*-depth.npz")):
        out = tmp_path / split
        run_ief("predict", "--run", world / "run", "--data", data, "--split", split, "--out", out)
        poses = read_predictions(out / f"predictions-{split}.npz").joints
        assert poses.shape[1:] == (16, 3) and np.isfinite(poses).all()
        gt = read_annotations(data / f"{split}.npz").people.coordinates
        scores = assert_perfect(data / f"{split}.npz", gt, tmp_path, "--angle-limits", threed / "angle_limits")
        assert scores["illegal_angle"]["percent"] == scores["gt_illegal_angle"]["percent"]
        assert scores["bone_std"]["mm"] == scores["gt_bone_std"]["mm"]
        counted = sum(scores["counts"]["illegal_angle"]["per_joint"].values())
        illegal, angles = illegal + scores["illegal_angle"]["percent"] * counted / 100, angles + counted
        people += len(gt)
    expected = {"h36m": (2, 36, 4), "mpi_inf_3dhp": (0, 34, 4)}[dataset]
    assert (round(illegal), angles, people) == expected  # of angles 2.2 % in many real poses
