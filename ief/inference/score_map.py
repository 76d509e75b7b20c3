"""What a stage's scores mean: the share of joints with such a score that are right, and which are not worth drawing."""

import json
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from checkpoints import PoseError, read_text, write_text
from evaluation.metrics.calibration import cross_fit, fit_map

FILE = "scores.json"  # in a run's folder
WRONG = 0.8  # at least so many of the joints below the threshold are wrong
STEP = 0.05  # of the threshold


@dataclass(frozen=True)
class ScoreMap:
    """A map from raw scores to the share right of such joints, which never falls (isotonic regression).

    Attributes:
        raw, right: knots of it, ascending.
        min_score: joints below it are not drawn: of the validation people's, four in five of those are wrong.
        people: how many it was fitted on.
        measure: what right means: `PCKh@0.5`.
        spread: what sigma is multiplied by so that it is the standard deviation of a joint's x and y
            (`evaluation.metrics.calibration.fit_spread`).
    """

    raw: tuple[float, ...]
    right: tuple[float, ...]
    min_score: float
    people: int
    measure: str
    spread: float = 1.0

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Raw scores of any shape as shares right in 0..1; NaN stays NaN."""
        return np.interp(scores, self.raw, self.right)

    @classmethod
    def fit(cls, scores: np.ndarray, correct: np.ndarray, measure: str, spread: float = 1.0) -> "ScoreMap | None":
        """The map of some people's raw scores (N, K); None if no joint has a score and a correctness.

        Args:
            correct: (N, K) 1 for a joint that is right, 0 for one that is wrong, NaN for one that does not count.
            measure, spread: of the map.
        """
        fitted = fit_map(scores, correct)
        if fitted is None:
            return None
        held_out, (raw, right) = cross_fit(scores, correct), (tuple(values.tolist()) for values in fitted)
        wrong = [share_right(held_out < threshold, correct) <= 1 - WRONG for threshold in np.arange(STEP, 1, STEP)]
        least = round(STEP * sum(takewhile(bool, wrong)), 2)
        return cls(raw, right, least, len(scores), measure, spread)

    def save(self, run: Path) -> Path:
        """Write `RUN/scores.json`. Raises PoseError when the disk refuses."""
        return write_text(run / FILE, json.dumps(asdict(self)))

    @classmethod
    def load(cls, run: Path) -> "ScoreMap | None":
        """That of a run's folder; None where it has none. Raises PoseError if it is corrupt."""
        try:
            return cls.from_text(read_text(run / FILE))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise PoseError(f"{run / FILE}: corrupt ({error}); copy it again, or remove it for raw scores") from error

    @classmethod
    def from_text(cls, text: str) -> "ScoreMap":
        """From the JSON that `save` writes. Raises ValueError or TypeError for another text."""
        score_map = cls(**json.loads(text))
        if not (len(score_map.raw) == len(score_map.right) > 0 and np.isfinite([score_map.raw, score_map.right]).all()
                and 0 < score_map.spread < np.inf):  # fmt: skip
            raise ValueError("knots that do not go together, or a spread of none")
        return score_map


def share_right(chosen: np.ndarray, correct: np.ndarray) -> float:
    """The share right of the chosen joints (N, K) bool that count; 0 where none does."""
    counted = correct[chosen & np.isfinite(correct)]
    return float(counted.mean()) if counted.size else 0.0
