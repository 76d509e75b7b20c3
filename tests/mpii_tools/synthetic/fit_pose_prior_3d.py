"""Fits the 3D pose prior of the synthetic people, the numbers in `mpii_tools/synthetic/pose_prior_3d.npz`.

    python tests/mpii_tools/synthetic/fit_pose_prior_3d.py ../shared/threed/poses pose_prior_3d.npz

The folder holds `h36m_every64.npz` and `cmu_quarter_second.npz`: poses in mm, y up.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from fit_pose_prior import explain

from heads.skeleton import MPII
from mpii_tools.annotations.human36m import protocols
from mpii_tools.formats.arrays import save_arrays
from mpii_tools.synthetic.pose_prior import MIRRORED, NUMBERS, VECTORS, mirror, unit, vectors_from_joints

# Human3.6M's 32 joints -> MPII's; the thorax, midway between the shoulders (17 and 25), is filled in.
JOINTS_OF_32 = [3, 2, 1, 6, 7, 8, 0, 0, 13, 15, 27, 26, 25, 17, 18, 19]
# Human3.6M's own names, those of its files, of the actions in `h36m_every64.npz`.
OTHERS = {"Photo": "takingphoto", "WalkDog": "walkingdog", "WalkTogether": "walkingtogether"}
ACTIONS = {OTHERS.get(name, name.lower()): name for name in protocols.ACTIONS}
SHRINKAGE = 40.0  # poses' worth of the mean covariance in each component's
LEAST_STD = 0.01
LEAST_WEIGHT = 0.004  # of a component in an action


def read_human36m(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16, 3) joints of Human3.6M's poses in mm, and (N,) the actions."""
    with np.load(folder / "h36m_every64.npz", allow_pickle=False) as stored:
        joints, actions = stored["joints"].astype(np.float64)[:, JOINTS_OF_32], stored["action"]
    joints[:, MPII.index("thorax")] = joints[:, [MPII.index("r_shoulder"), MPII.index("l_shoulder")]].mean(axis=1)
    return joints, actions


def read_cmu(folder: Path) -> np.ndarray:
    """(N, 16, 3) joints of CMU's poses in mm."""
    with np.load(folder / "cmu_quarter_second.npz", allow_pickle=False) as stored:
        return stored["joints"].astype(np.float64)


def in_body_frame(vectors: np.ndarray) -> np.ndarray:
    """(N, 13, 3) body vectors, y up, turned about the vertical until hips and shoulders point along x."""
    left = vectors[:, VECTORS.index("hips")] + vectors[:, VECTORS.index("shoulders")]
    x = unit(left * [1, 0, 1])
    z = np.stack([-x[:, 2], np.zeros(len(x)), x[:, 0]], axis=-1)
    frame = np.stack([x, np.broadcast_to([0.0, 1.0, 0.0], x.shape), z], axis=1)
    return np.einsum("nij,nvj->nvi", frame, vectors)


def fit_mixture(
    rows: np.ndarray, components: int, rounds: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (M,), means (M, D) and covariances (M, D, D) of a mixture on rows (N, D), by expectation maximization."""
    rng = np.random.default_rng(seed)
    means = rows[rng.choice(len(rows), components, replace=False)]
    covariances = np.tile(np.cov(rows.T) / 4, (components, 1, 1))
    weights = np.full(components, 1 / components)
    for _ in range(rounds):
        shares = explain(rows[:, None], weights, means, covariances)[:, 0]
        totals = shares.sum(axis=0) + 1e-9
        weights, means = totals / totals.sum(), shares.T @ rows / totals[:, None]
        scatter = np.stack(
            [(rows - mean).T * share @ (rows - mean) for mean, share in zip(means, shares.T, strict=True)]
        )
        pooled = scatter.sum(axis=0) / len(rows)
        covariances = (scatter + SHRINKAGE * pooled) / (totals + SHRINKAGE)[:, None, None]
        covariances += LEAST_STD**2 * np.eye(rows.shape[1])
    return weights, means, covariances


def fit_prior(folder: Path, components: int = 48, rounds: int = 50) -> dict[str, np.ndarray]:
    """The arrays of `pose_prior_3d.npz` from the poses of a folder; each counts as itself and as its mirror image."""
    human36m, actions = read_human36m(folder)
    both = [vectors_from_joints(human36m), vectors_from_joints(read_cmu(folder))]
    lengths = np.mean([np.linalg.norm(vectors, axis=-1).mean(axis=0) for vectors in both], axis=0)
    everybody = in_body_frame(np.concatenate(both))
    rows = unit(np.concatenate([everybody, mirror(everybody)])).reshape(-1, NUMBERS)
    overall, means, covariances = fit_mixture(rows, components, rounds)

    shares = explain(rows[:, None], overall, means, covariances).reshape(2, len(everybody), components)
    shares = shares.sum(axis=0)[: len(actions)]
    by_action = np.stack([shares[actions == action].mean(axis=0) for action in ACTIONS])
    by_action /= by_action.sum(axis=1, keepdims=True)
    by_action *= by_action >= LEAST_WEIGHT
    lower = np.linalg.cholesky(covariances)[(slice(None), *np.tril_indices(NUMBERS))]
    return {
        "actions": np.array(list(ACTIONS.values())),
        "weights": by_action / by_action.sum(axis=1, keepdims=True),
        "overall": overall,
        "means": means.astype(np.float16),
        "lower": lower.astype(np.float16),
        "lengths": np.rint(0.5 * (lengths + lengths[MIRRORED])),
    }


if __name__ == "__main__":
    source, target = sys.argv[1:]
    save_arrays(target, fit_prior(Path(source)))
