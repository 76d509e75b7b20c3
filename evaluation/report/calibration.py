"""Whether the joints' scores know which joints are correct.

Reliability and the expected calibration error are those of Guo et al., ICML 2017, over ten bins of equal width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.conventions import PCKH, Convention, Measure, get_convention
from evaluation.metrics.ground_truth import GroundTruth, ratio
from evaluation.metrics.json_format import to_json
from evaluation.metrics.pckh import person_counts
from evaluation.report import plots
from evaluation.report.material import Run, View
from evaluation.report.page import Section
from evaluation.report.tables import Cell, Row, Table, cell, file_name, readable

BINS = 10


@dataclass(frozen=True)
class ScoreBin:
    """The joints whose scores fall in one tenth of 0..1: how many, their mean `score`, and the share `correct`."""

    joints: int
    score: float
    correct: Estimate


@dataclass(frozen=True)
class Calibration:
    """How scores of joints and correctness go together; CIs over people.

    Attributes:
        joints: joints that have a score and a correctness.
        score: their mean score.
        correct: the share of them that is correct.
        correlation: Pearson's r of score and correctness; None if either is the same everywhere.
        auc: the chance that a correct joint's score is above that of a wrong one, a tie counting half; no CI; None
            without both.
        error: expected calibration error, the mean over joints of |mean score - share correct| of their bin.
        bins: those that hold joints, by score.
    """

    joints: int
    score: Estimate
    correct: Estimate
    correlation: Estimate
    auc: Estimate
    error: Estimate
    bins: tuple[ScoreBin, ...]


def correct_joints(
    pred: np.ndarray, gt: GroundTruth, threshold: float | None = None, convention: str | Convention = "official"
) -> np.ndarray:
    """(N, K) 1 if a joint is within `threshold` head sizes of the ground truth, 0 if not, NaN if PCKh leaves it out.

    The unit is that of the ground truth's measure, and so is the threshold if it is None: 0.5 for PCKh.

    What is given and raised: see `pckh`.
    """
    threshold = gt.measure.main if threshold is None else threshold
    correct, scored = person_counts(pred, gt, (threshold,), get_convention(convention))
    return np.where(scored, correct[:, 0], np.nan)


def calibrate(
    scores: np.ndarray, correct: np.ndarray, bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP
) -> Calibration | None:
    """How scores and correctness go together; None if no joint has both.

    Args:
        scores: (N, K) in 0..1; NaN where there is none.
        correct: (N, K) 1 for a correct joint, 0 for a wrong one, NaN for one that does not count.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.
    """
    counted = np.isfinite(scores) & np.isfinite(correct)
    if not counted.any():
        return None
    score, hit = np.where(counted, scores, 0), np.where(counted, correct, 0)
    place = np.minimum((score * BINS).astype(int), BINS - 1)
    member = (counted[..., None] & (place[..., None] == np.arange(BINS))).astype(np.float64)
    # Centered, so that the sums of squares keep their digits.
    u = np.where(counted, scores - score.sum() / counted.sum(), 0)
    v = np.where(counted, correct - hit.sum() / counted.sum(), 0)
    terms = {
        "joints": member.sum(axis=1),
        "score": np.einsum("nk,nkb->nb", score, member),
        "correct": np.einsum("nk,nkb->nb", hit, member),
        "moments": np.stack([u, v, u * u, v * v, u * v], axis=-1).sum(axis=1),
    }
    sums = totals(terms, bootstrap)
    joints, by_score, by_hit = sums["joints"], sums["score"], sums["correct"]
    count = joints.sum(axis=1)
    means = [ratio(each.sum(axis=1), count) for each in (by_score, by_hit, np.abs(by_score - by_hit))]
    score, correct_share, error = (estimates(mean).item() for mean in means)
    correlation, auc = estimates(_correlation(sums["moments"], count)).item(), _auc(scores[counted], correct[counted])
    filled = np.flatnonzero(joints[0])
    columns = joints[0].astype(int), by_score[0] / np.maximum(joints[0], 1), estimates(ratio(by_hit, joints))
    bins = tuple(map(ScoreBin, *(column[filled].tolist() for column in columns)))
    return Calibration(int(counted.sum()), score, correct_share, correlation, Estimate(auc), error, bins)


def fit_map(scores: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The map from score to share correct of least squared error among those that never fall: isotonic regression.

    Args:
        scores, correct: see `calibrate`.

    Returns:
        Two arrays (M,) for `numpy.interp`: M different scores, ascending, and the share that each becomes; None if no
        joint has both.
    """
    from scipy.optimize import isotonic_regression  # the other metrics need numpy alone

    counted = np.isfinite(scores) & np.isfinite(correct)
    if not counted.any():
        return None
    values, place, count = np.unique(scores[counted], return_inverse=True, return_counts=True)
    return values, isotonic_regression(np.bincount(place, correct[counted]) / count, weights=count).x


