import numpy as np
import pytest

import evaluation
from checkpoints.errors import PoseError
from evaluation import Bootstrap, Estimate, GroundTruth, compare, evaluate
from evaluation.metrics.conventions import GROUPS
from heads.skeleton import MPII


def poses(people, seed=0, std=15):
    rng = np.random.default_rng(seed)
    gt = rng.uniform(0, 400, (people, 16, 2))
    pred = gt + rng.normal(0, std, gt.shape)
    gt[rng.random((people, 16)) < 0.2] = np.nan
    scale = rng.uniform(0.7, 3, people)
    return pred, GroundTruth(gt, 25 * scale, scale)


def test_what_is_in_the_scores():
    scores = evaluate(*poses(20))
    assert scores.pckh.convention == "official" and scores.people == 20
    assert list(scores.pckh.per_joint) == list(scores.pckh.groups) == [0.5, 0.1]
    assert tuple(scores.pckh.per_joint[0.5]) == MPII.names
    assert tuple(scores.pckh.groups[0.5]) == GROUPS
    assert scores.mean_pckh is scores.pckh.groups[0.5]["Mean"]
    for error in (scores.joint_error, scores.bone_error):
        assert error.image_px.value > 0 and error.crop_px.value > 0 and error.image_px.interval is None
    assert scores.bootstrap is None


def test_undefined_values_are_none_and_counted():
    pred, gt = poses(6)
    gt.joints[:, MPII.index("head_top")] = np.nan
    gt.scale[2] = -1
    scores = evaluate(pred, GroundTruth(gt.joints, np.full(6, np.nan), gt.scale), bootstrap=Bootstrap())
    assert scores.pckh.unscored == 6 and scores.pckh.people == 0
    assert scores.without_scale == 1
    assert scores.mean_pckh == scores.pckh.auc == Estimate(None)
    head = scores.joint_error.per_part["head_top"]
    assert head.image_px == head.crop_px == Estimate(None)
    assert scores.joint_error.image_px.value > 0


def test_nobody_at_all():
    scores = evaluate(np.zeros((0, 16, 2)), GroundTruth(np.zeros((0, 16, 2)), [], []), bootstrap=Bootstrap())
    assert scores.people == 0
    assert scores.joint_error.image_px == Estimate(None)


def some_of(scores):
    """A few estimates from every corner of the scores."""
    return {
        "Mean": scores.mean_pckh,
        "Head": scores.pckh.groups[0.5]["Head"],
        "wrist": scores.pckh.per_joint[0.1]["l_wrist"],
        "upper body": scores.pckh.upper_body[0.5],
        "area": scores.pckh.auc,
        "curve": scores.pckh.curve[0.25],
        "joint": scores.joint_error.image_px,
        "joint, crop": scores.joint_error.crop_px,
        "bone": scores.bone_error.image_px,
        "knee": scores.bone_error.per_part["r_knee"].crop_px,
    }


def test_intervals_hold_their_values():
    pred, gt = poses(200)
    found = some_of(evaluate(pred, gt, bootstrap=Bootstrap(resamples=300)))
    for estimate in found.values():
        assert estimate.low < estimate.value < estimate.high
    plain = some_of(evaluate(pred, gt))
    assert plain == {name: Estimate(estimate.value) for name, estimate in found.items()}


@pytest.mark.parametrize("convention", ["official", "pytorch-pose"])
def test_intervals_agree_with_evaluating_each_resample(convention):
    pred, gt = poses(40)
    scores = evaluate(pred, gt, convention=convention, bootstrap=Bootstrap(resamples=60, seed=9))
    rng = np.random.default_rng(9)
    found = []
    for _ in range(60):
        rows = np.repeat(np.arange(40), rng.multinomial(40, np.full(40, 1 / 40)))
        again = GroundTruth(gt.joints[rows], gt.head_size[rows], gt.scale[rows])
        found.append(some_of(evaluate(pred[rows], again, convention=convention)))
    for name, estimate in some_of(scores).items():
        samples = [one[name].value for one in found]
        assert estimate.interval == pytest.approx(np.percentile(samples, [2.5, 97.5]))


def test_compare_is_the_difference_of_two_evaluations():
    pred, gt = poses(80)
    worse = pred + np.random.default_rng(1).normal(0, 10, pred.shape)
    difference = compare(worse, pred, gt)
    ours, reference = some_of(evaluate(worse, gt)), some_of(evaluate(pred, gt))
    for name, estimate in some_of(difference).items():
        assert estimate.value == pytest.approx(ours[name].value - reference[name].value, abs=1e-9)
    error = difference.joint_error.image_px
    assert 0 < error.low < error.value < error.high


def test_compare_with_itself_is_zero_throughout():
    pred, gt = poses(30)
    assert compare(pred, pred, gt).mean_pckh == Estimate(0, 0, 0)


def test_paired_interval_of_published_predictions(real, real_gt):
    """newell.h5 against valid-ours.h5: the official Mean, resampled independently with other draws."""
    gt, ours, theirs = real_gt(), real("newell.h5"), real("valid-ours.h5")
    paired = compare(ours, theirs, gt, thresholds=(0.5,)).mean_pckh

    scored = [j for j, name in enumerate(MPII.names) if name not in ("pelvis", "thorax")]
    mask = gt.annotated[:, scored]
    gap = np.zeros(len(gt))
    for joints, sign in ((ours, 1), (theirs, -1)):
        offset = (joints - gt.joints)[:, scored]
        near = np.hypot(offset[..., 0], offset[..., 1]) <= 0.5 * gt.head_size[:, None]
        gap += sign * (near & mask).sum(axis=1)
    count = mask.sum(axis=1)
    rng = np.random.default_rng(123)
    rows = rng.integers(0, len(gt), (3000, len(gt)))
    draws = 100 * gap[rows].sum(axis=1) / count[rows].sum(axis=1)
    assert paired.value == pytest.approx(100 * gap.sum() / count.sum())
    assert paired.interval == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.06)
    # Paired, the interval is narrower than that of two independent samples.
    apart = [evaluate(p, gt, thresholds=(0.5,), bootstrap=Bootstrap()).mean_pckh.interval for p in (ours, theirs)]
    assert paired.high - paired.low < np.hypot(*(b - a for a, b in apart))


def test_bad_input_passes_through():
    pred, gt = poses(3)
    with pytest.raises(PoseError, match="thresholds"):
        evaluate(pred, gt, thresholds=())
    with pytest.raises(PoseError, match="unknown convention"):
        compare(pred, pred, gt, convention="coco")


def test_the_example_of_the_package_runs(capsys):
    code = evaluation.__doc__.split("An example that runs:\n")[1]
    exec("\n".join(line.removeprefix("    ") for line in code.splitlines()))
    mean, errors, difference = capsys.readouterr().out.splitlines()
    assert mean.startswith("Estimate(value=") and float(errors.split()[0]) > 0 and "value=-" in difference
