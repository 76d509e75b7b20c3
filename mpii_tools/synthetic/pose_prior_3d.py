"""The 3D pose prior of the synthetic people: a mixture of Gaussians over the directions of the body vectors.

A pose is 13 vectors, as in `pose_prior`: the pelvis is midway between the hips and the thorax midway between the
shoulders, so that a person's 15 bones keep their lengths in every pose. The prior holds directions alone, in the body's
own frame: x to its left, y up, z to where the chest looks. Each of Human3.6M's 15 actions is a set of weights of the
components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mpii_tools.synthetic.pose_prior import VECTORS

FILE = Path(__file__).with_suffix(".npz")  # written by tests/mpii_tools/synthetic/fit_pose_prior_3d.py
# Stds of a component. Cut there, drawn poses have 3.2 % illegal joint angles (Akhter and Black's limits) where the real
# ones have 3.1 %, and nearly their stds; uncut, they have 4.3 %.
FARTHEST = 1.5
NUMBERS = 3 * len(VECTORS)


@dataclass(frozen=True)
class PosePrior3D:
    """M components over 13 directions, flattened to 39 numbers, and what A actions take of them.

    Attributes:
        actions: (A,) names.
        weights: (A, M) of the components in each action; rows sum to 1.
        overall: (M,) their weights in all poses of the fit, those of no action included.
        means: (M, 39).
        roots: (M, 39, 39) lower triangular, a component's covariance is `root @ root.T`.
        lengths: (13,) mm, of the vectors of the common person: the mean of the two skeletons of the fit.
    """

    actions: tuple[str, ...]
    weights: np.ndarray
    overall: np.ndarray
    means: np.ndarray
    roots: np.ndarray
    lengths: np.ndarray

    def of_action(self, action: str) -> np.ndarray:
        """(M,) the weights of an action, '' for all poses."""
        return self.weights[self.actions.index(action)] if action else self.overall

    def directions(self, component: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Poses of given components.

        Args:
            component: (N,) which.
            noise: (N, 39) standard normal numbers, cut at FARTHEST.

        Returns:
            (N, 13, 3) unit vectors in the body's frame.
        """
        noise = np.clip(noise, -FARTHEST, FARTHEST)
        vectors = self.means[component] + np.einsum("nij,nj->ni", self.roots[component], noise)
        return unit(vectors.reshape(-1, len(VECTORS), 3))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., D) of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@cache
def load_prior_3d(path: Path = FILE) -> PosePrior3D:
    """A prior from its .npz; the default was fitted on 6,813 poses of Human3.6M and 1,793 of CMU's motion capture."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays = {name: value if value.dtype.kind == "U" else value.astype(np.float64) for name, value in arrays.items()}
    roots = np.zeros((len(arrays["means"]), NUMBERS, NUMBERS))
    roots[(slice(None), *np.tril_indices(NUMBERS))] = arrays.pop("lower")
    return PosePrior3D(actions=tuple(arrays.pop("actions").tolist()), roots=roots, **arrays)


def sample_directions(
    rng: np.random.Generator, count: int, action: str = "", prior: PosePrior3D | None = None
) -> np.ndarray:
    """(count, 13, 3) unit body vectors of independent poses of an action, '' for any pose at all.

    `prior` defaults to the fitted one.
    """
    prior = prior or load_prior_3d()
    weights = prior.of_action(action)
    component = rng.choice(len(weights), size=count, p=weights)
    return prior.directions(component, rng.standard_normal((count, NUMBERS)))
