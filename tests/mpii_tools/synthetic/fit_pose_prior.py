"""Fits the pose prior of the synthetic people, the numbers in `mpii_tools/synthetic/pose_prior.npz`.

    python tests/mpii_tools/synthetic/fit_pose_prior.py train_poses.csv pose_prior.npz

The CSV has a line `image,x0,y0,...,x15,y15` per fully annotated person, in MPII's joint order.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from heads.skeleton import MPII
from mpii_tools.formats.arrays import save_arrays
from mpii_tools.synthetic.pose_prior import HEAD_LENGTH, VECTORS, mirror, vectors_from_joints


def read_poses_csv(path: Path) -> np.ndarray:
    """(N, 16, 2) poses of the CSV. Raises ValueError for a file of another format."""
    rows = np.loadtxt(path, delimiter=",", usecols=range(1, 33))
    if rows.ndim != 2 or not len(rows) or not np.isfinite(rows).all():
        raise ValueError(f"{path}: expected lines of an image name and 32 numbers")
    return rows.reshape(-1, len(MPII), 2)


def fit_prior(poses: np.ndarray, components: int = 24, rounds: int = 60, seed: int = 0) -> dict[str, np.ndarray]:
    """Fit the prior on fully annotated image poses (N, 16, 2), 0- or 1-based pixels, by expectation maximization.

    Every pose counts as itself and as its mirror image, in the shares in which the mixture explains the two.
    Poses with a vector beyond the 99.9th percentile of its length are left out: most have a wrong head.
    """
    vectors = vectors_from_joints(poses)
    vectors *= HEAD_LENGTH / np.linalg.norm(vectors[:, VECTORS.index("head")], axis=-1)[:, None, None]
    lengths = np.linalg.norm(vectors, axis=-1)
    vectors = vectors[(lengths <= np.quantile(lengths, 0.999, axis=0)).all(axis=1)]
    lengths = np.linalg.norm(vectors, axis=-1)
    both = np.stack([vectors, mirror(vectors)], axis=1).reshape(len(vectors), 2, -1)

    people, _, numbers = both.shape
    rng = np.random.default_rng(seed)
    means = both[rng.choice(people, components, replace=False), 0]
    covariances = np.tile(np.cov(both[:, 0].T) / 3, (components, 1, 1))
    weights = np.full(components, 1 / components)
    for _ in range(rounds):
        shares = explain(both, weights, means, covariances)
        totals = shares.sum(axis=(0, 1))
        weights = totals / people
        means = np.einsum("nvm,nvd->md", shares, both) / totals[:, None]
        for m in range(components):
            offset = (both - means[m]).reshape(-1, numbers)
            covariances[m] = (offset * shares[..., m].reshape(-1, 1)).T @ offset / totals[m]
        stds = np.sqrt(np.einsum("mii->mi", covariances) + 1.0)  # + 1: no std below a unit
        outer = stds[:, :, None] * stds[:, None, :]
        correlation = np.einsum("m,mij->ij", weights, covariances / outer)
        np.fill_diagonal(correlation, 1.0)
        covariances = correlation * outer
    limits = np.quantile(lengths, [0.001, 0.999], axis=0)
    limits[:, VECTORS.index("head")] *= 0.5, 1.5  # all heads have one length; drawn ones are rescaled to it
    return {
        "weights": weights, "means": means, "stds": stds, "correlation": correlation, "shortest": limits[0],
        "longest": limits[1],
    }  # fmt: skip


def explain(both: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """(N, V, M) share of every component in the V forms (N, V, D) of a pose, itself and its mirror image or itself
    alone; sums to 1 for each pose."""
    log_share = np.empty((*both.shape[:2], len(weights)))
    for m, (weight, mean, covariance) in enumerate(zip(weights, means, covariances, strict=True)):
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (both - mean).reshape(-1, len(mean)).T)
        density = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(root)).sum()
        log_share[..., m] = np.log(weight + 1e-12) + density.reshape(both.shape[:2])
    shares = np.exp(log_share - log_share.max(axis=(1, 2), keepdims=True))
    return shares / shares.sum(axis=(1, 2), keepdims=True)


def round_prior(prior: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The prior in whole units, weights in per mille, correlations in per cent, the heaviest component first."""
    order = np.argsort(-prior["weights"])
    weights = np.rint(prior["weights"][order] * 1000)
    lower = np.rint(np.tril(prior["correlation"], -1) * 100) / 100
    # Rounding may leave a slightly negative eigenvalue: lift the small ones.
    values, axes = np.linalg.eigh(lower + lower.T + np.eye(len(lower)))
    return {
        "weights": weights / weights.sum(),
        "means": np.rint(prior["means"][order]),
        "stds": np.rint(prior["stds"][order]),
        "correlation": axes * np.maximum(values, 0.01) @ axes.T,
        "shortest": np.rint(prior["shortest"]),
        "longest": np.rint(prior["longest"]),
    }


if __name__ == "__main__":
    source, target = sys.argv[1:]
    save_arrays(target, round_prior(fit_prior(read_poses_csv(Path(source)))))