def cross_fit(scores: np.ndarray, correct: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, K) scores mapped to shares correct, each half of the people by the map fitted on the other half.

    A person's own joints are not in the map applied to them, so `calibrate` of the result is what new people would
    give. NaN where there was no score, or where the other half has none to fit on.

    Args:
        scores, correct: see `calibrate`.
        seed: of the halves.
    """
    first = np.random.default_rng(seed).permutation(len(scores)) < len(scores) / 2
    mapped = np.full(scores.shape, np.nan)
    for half in (first, ~first):
        fitted = fit_map(scores[~half], correct[~half])
        if fitted is not None:
            mapped[half] = np.interp(scores[half], *fitted)  # NaN stays NaN
    return mapped


def _correlation(moments: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(S,) Pearson's r from sums (S, 5) of u, v, uu, vv and uv over (S,) joints; NaN if u or v does not vary."""
    u, v, uu, vv, uv = moments.T
    n = np.maximum(count, 1)
    varied = np.maximum(uu - u * u / n, 0) * np.maximum(vv - v * v / n, 0)
    return ratio(uv - u * v / n, np.where(varied > 1e-18 * n * n, np.sqrt(varied), 0))


def _auc(scores: np.ndarray, correct: np.ndarray) -> float | None:
    """Area under the ROC curve of (n,) scores by Mann and Whitney's ranks, ties at their mean rank."""
    right = correct > 0
    pairs = int(right.sum()) * int((~right).sum())
    if not pairs:
        return None
    from scipy.stats import rankdata

    return float((rankdata(scores)[right].sum() - right.sum() * (right.sum() + 1) / 2) / pairs)


Calibrations = dict[str, Calibration]  # "as_predicted", and "calibrated" by the other half of the people


def measure(runs: Sequence[Run], view: View) -> dict[str, Calibrations]:
    """Run -> its last stage's scores against correctness; runs in which no annotated joint has both are left out."""
    results = {}
    for run in (run for run in runs if run.last in run.scores):
        gt, (pose,) = view(2, run.poses[run.last])
        scores, correct = run.scores[run.last], correct_joints(pose, gt, convention=run.convention)
        before, after = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
        if before and after:
            results[run.name] = {"as_predicted": before, "calibrated": after}
    return results


def make_section(results: dict[str, Calibrations], unit: Measure = PCKH) -> Section | None:
    """A row per run and kind of score, and a plot per run; None without results.

    Args:
        results: run -> what `measure` returns.
        unit: of what is correct.
    """
    if not results:
        return None
    text = (
        "A joint's score, from 0 to 1, says how sure the network is of it; a joint is correct within "
        f"{unit.main:g} {unit.unit} of the ground truth, as in {unit.title}. Calibrated scores are the "
        "predicted ones through a map that never falls, fitted to the share correct: for each half of the people on "
        "the other half, so that nobody's own joints are in it."
    )

    def row(name: str, each: Calibration) -> Row:
        values = (each.score, each.correct, each.correlation, each.auc, each.error)
        return name, Cell(each.joints, digits=0), *(cell(value, digits=3) for value in values)

    named = {run: {readable(name): each for name, each in both.items()} for run, both in results.items()}
    table = Table(
        title="Scores of joints and their correctness",
        head=("", "Joints", "Mean score", "Share correct", "Correlation", "AUC", "Calibration error"),
        rows=tuple(row(f"{run}, {name}", each) for run, both in named.items() for name, each in both.items()),
        note="Correlation: Pearson's r of score and correctness. AUC: the chance that a correct joint's score is above "
        "that of a wrong one. Calibration error: the mean distance of score and share correct over ten bins.",
    )
    caption = "Share correct over the mean score, in tenths of the score; on the diagonal scores mean what they say."
    figures = {
        f"reliability-{file_name(run)}": (f"{run}: {caption}", reliability_plot(both, f"{run}: reliability of scores"))
        for run, both in named.items()
    }
    return Section("Scores", (text,), {"scores": table}, figures, facts={"scores": to_json(results)})


def reliability_plot(results: Mapping[str, Calibration], title: str) -> plots.Figure:
    """The share of correct joints over their mean score, bin by bin, with its confidence interval.

    On the dashed diagonal a score of 0.7 means that 70 % of such joints are correct. A marker's area grows with the
    joints in its bin.

    Args:
        results: name ('as predicted', 'calibrated') -> what `calibrate` returns.
        title: above the plot.
    """
    figure, axes = plots.make_axes(title, 4.6)
    axes.plot((0, 1), (0, 1), color="#777777", linestyle="--", linewidth=1, zorder=1)
    for index, (name, each) in enumerate(results.items()):
        color, place = plots.COLORS[index % len(plots.COLORS)], [one.score for one in each.bins]
        value, reach = plots.split_estimates(one.correct for one in each.bins)
        if reach is not None:
            axes.errorbar(place, value, yerr=reach, fmt="none", ecolor=color, elinewidth=1, capsize=2)
        area = [12 + 150 * one.joints / each.joints for one in each.bins]
        marker = plots.MARKERS[index % len(plots.MARKERS)]
        axes.scatter(place, value, area, color=color, marker=marker, label=name, zorder=2)
    axes.set(xlabel="mean score of the joints", ylabel="share of them correct", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    plots.add_legend(figure, len(results))
    return figure
