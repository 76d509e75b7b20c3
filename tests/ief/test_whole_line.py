"""From files to scores through the command line, on published predictions and on synthetic people."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)

from evaluation import GroundTruth, evaluate
from ief.cli import main
from ief.reporting.scoring import score_poses
from ief.training.options import PRESETS
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import load_people
from mpii_tools.people import People
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions
from mpii_tools.results.submission import read_submission

EXACT, CONVERTED = "valid_annolist.mat", "detections_our_format.mat"


# All of them fast, from arrays: tests/evaluation/metrics/test_published_predictions.py.
@pytest.mark.parametrize(
    "file", ["newell.h5", *(pytest.param(file, marks=pytest.mark.slow) for file in ("tompson.h5", "valid-ours.h5"))]
)
@pytest.mark.parametrize(
    ("convention", "annotations", "key"),
    [
        ("official", EXACT, "official"),
        ("hrnet", CONVERTED, "hrnet"),
        ("mmpose", EXACT, "mmpose"),
        ("pytorch-pose", CONVERTED, "bearpaw"),
    ],
)
def test_ief_evaluate_prints_the_published_values(shared, tmp_path, file, convention, annotations, key):
    out = tmp_path / "out.json"
    arguments = ["--predictions", str(shared / "mpii" / file), "--annotations", str(shared / "mpii" / annotations)]
    assert main(["evaluate", *arguments, "--convention", convention, "--json", str(out)]) == 0
    result, expected = (
        json.loads(out.read_text()),
        json.loads((shared / "mpii/expected.json").read_text())["files"][file],
    )
    for threshold in ("0.5", "0.1"):
        for part in ("per_joint", "groups"):
            wanted = expected[key][f"@{threshold}"][part]
            assert result["pckh"][threshold][part] == pytest.approx(wanted, abs=1e-3)
    if convention == "official" and "errors" in expected:
        for part in ("joint_error", "bone_error"):
            assert result[part]["image_px"] == pytest.approx(expected["errors"][f"{part}_image_px"], abs=1e-3)
            assert result[part]["crop_px"] == pytest.approx(expected["errors"][f"{part}_crop224_px"], abs=1e-3)


def test_a_submission_read_back_keeps_its_scores(tmp_path):
    """RELEASE -> predictions of the test rects -> submission -> read back -> the same scores."""
    draw = np.random.default_rng(0)
    images = np.repeat([f"{i:09}.jpg" for i in range(40)], draw.integers(1, 4, 40))
    count = len(images)
    scale = draw.uniform(0.5, 4, count)
    center = draw.uniform(200, 1000, (count, 2))
    joints = center[:, None] + draw.normal(0, 50, (count, 16, 2)) * scale[:, None, None]
    test = np.isin(images, np.unique(images)[25:])
    scored = draw.random(count) < 0.7
    people = People(images, joints, center=center, scale=scale, head_size=25 * scale,
                         split=np.where(test, "test", "train"), scored=scored)  # fmt: skip
    release, predictions, out = tmp_path / "release.mat", tmp_path / "p.npz", tmp_path / "pred.mat"
    write_mpii_mat(release, people)
    gt = people.select(test)
    poses = gt.joints + draw.normal(0, 10, gt.joints.shape) * gt.scale[:, None, None]
    order = draw.permutation(len(gt))  # a file of predictions may come in any order
    save_predictions(predictions, Predictions(poses[order], gt.person_ids[order]))
    arguments = ["--annotations", str(release), "--predictions", str(predictions), "--out", str(out)]
    assert main(["submit", *arguments]) == 0
    back = align(read_submission(out), gt)
    np.testing.assert_allclose(back.joints, poses, atol=1e-9)
    scores = evaluate(poses, GroundTruth(gt.joints, gt.head_size, gt.scale))
    assert score_poses(back.joints, gt)[2] == scores
    assert 20 < scores.mean_pckh.value < 100

    only_scored = gt.select(gt.scored)
    save_predictions(predictions, Predictions(poses[gt.scored], only_scored.person_ids))
    assert main(["submit", *arguments]) == 0
    assert list(read_submission(out).person_ids) == list(only_scored.person_ids)
    save_predictions(predictions, Predictions(poses[gt.scored][1:], only_scored.person_ids[1:]))
    before = out.read_bytes()
    assert main(["submit", *arguments]) == 2 and out.read_bytes() == before


def test_the_demo_runs_from_drawing_to_submission_and_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(PRESETS, "demo", replace(PRESETS["demo"], backbone="tiny_resnet"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # several processes draw in test_dataset.py
    arguments = ["demo", "--out", str(tmp_path), "--images", "60", "--epochs", "1", "--device", "cpu"]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert list(metrics) == ["mean_pose", "stage0", "stage1"]
    page = (tmp_path / "report/index.html").read_text()
    assert page.count("<img") >= 12 and "stage 1" in page
    assert (tmp_path / "report" / "method.jpg").stat().st_size > 10_000
    gt = load_people(tmp_path / "data/test_truth.npz")
    by_hand = score_poses(align(read_predictions(tmp_path / "run/predictions-test.npz"), gt).joints, gt)[2]
    said = f"submission read back: PCKh@0.5 {by_hand.mean_pckh.value:.1f}"
    assert said in first
    stage = (tmp_path / "run/stage1/stage.safetensors").stat().st_mtime_ns
    assert main(arguments) == 0  # everything is there: nothing is trained again
    assert (tmp_path / "run/stage1/stage.safetensors").stat().st_mtime_ns == stage
    assert main(["demo", "--out", str(tmp_path), "--images", "5"]) == 2


def test_the_demo_in_3d_scores_depth_that_nobody_was_taught(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(PRESETS, "demo", replace(PRESETS["demo"], backbone="tiny_resnet"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    arguments = ["demo", "--dimensions", "3", "--out", str(tmp_path), "--images", "30", "--epochs", "1"]
    assert main([*arguments, "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "3D metrics of 10 people" in printed and "3D metrics of 5 people" in printed
    assert "nobody was labeled in depth" in printed
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    others = json.loads((tmp_path / "elsewhere.json").read_text())
    assert list(metrics) == list(others) == ["mean_pose", "stage0"]
    for scores in (*(tree["3d"] for tree in metrics.values()), *others.values()):
        assert 50 < scores["pa_joint_error"]["mm"] < scores["joint_error"]["mm"] < 500
    record = json.loads((tmp_path / "run/config.json").read_text())
    assert record["also"].endswith("prepared-elsewhere") and record["stages"] == 1
    assert not (tmp_path / "prepared-elsewhere/train-depth.npz").exists()
    page = (tmp_path / "report/index.html").read_text()
    assert "Table 2" in page and "Joint Error" in page
    assert (tmp_path / "report/never-labeled-in-depth.jpg").stat().st_size > 10_000
