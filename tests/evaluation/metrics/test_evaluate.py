"""Scores in 2D and 3D: what is in them, their intervals, differences and means, and what is refused."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scattered import noisy_people
from scipy import stats

import evaluation
from checkpoints.errors import PoseError
from evaluation import Bootstrap, Estimate, GroundTruth, compare, evaluate
from evaluation.metrics.bootstrap import average_seeds
from evaluation.metrics.evaluate import person_errors, score_means
from heads.skeleton import MPII


def pick(scores):
    """A few estimates from every corner of the scores."""
    found = {}
    for name, score in scores.metrics.items():
        found[name] = score.overall
        found |= {f"{name} of {part}": score.per_part[part] for part in {"r_knee", "l_elbow"} & score.per_part.keys()}
        for key, group in score.groups.items():
            group = group if isinstance(group, dict) else {"": group}
            found |= {f"{name}, {key} {label}": group[label] for label in list(group)[2:5] or list(group)}
    return found


@pytest.mark.parametrize("sequences", [False, True])
def test_memory_grows_by_little_a_person(monkeypatch, sequences):
    """Of 53 thresholds and 16 joints a person has 7 KB in float64, which half a million people do not fit in."""
    monkeypatch.setattr("evaluation.metrics.bootstrap._PEOPLE", 500)
    peaks = []
    for count in (2000, 6000):
        pred, gt = noisy_people(count)
        gt = replace(gt, subject=np.arange(count) % 5, action=np.arange(count) % 7) if sequences else gt
        tracemalloc.start()
        evaluate(pred, gt, bootstrap=Bootstrap(3))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < 2500


def test_undefined_values_are_none_and_counted():
    pred, gt = noisy_people(6)
    gt.joints[:, MPII.index("head_top")] = np.nan
    gt.scale[2] = -1
    scores = evaluate(pred, GroundTruth(gt.joints, np.full(6, np.nan), gt.scale), bootstrap=Bootstrap())
    assert scores.left_out == {"without_head_size": 6, "without_scale": 1}
    assert scores.mean_pckh == scores["pckh_curve"].overall == Estimate(None)
    for name in ("joint_error", "joint_error_crop"):
        assert scores[name].per_part["head_top"] == Estimate(None)
    assert scores["joint_error"].overall.value > 0


@pytest.mark.parametrize("dimensions", [2, 3])
def test_nobody_at_all(dimensions, limits):
    nobody = np.zeros((0, 16, dimensions))
    scores = evaluate(nobody, GroundTruth(nobody, [], [], angle_limits=limits), bootstrap=Bootstrap(20))
    assert scores.people == 0 and {score.overall for score in scores.metrics.values()} == {Estimate(None)}


@pytest.mark.parametrize(("dimensions", "convention"), [(2, "official"), (2, "pytorch-pose"), (3, "official")])
def test_intervals_are_those_of_each_resample(dimensions, convention, limits):
    """People are drawn in 2D, in 3D sequences."""
    pred, gt = noisy_people(60, dimensions)
    gt = replace(gt, angle_limits=limits)
    scores = evaluate(pred, gt, convention=convention, bootstrap=Bootstrap(resamples=40, seed=9))
    labels = list(zip(gt.subject, gt.action, gt.sequence, strict=True)) if dimensions == 3 else list(range(60))
    names, rng, found = sorted(set(labels)), np.random.default_rng(9), []
    assert scores.sequences == len(names)
    for _ in range(40):
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
        rows = [row for name, n in zip(names, counts, strict=True) for row in range(60) if labels[row] == name
                for _ in range(n)]  # fmt: skip
        found.append(pick(evaluate(pred[rows], gt.select(rows), convention=convention)))
    thirds = ("parts small", "parts medium", "parts large")  # of the people given, here of each resample
    for name, estimate in pick(scores).items():
        samples = [one[name].value for one in found if one.get(name, Estimate(None)).value is not None]
        samples = [] if name.endswith(thirds) else samples
        if samples:
            assert estimate.interval == pytest.approx(np.percentile(samples, [2.5, 97.5])), name


@pytest.mark.parametrize("dimensions", [2, 3])
def test_compare_is_the_difference_of_two_evaluations(dimensions):
    pred, gt = noisy_people(120, dimensions)
    worse = pred + np.random.default_rng(1).normal(0, (10, 40)[dimensions - 2], pred.shape)
    found, (ours, theirs) = compare(worse, pred, gt), (pick(evaluate(each, gt)) for each in (worse, pred))
    for name, estimate in pick(found).items():
        values = ours[name].value, theirs[name].value
        assert estimate.value == (None if None in values else pytest.approx(values[0] - values[1], abs=1e-9)), name
    assert not any(name.startswith("gt_") for name in found.metrics)
    error = found["joint_error"].overall
    assert 0 < error.low < error.value < error.high
    same = compare(pred, pred, gt)
    assert {score.overall for score in same.metrics.values()} == {Estimate(0, 0, 0)}
    assert same["bone_error"].counts == evaluate(pred, gt)["bone_error"].counts


def test_paired_interval_of_published_predictions(real, real_gt):
    """newell.h5 against valid-ours.h5: the official Mean, resampled independently with other draws."""
    gt, ours, theirs = real_gt(), real("newell.h5"), real("valid-ours.h5")
    paired = compare(ours, theirs, gt, thresholds=(0.5,)).mean_pckh
    scored = [j for j, name in enumerate(MPII.names) if name not in ("pelvis", "thorax")]
    mask, gap = gt.annotated[:, scored], np.zeros(len(gt))
    for joints, sign in ((ours, 1), (theirs, -1)):
        offset = (joints - gt.joints)[:, scored]
        near = np.hypot(offset[..., 0], offset[..., 1]) <= 0.5 * gt.head_size[:, None]
        gap += sign * (near & mask).sum(axis=1)
    count = mask.sum(axis=1)
    rows = np.random.default_rng(123).integers(0, len(gt), (3000, len(gt)))
    draws = 100 * gap[rows].sum(axis=1) / count[rows].sum(axis=1)
    assert paired.value == pytest.approx(100 * gap.sum() / count.sum())
    assert paired.interval == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.06)
    # Paired, the interval is narrower than that of two independent samples.
    apart = [evaluate(p, gt, thresholds=(0.5,), bootstrap=Bootstrap()).mean_pckh.interval for p in (ours, theirs)]
    assert paired.high - paired.low < np.hypot(*(b - a for a, b in apart))


def test_errors_of_each_person():
    pred, gt = noisy_people(5)
    literal = np.nanmean(np.linalg.norm(pred - gt.joints, axis=-1), axis=1) / gt.head_size
    assert person_errors(pred, gt) == pytest.approx(literal)
    pred, gt = noisy_people(5, 3)
    offset = pred - gt.joints
    distances = np.linalg.norm(offset - offset[:, [MPII.root]], axis=-1)
    literal = [np.mean(each[np.isfinite(each)]) if np.isfinite(each).any() else np.nan for each in distances]
    assert person_errors(pred, gt) == pytest.approx(literal, nan_ok=True)


def test_the_mean_of_trainings_is_the_mean_of_their_scores():
    poses = [noisy_people(12, seed=seed)[0] for seed in range(4)]
    gt = noisy_people(12, seed=0)[1]
    gt = replace(gt, visible=np.random.default_rng(0).integers(0, 2, gt.joints.shape[:2]))
    each = [pick(evaluate(pose, gt)) for pose in poses]
    for name, estimate in pick(score_means(gt, poses)).items():
        assert estimate.value == pytest.approx(np.mean([scores[name].value for scores in each])), name
    found = score_means(gt, poses[:2], poses[2:])
    pairs = [compare(ours, theirs, gt) for ours, theirs in zip(poses[:2], poses[2:], strict=True)]
    assert found.mean_pckh.value == pytest.approx(np.mean([pair.mean_pckh.value for pair in pairs]))
    assert score_means(gt, poses[:1], poses[1:2]) == compare(poses[0], poses[1], gt)
    same = score_means(gt, poses, poses[::-1])["joint_error"].overall
    assert (same.value, *same.interval) == pytest.approx((0, 0, 0), abs=1e-12)
    with pytest.raises(PoseError, match="one by one"):
        score_means(noisy_people(5, 3)[1], [noisy_people(5, 3)[0]] * 2)


def test_the_interval_over_seeds_is_that_of_a_t_test():
    values = [0.7, -0.2, 1.4]
    found, theirs = average_seeds(values), stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(np.mean(values)) and found.interval == pytest.approx(tuple(theirs))
    assert average_seeds([2.5]) == Estimate(2.5) and average_seeds([1.0, None]) == average_seeds([]) == Estimate(None)


def test_poses_in_4d_are_refused():
    with pytest.raises(PoseError, match="4 dimensions"):
        evaluate(np.zeros((3, 16, 4)), GroundTruth(np.zeros((3, 16, 4))))


def test_the_example_of_the_package_runs(capsys):
    code = evaluation.__doc__.split("An example that runs:\n")[1].split("\n\nJoints")[0]
    exec("\n".join(line.removeprefix("    ") for line in code.splitlines()))
    mean, errors, difference = capsys.readouterr().out.splitlines()
    assert mean.startswith("Estimate(value=") and float(errors.split()[0]) > 0 and "value=-" in difference
