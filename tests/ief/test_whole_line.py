"""From files to scores through the command line, on published predictions and on synthetic people."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)
from commands import evaluate, run_ief

from evaluation import GroundTruth
from evaluation import evaluate as evaluate_poses
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
    [("official", EXACT, "official"), ("hrnet", CONVERTED, "hrnet"), ("mmpose", EXACT, "mmpose"),
     ("pytorch-pose", CONVERTED, "bearpaw")],
)  # fmt: skip
def test_ief_evaluate_prints_the_published_values(shared, tmp_path, file, convention, annotations, key):
    mpii = shared / "mpii"
    result = evaluate(mpii / file, mpii / annotations, "--convention", convention, out=tmp_path / "out.json")
    expected = json.loads((mpii / "expected.json").read_text())["files"][file]
    for threshold in ("0.5", "0.1"):
        for part in ("per_joint", "groups"):
            wanted = expected[key][f"@{threshold}"][part]
            assert result["pckh"][threshold][part] == pytest.approx(wanted, abs=1e-3)
    if convention == "official" and "errors" in expected:
        for part in ("joint_error", "bone_error"):
            wanted = [expected["errors"][f"{part}_{unit}"] for unit in ("image_px", "crop224_px")]
            assert [result[part][unit] for unit in ("image_px", "crop_px")] == pytest.approx(wanted, abs=1e-3)


def test_a_submission_read_back_keeps_its_scores(tmp_path):
    """RELEASE -> predictions of the test rects -> submission -> read back -> the same scores."""
    draw = np.random.default_rng(0)
    images = np.repeat([f"{i:09}.jpg" for i in range(40)], draw.integers(1, 4, 40))
    count = len(images)
    scale, center = draw.uniform(0.5, 4, count), draw.uniform(200, 1000, (count, 2))
    joints = center[:, None] + draw.normal(0, 50, (count, 16, 2)) * scale[:, None, None]
    test, scored = np.isin(images, np.unique(images)[25:]), draw.random(count) < 0.7
    split = np.where(test, "test", "train")
    people = People(images, joints, center=center, scale=scale, head_size=25 * scale, split=split, scored=scored)
    release, predictions, out = tmp_path / "release.mat", tmp_path / "p.npz", tmp_path / "pred.mat"
    write_mpii_mat(release, people)
    gt = people.select(test)
    poses = gt.joints + draw.normal(0, 10, gt.joints.shape) * gt.scale[:, None, None]

    def submit(rows, status=0):
        save_predictions(predictions, Predictions(poses[rows], gt.person_ids[rows]))
        run_ief("submit", "--annotations", release, "--predictions", predictions, "--out", out, status=status)

    submit(draw.permutation(len(gt)))  # a file of predictions may come in any order
    back = align(read_submission(out), gt)
    np.testing.assert_allclose(back.joints, poses, atol=1e-9)
    scores = evaluate_poses(poses, GroundTruth(gt.joints, gt.head_size, gt.scale))
    assert score_poses(back.joints, gt)[2] == scores and 20 < scores.mean_pckh.value < 100

    rows = np.flatnonzero(gt.scored)
    submit(rows)
    assert list(read_submission(out).person_ids) == list(gt.person_ids[rows])
    before = out.read_bytes()
    submit(rows[1:], status=2)
    assert out.read_bytes() == before


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """`ief demo` of one epoch, with a small network, in one process; several draw in test_dataset.py."""
    monkeypatch.setitem(PRESETS, "demo", replace(PRESETS["demo"], backbone="tiny_resnet"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return partial(run_ief, "demo", "--out", tmp_path, "--epochs", "1", "--device", "cpu", "--images")


def test_the_demo_runs_from_drawing_to_submission_and_again(demo, tmp_path, capsys):
    demo(60)
    first = capsys.readouterr().out
    assert list(json.loads((tmp_path / "run/metrics.json").read_text())) == ["mean_pose", "stage0", "stage1"]
    page = (tmp_path / "report/index.html").read_text()
    assert page.count("<img") >= 12 and "stage 1" in page
    assert (tmp_path / "report" / "method.jpg").stat().st_size > 10_000
    gt = load_people(tmp_path / "data/test_truth.npz")
    by_hand = score_poses(align(read_predictions(tmp_path / "run/predictions-test.npz"), gt).joints, gt)[2]
    assert f"submission read back: PCKh@0.5 {by_hand.mean_pckh.value:.1f}" in first
    stage = tmp_path / "run/stage1/stage.safetensors"
    before = stage.stat().st_mtime_ns
    demo(60)  # everything is there: nothing is trained again
    assert stage.stat().st_mtime_ns == before
    demo(5, status=2)


def test_the_demo_in_3d_scores_depth_that_nobody_was_taught(demo, tmp_path, capsys):
    demo(30, "--dimensions", "3")
    printed = capsys.readouterr().out
    for words in ("3D metrics of 10 people", "3D metrics of 5 people", "nobody was labeled in depth"):
        assert words in printed
    metrics, others, record = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("run/metrics", "elsewhere", "run/config")
    )
    assert list(metrics) == list(others) == ["mean_pose", "stage0"]
    for scores in (*(tree["3d"] for tree in metrics.values()), *others.values()):
        assert 50 < scores["pa_joint_error"]["mm"] < scores["joint_error"]["mm"] < 500
    assert record["also"].endswith("prepared-elsewhere") and record["stages"] == 1
    assert not (tmp_path / "prepared-elsewhere/train-depth.npz").exists()
    page = (tmp_path / "report/index.html").read_text()
    assert "Table 2" in page and "Joint Error" in page
    assert (tmp_path / "report/never-labeled-in-depth.jpg").stat().st_size > 10_000
