"""Scores against correctness: as loops find them, what the monotone map makes of them, and how they are shown."""

import numpy as np
import pytest
from scattered import noisy_people

from evaluation import Bootstrap, GroundTruth
from evaluation.metrics import calibration
from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.calibration import LEVELS, calibrate, cross_fit
from evaluation.metrics.pckh import pckh
from evaluation.report.calibration import make_section


def test_scores_are_shown_as_predicted_and_calibrated():
    scores, correct = drawn(40, share=np.square)
    both = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
    section = make_section({"My run": dict(zip(("as_predicted", "calibrated"), both, strict=True))})
    rows = section.tables["scores"].rows
    assert [row[0] for row in rows] == ["My run, as predicted", "My run, calibrated"]
    for row, found in zip(rows, both, strict=True):
        values = dict(zip(section.tables["scores"].head, row, strict=True))
        assert values["Joints"].value == found.joints > 400
        shown = {"Correlation": found.correlation, "AUC": found.auc, "Calibration error": found.error}
        for head, wanted in shown.items():
            assert (values[head].value, values[head].interval) == (wanted.value, wanted.interval)
    caption, plot = section.figures["reliability-my-run"]
    assert "My run" in caption
    assert [text.get_text() for text in plot.legends[0].get_texts()] == ["as predicted", "calibrated"]


def drawn(people=400, seed=0, share=lambda score: score):
    """Scores, and correctness drawn with the chance `share(score)`; some of both unknown."""
    rng = np.random.default_rng(seed)
    scores = rng.random((people, 16)) ** 0.7
    correct = (rng.random(scores.shape) < share(scores)).astype(float)
    correct[rng.random(scores.shape) < 0.2] = np.nan
    scores[rng.random(scores.shape) < 0.1] = np.nan
    return scores, correct


def test_agrees_with_loops():
    scores, correct = drawn(60, share=lambda score: 0.2 + 0.5 * score)
    scores[:5] = scores[:5].round(1)  # ties, and bins' ends
    found = calibrate(scores, correct)
    pairs = [(s, c) for row in range(60) for s, c in zip(scores[row], correct[row], strict=True) if not np.isnan(s + c)]
    assert found.joints == len(pairs)
    assert found.score.value == pytest.approx(sum(s for s, _ in pairs) / len(pairs))
    assert found.correct.value == pytest.approx(sum(c for _, c in pairs) / len(pairs))
    assert found.correlation.value == pytest.approx(np.corrcoef(*zip(*pairs, strict=True))[0, 1])
    wins = [(s > t) + 0.5 * (s == t) for s, c in pairs if c == 1 for t, d in pairs if d == 0]
    assert found.auc == Estimate(pytest.approx(sum(wins) / len(wins)))
    error, bins = 0.0, []
    for low in range(10):
        inside = [(s, c) for s, c in pairs if min(int(s * 10), 9) == low]
        if inside:
            score, share = np.mean(inside, axis=0)
            bins.append((len(inside), score, share))
            error += len(inside) / len(pairs) * abs(score - share)
    assert found.error.value == pytest.approx(error)
    assert [(b.joints, b.score, b.correct.value) for b in found.bins] == [pytest.approx(b) for b in bins]


def test_the_intervals_are_those_of_people_drawn_again():
    scores, correct = drawn(50, share=lambda score: score**2)
    found = calibrate(scores, correct, Bootstrap(resamples=300, seed=5))
    rng = np.random.default_rng(1)
    again = [calibrate(scores[rows], correct[rows], None) for rows in rng.integers(0, 50, (300, 50))]
    for name in ("correlation", "error", "correct"):
        bounds = np.percentile([getattr(one, name).value for one in again], [2.5, 97.5])
        assert getattr(found, name).interval == pytest.approx(bounds, abs=0.02)
    assert calibrate(scores, correct, None).correlation == Estimate(found.correlation.value)


def test_a_score_that_never_changes_tells_nothing():
    scores, correct = drawn(30)
    found = calibrate(np.full_like(scores, 0.1), correct)
    assert found.correlation == Estimate(None) and found.auc.value == 0.5
    found = calibrate(scores, np.ones_like(scores))
    assert found.correlation == Estimate(None) and found.auc == Estimate(None)


