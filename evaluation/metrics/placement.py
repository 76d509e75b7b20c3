"""Where the body is, and how it is built: the joint error, split by one shift per person.

The compositional loss asks for relative positions, PCKh and joint error for absolute ones. A pose that is right but
for a shift has an offset alone, one in the right place but with wrong limbs a shape error alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Bootstrap, Estimate
from evaluation.metrics.ground_truth import GroundTruth, ratio
from evaluation.metrics.seeds import mean_over_seeds


class Placement(NamedTuple):
    """Both parts in image pixels, means over the annotated joints of all people; or differences of two of them.

    Attributes:
        offset: distance between the mean of a person's predicted joints and that of the true ones.
        shape: distance of the joints once that shift is taken back.
    """

    offset: Estimate
    shape: Estimate


def placement(
    gt: GroundTruth,
    predictions: Sequence[ArrayLike],
    references: Sequence[ArrayLike] = (),
    bootstrap: Bootstrap | None = DEFAULT_BOOTSTRAP,
) -> Placement:
    """The mean over several trainings' predictions, minus that of the references' if there are any.

    Args:
        gt: of the same people in all of them; people without an annotated joint do not count.
        predictions, references: one or more sets, each (N, K, D) in image pixels.
        bootstrap: how to draw 95 % confidence intervals over people; None: without.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite predicted position.
    """
    count = gt.annotated.sum(axis=1)

    def sums(pred: ArrayLike) -> np.ndarray:
        """(N, 2) over a person's annotated joints: of the offset, and of what is left without it."""
        error = gt.check(pred) - gt.known
        shift = ratio(np.nansum(error, axis=1), np.maximum(count, 1)[:, None])
        left = np.nansum(np.linalg.norm(error - shift[:, None], axis=-1), axis=1)
        return np.stack([np.linalg.norm(shift, axis=-1) * count, left], axis=1)

    counts = np.repeat(count[:, None], 2, axis=1)
    return Placement(*mean_over_seeds(sums, counts, predictions, references, bootstrap))
