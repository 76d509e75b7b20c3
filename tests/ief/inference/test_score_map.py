"""Scores of joints: shares right, fitted on people, in every kind of predictor; what is hidden is marked."""

import dataclasses
import json

import numpy as np
import pytest
from untrained import save_run

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.inference.onnx_export import export_run
from ief.inference.score_map import FILE, ScoreMap

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 50, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"), likelihood=True)


@pytest.fixture(scope="module")
def calibrated(run, tmp_path_factory):
    """The same run with a map, and its raw scores."""
    folder = save_run(tmp_path_factory.mktemp("calibrated"), likelihood=True)
    raw = PosePredictor.load(run, "cpu")(IMAGE).scores
    low, high = raw.min(), raw.max()
    score_map = ScoreMap((float(low), float(high)), (0.1, 0.9), 0.5, 10, "PCKh@0.5")
    score_map.save(folder)
    return folder, 0.1 + 0.8 * (raw - low) / (high - low)


def test_scores_are_passed_through_the_runs_map(calibrated, tmp_path):
    """By the stages and by an exported model alike."""
    folder, wanted = calibrated
    export_run(folder, tmp_path / "pose.onnx", "crops")
    for path in (folder, tmp_path / "pose.onnx"):
        poses = PosePredictor.load(path, "cpu")(IMAGE)
        np.testing.assert_allclose(poses.scores, wanted, atol=1e-3)
        assert poses.min_score == 0.5 and np.array_equal(poses.shown, poses.scores >= 0.5)
        assert 0 < poses.shown.sum() < 16


def test_a_joint_below_the_threshold_is_not_drawn(calibrated):
    predictor = PosePredictor.load(calibrated[0], "cpu")
    some = predictor(IMAGE)
    predictor.min_joint_score = 0.0
    everything = predictor(IMAGE)
    none = dataclasses.replace(some, min_score=1.1)
    assert np.array_equal(none.draw(), IMAGE)
    assert 0 < (some.draw() != IMAGE).sum() < (everything.draw() != IMAGE).sum()
    assert str(some).startswith("Poses of 1 person in image 0: 16 joints each, ") and "shown" not in str(everything)


def test_joints_without_scores_are_all_shown(tmp_path):
    poses = PosePredictor.load(save_run(tmp_path), "cpu")(IMAGE)
    assert np.isnan(poses.scores).all() and poses.shown.all()


def test_covariance_is_sigma_spread_in_image_pixels(run, calibrated, tmp_path):
    """Sigma by hand from the raw score of a joint, of two boxes; an exported model and plain stages have none."""
    boxes = [[0, 0, 40, 40], [5, 5, 25, 25]]
    plain = PosePredictor.load(run, "cpu")(IMAGE, boxes)
    wide = dataclasses.replace(ScoreMap.load(calibrated[0]), spread=3.0)
    folder = save_run(tmp_path / "wide", likelihood=True)
    wide.save(folder)
    poses = PosePredictor.load(folder, "cpu")(IMAGE, boxes)
    side = np.array([50, 25])[:, None]  # of the crops in image pixels: 1.25 of the boxes'
    mean = np.sqrt(plain.covariance[..., [0, 1], [0, 1]]).mean(axis=-1)
    np.testing.assert_allclose(1 - mean / side, plain.scores, atol=1e-6)
    np.testing.assert_allclose(poses.covariance, 9 * plain.covariance, rtol=1e-6)
    assert poses.covariance.shape == (2, 16, 2, 2) and not poses.covariance[..., 0, 1].any()
    export_run(folder, tmp_path / "pose.onnx", "crops")
    for path in (tmp_path / "pose.onnx", save_run(tmp_path / "none")):
        assert np.isnan(PosePredictor.load(path, "cpu")(IMAGE).covariance).all()


def test_ellipses_are_drawn_around_shown_joints(run):
    """The pixels of an ellipse lie at its half axes: 2.146 standard deviations."""
    poses = PosePredictor.load(run, "cpu")(IMAGE)
    gray, joints = np.full((200, 200, 3), 90, np.uint8), np.full((1, 16, 2), np.nan)
    joints[0, 6] = 100
    one = dataclasses.replace(poses, joints=joints, sigma=np.full((1, 16, 2), [20.0, 30.0]), scores=np.ones((1, 16)))
    changed = np.argwhere((one.draw(gray, ellipses=True) != one.draw(gray)).any(axis=-1))
    assert np.abs(np.ptp(changed, axis=0) / 2 - 2.146 * np.array([30, 20])).max() < 4  # a line of 3
    hidden = dataclasses.replace(one, min_score=1.1)
    assert np.array_equal(hidden.draw(gray, ellipses=True), gray)


def test_a_map_without_a_spread_spreads_by_one(calibrated, tmp_path):
    tree = json.loads((calibrated[0] / FILE).read_text())
    del tree["spread"]
    (tmp_path / FILE).write_text(json.dumps(tree))
    assert ScoreMap.load(tmp_path).spread == 1.0


NO_MAP = {"raw": [1], "right": [], "min_score": 0, "people": 1, "measure": ""}


@pytest.mark.parametrize("text", ["{", "{}", json.dumps(NO_MAP), json.dumps({**NO_MAP, "right": [1], "spread": 0})])
def test_a_corrupt_map_is_one_line(text, tmp_path):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(PoseError, match=rf"{FILE}: corrupt"):
        ScoreMap.load(tmp_path)
