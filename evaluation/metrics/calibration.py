"""Whether the joints' scores know which joints are correct, and the map from scores to the share correct.

Reliability and the expected calibration error are those of Guo et al., ICML 2017, over ten bins of equal width.
"""

from dataclasses import dataclass

import numpy as np

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate, estimates, totals
from evaluation.metrics.conventions import Convention, get_convention
from evaluation.metrics.ground_truth import GroundTruth, ratio
from evaluation.metrics.pckh import measure_distances

BINS = 10
LEVELS = (0.5, 0.8, 0.9, 0.95)  # of ellipses whose coverage is told


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


def correct_joints(pred: np.ndarray, gt: GroundTruth, convention: str | Convention = "official") -> np.ndarray:
    """(N, K) 1 if a joint is within the main threshold of the measure of the ground truth, 0 if not, NaN if PCKh leaves
    it out.

    What is given and raised: see `pckh`.
    """
    distances = measure_distances(pred, gt)
    return np.where(np.isnan(distances), np.nan, get_convention(convention).correct(distances, gt.measure.main))


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
    summed = (each.sum(axis=1) for each in (by_score, by_hit, np.abs(by_score - by_hit)))
    score, correct_share, error = (estimates(ratio(each, count)).item() for each in summed)
    # Pearson's r; NaN if u or v does not vary.
    u, v, uu, vv, uv = sums["moments"].T
    n = np.maximum(count, 1)
    varied = np.maximum(uu - u * u / n, 0) * np.maximum(vv - v * v / n, 0)
    correlation = ratio(uv - u * v / n, np.where(varied > 1e-18 * n * n, np.sqrt(varied), 0))
    filled = np.flatnonzero(joints[0])
    columns = joints[0].astype(int), by_score[0] / np.maximum(joints[0], 1), estimates(ratio(by_hit, joints))
    bins = tuple(map(ScoreBin, *(column[filled].tolist() for column in columns)))
    auc = Estimate(_auc(scores[counted], correct[counted]))
    return Calibration(int(counted.sum()), score, correct_share, estimates(correlation).item(), auc, error, bins)


def fit_map(scores: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The map from score to share correct of least squared error among those that never fall: isotonic regression.

    Args:
        scores, correct: see `calibrate`.

    Returns:
        Two arrays (M,) for `numpy.interp`: the scores at which the map's plateaus begin and end, ascending, and the
        share there; None if no joint has both.
    """
    from scipy.optimize import isotonic_regression  # the other metrics need numpy alone

    counted = np.isfinite(scores) & np.isfinite(correct)
    if not counted.any():
        return None
    values, place, count = np.unique(scores[counted], return_inverse=True, return_counts=True)
    right = isotonic_regression(np.bincount(place, correct[counted]) / count, weights=count).x
    same = np.diff(right, prepend=np.nan) == 0
    ends = ~(same & np.append(same[1:], False))  # of its plateaus: between them the map is a line
    return values[ends], right[ends]


def cross_fit(scores: np.ndarray, correct: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, K) scores mapped to shares correct, each half of the people by the map fitted on the other half.

    A person's own joints are not in the map applied to them, so `calibrate` of the result is what new people would
    give. NaN where there was no score, or where the other half has none to fit on.

    Args:
        scores, correct: see `calibrate`.
        seed: of the halves.
    """
    mapped = np.full(scores.shape, np.nan)
    for half in draw_halves(len(scores), seed):
        if fitted := fit_map(scores[~half], correct[~half]):
            mapped[half] = np.interp(scores[half], *fitted)  # NaN stays NaN
    return mapped


def draw_halves(people: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two masks (N,) of the people, each of one half."""
    first = np.random.default_rng(seed).permutation(people) < people / 2
    return first, ~first


def squared_distances(pred: np.ndarray, joints: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """(N, K) squared errors in units of sigma, x and y summed (Mahalanobis); chi-square of 2 if errors are normal.

    Args:
        pred, joints: (N, K, 2 or more) x, y predicted and true. sigma: (N, K, 2) standard deviations, in their unit.
    """
    return np.square((pred - joints)[..., :2] / sigma).sum(axis=-1)


def fit_spread(squared: np.ndarray) -> float:
    """What sigma has to be multiplied by so that nine of ten joints lie in their ellipses of 90 %, which are drawn.

    Args:
        squared: (N, K) of `squared_distances`; NaN for a joint that does not count. 1.0 if none does.
    """
    return float(np.sqrt(np.nanquantile(squared, 0.9) / _radius(0.9))) if np.isfinite(squared).any() else 1.0


def cross_spread(squared: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, K) squared distances in units of sigma spread, each half of the people as the other half needs it."""
    spread = np.empty_like(squared)
    for half in draw_halves(len(squared), seed):
        spread[half] = squared[half] / fit_spread(squared[~half]) ** 2
    return spread


def coverage(squared: np.ndarray, bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP) -> list[Estimate]:
    """The share of joints inside their ellipses of each of LEVELS; CIs over people.

    Args:
        squared: (N, K) of `squared_distances`; NaN for a joint that does not count.
    """
    inside = squared[..., None] <= _radius(np.array(LEVELS))  # False for NaN
    sums = totals({"inside": inside.sum(axis=1), "joints": np.isfinite(squared).sum(axis=1)[:, None]}, bootstrap)
    return estimates(ratio(sums["inside"], sums["joints"])).tolist()


def _radius(level: float | np.ndarray) -> float | np.ndarray:
    """The square of an ellipse's radius in standard deviations: chi-square's quantile, two degrees of freedom."""
    return -2 * np.log1p(-level)


def _auc(scores: np.ndarray, correct: np.ndarray) -> float | None:
    """Area under the ROC curve of (n,) scores: Mann and Whitney's U over the number of pairs, ties counting half."""
    from scipy.stats import mannwhitneyu

    right, wrong = scores[correct > 0], scores[correct == 0]
    if not len(right) * len(wrong):
        return None
    return float(mannwhitneyu(right, wrong, method="asymptotic").statistic / (len(right) * len(wrong)))