def test_nobody_scored_is_nothing():
    nothing = np.full((4, 16), np.nan)
    assert calibrate(nothing, np.ones((4, 16))) is None and calibrate(np.ones((4, 16)), nothing) is None
    assert calibration.fit_map(nothing, np.ones((4, 16))) is None
    assert np.isnan(cross_fit(nothing, np.ones((4, 16)))).all()


@pytest.mark.parametrize("seed", range(5))
def test_pooling_is_the_max_of_mins_of_means(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.random(25).round(1), rng.integers(1, 5, 25)

    def mean(first, last):
        return np.average(values[first : last + 1], weights=weights[first : last + 1])

    want = [max(min(mean(j, k) for k in range(i, 25)) for j in range(i + 1)) for i in range(25)]
    scores = np.repeat(np.linspace(0, 1, 25), weights * 10)[None]  # each value's share of its score's joints is correct
    places = np.concatenate([np.arange(10 * n) / n / 10 for n in weights]) + 1e-9
    knots, shares = calibration.fit_map(scores, (places < np.repeat(values, weights * 10))[None].astype(float))
    assert np.interp(np.linspace(0, 1, 25), knots, shares) == pytest.approx(want, abs=1e-12)
    assert set(knots) <= set(scores.ravel()) and len(knots) <= 2 * len(np.unique(np.round(want, 12)))


def test_cross_fitted_scores_do_not_see_their_own_people():
    scores, correct = drawn(2000, share=lambda score: 0.2 + 0.6 * score**2)
    before, after = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
    assert after.error.value < 0.03 < 0.1 < before.error.value
    assert after.joints == before.joints
    assert after.correlation.value == pytest.approx(before.correlation.value, abs=0.03)
    # What is correct of one person does not touch that person's own scores, only those of the other half.
    mapped = cross_fit(scores, correct)
    flipped = correct.copy()
    flipped[0] = 1 - flipped[0]
    changed = ~np.isclose(cross_fit(scores, flipped), mapped, equal_nan=True).all(axis=1)
    assert not changed[0] and changed.any()


def test_correct_joints_are_those_that_pckh_counts():
    pred, gt = noisy_people(40, std=12)
    joints, gt = gt.joints, GroundTruth(gt.joints, np.where(np.arange(40) < 3, np.nan, 30.0))
    for convention in ("official", "mmpose"):
        correct = calibration.correct_joints(pred, gt, convention)
        assert np.isnan(correct[:3]).all() and np.array_equal(np.isnan(correct[3:]), np.isnan(joints[3:, :, 0]))
        want = pckh(pred, gt, convention=convention)["pckh@0.5"].per_part
        assert 100 * np.nanmean(correct, axis=0) == pytest.approx([each.value for each in want.values()])


def test_ellipses_hold_what_they_should_of_normal_errors():
    """Sigma half as large as it should be is found; ellipses of each level then hold that share of the joints."""
    rng = np.random.default_rng(0)
    sigma, joints = rng.uniform(1, 9, (1500, 16, 2)), rng.uniform(0, 100, (1500, 16, 2))
    pred = joints + 2 * sigma * rng.standard_normal(joints.shape)
    joints[rng.random((1500, 16)) < 0.1] = np.nan
    squared = calibration.squared_distances(pred, joints, sigma)
    assert np.isnan(squared).sum() == np.isnan(joints[..., 0]).sum()
    assert calibration.fit_spread(squared) == pytest.approx(2, rel=0.02)
    for share, level in zip(calibration.coverage(calibration.cross_spread(squared)), LEVELS, strict=True):
        assert share.value == pytest.approx(level, abs=0.01) and share.low < level < share.high
    assert [share.value for share in calibration.coverage(squared, None)] < [0.25] * 4
    assert calibration.fit_spread(np.full((3, 2), np.nan)) == 1.0


def test_the_spread_of_a_half_comes_from_the_other():
    squared = np.ones((40, 2))
    first, second = calibration.draw_halves(40)
    squared[first] = 4
    ratio = calibration.cross_spread(squared)
    np.testing.assert_allclose(ratio[first] / ratio[second], 16)
    assert first.sum() == second.sum() == 20 and (first ^ second).all()
