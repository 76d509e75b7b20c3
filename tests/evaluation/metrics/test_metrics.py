import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import compare, evaluate, look_up
from evaluation.metrics.conventions import GROUPS
from heads.skeleton import MPII
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import read_predictions


def poses(people, seed=0, spread=15):
    rng = np.random.default_rng(seed)
    gt = rng.uniform(0, 400, (people, 16, 2))
    pred = gt + rng.normal(0, spread, gt.shape)
    gt[rng.random((people, 16)) < 0.2] = np.nan
    scale = rng.uniform(0.7, 3, people)
    return pred, gt, 25 * scale, scale


def test_the_form_of_the_contract():
    result = evaluate(*poses(20))
    assert result["convention"] == "official"
    assert result["persons"] == 20
    assert set(result["pckh"]) == {"0.5", "0.1"}
    assert tuple(result["pckh"]["0.5"]["per_joint"]) == MPII.names
    assert tuple(result["pckh"]["0.5"]["groups"]) == GROUPS
    for part in ("joint_error", "bone_error"):
        assert result[part]["image_px"] > 0 and result[part]["crop_px"] > 0
    assert "interval" not in json.dumps(result)


def test_undefined_figures_are_null_and_counted():
    pred, gt, head, scale = poses(6)
    gt[:, MPII.index("head_top")] = np.nan
    head[:] = np.nan
    scale[2] = -1
    result = json.loads(json.dumps(evaluate(pred, gt, head, scale, intervals=True), allow_nan=False))
    assert result["persons_without_head_size"] == 6
    assert result["persons_without_scale"] == 1
    assert result["pckh"]["0.5"]["groups"]["Mean"] is None
    assert result["pckh_auc"] is None
    assert result["joint_error"]["per_joint"]["head_top"] == {"image_px": None, "crop_px": None}
    assert result["joint_error"]["image_px"] > 0
    assert look_up(result, "pckh_auc") == (None, None)


def test_nobody_at_all():
    result = evaluate(np.zeros((0, 16, 2)), np.zeros((0, 16, 2)), [], [], intervals=True)
    assert result["persons"] == 0
    assert json.loads(json.dumps(result, allow_nan=False))["joint_error"]["image_px"] is None


def test_intervals_mirror_the_figures_and_hold_them():
    result = evaluate(*poses(200), intervals=True, resamples=300)
    for path in (
        ("pckh", "0.5", "groups", "Mean"),
        ("pckh", "0.1", "per_joint", "l_wrist"),
        ("pckh", "0.5", "upper_body"),
        ("pckh_auc",),
        ("pckh_curve", "0.25"),
        ("joint_error", "image_px"),
        ("bone_error", "per_bone", "r_knee", "crop_px"),
    ):
        value, (low, high) = look_up(result, *path)
        assert low < value < high
    plain = evaluate(*poses(200))
    assert look_up(plain, "joint_error", "image_px") == (result["joint_error"]["image_px"], None)
    with pytest.raises(KeyError):
        look_up(result, "pckh", "0.7")


@pytest.mark.parametrize("convention", ["official", "pytorch-pose"])
def test_intervals_agree_with_evaluating_each_resample(convention):
    pred, gt, head, scale = poses(40)
    result = evaluate(pred, gt, head, scale, convention=convention, intervals=True, resamples=60, seed=9)
    rng = np.random.default_rng(9)
    found = []
    for _ in range(60):
        rows = np.repeat(np.arange(40), rng.multinomial(40, np.full(40, 1 / 40)))
        found.append(evaluate(pred[rows], gt[rows], head[rows], scale[rows], convention=convention))
    for path in (
        ("pckh", "0.5", "groups", "Mean"),
        ("pckh", "0.5", "groups", "Head"),
        ("pckh_auc",),
        ("joint_error", "crop_px"),
        ("bone_error", "image_px"),
    ):
        samples = [look_up(one, *path)[0] for one in found]
        assert look_up(result, *path)[1] == pytest.approx(np.percentile(samples, [2.5, 97.5]))


def test_compare_is_the_difference_of_two_evaluations():
    pred, gt, head, scale = poses(80)
    worse = pred + np.random.default_rng(1).normal(0, 10, pred.shape)
    difference = compare(worse, pred, gt, head, scale)
    ours, reference = evaluate(worse, gt, head, scale), evaluate(pred, gt, head, scale)
    for path in (("pckh", "0.5", "groups", "Knee"), ("pckh_auc",), ("bone_error", "crop_px")):
        want = look_up(ours, *path)[0] - look_up(reference, *path)[0]
        assert look_up(difference, *path)[0] == pytest.approx(want, abs=1e-9)
    value, (low, high) = look_up(difference, "joint_error", "image_px")
    assert 0 < low < value < high
    json.dumps(difference, allow_nan=False)


def test_compare_with_itself_is_zero_throughout():
    pred, gt, head, scale = poses(30)
    value, interval = look_up(compare(pred, pred, gt, head, scale), "pckh", "0.5", "groups", "Mean")
    assert (value, interval) == (0, (0, 0))


def test_paired_interval_of_published_predictions(shared):
    """newell.h5 against valid-ours.h5: the official Mean, resampled independently with other draws."""
    folder = shared / "mpii"
    people = read_annotations(folder / "valid_annolist.mat").people
    ours, theirs = (read_predictions(folder / name).joints for name in ("newell.h5", "valid-ours.h5"))
    paired = compare(ours, theirs, people.joints, people.head_size, people.scale)
    value, (low, high) = look_up(paired, "pckh", "0.5", "groups", "Mean")

    scored = [j for j, name in enumerate(MPII.names) if name not in ("pelvis", "thorax")]
    mask = people.annotated[:, scored]
    gap = np.zeros(len(people))
    for joints, sign in ((ours, 1), (theirs, -1)):
        offset = (joints - people.joints)[:, scored]
        near = np.hypot(offset[..., 0], offset[..., 1]) <= 0.5 * people.head_size[:, None]
        gap += sign * (near & mask).sum(axis=1)
    count = mask.sum(axis=1)
    rng = np.random.default_rng(123)
    draws = []
    for _ in range(3000):
        rows = rng.integers(0, len(people), len(people))
        draws.append(100 * gap[rows].sum() / count[rows].sum())
    assert value == pytest.approx(100 * gap.sum() / count.sum())
    assert (low, high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.06)
    # Paired, the interval is narrower than that of two independent samples.
    apart = [
        look_up(evaluate(p, people.joints, people.head_size, intervals=True), "pckh", "0.5", "groups", "Mean")[1]
        for p in (ours, theirs)
    ]
    assert high - low < np.hypot(*(b - a for a, b in apart))


def test_bad_input_passes_through():
    pred, gt, head, scale = poses(3)
    with pytest.raises(PoseError, match="thresholds"):
        evaluate(pred, gt, head, scale, thresholds=())
    with pytest.raises(PoseError, match="unknown convention"):
        compare(pred, pred, gt, head, scale, convention="coco")
