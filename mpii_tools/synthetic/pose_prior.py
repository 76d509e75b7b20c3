"""The pose prior of the synthetic people: a mixture of Gaussians over body vectors, fitted on real MPII poses.

All lengths are in units of MPII's scale (a standing person is about 200 of them tall); x runs right, y down.
A pose is 13 vectors instead of 16 joints, because MPII's pelvis and thorax lie midway between the hips and
between the shoulders. Every component has its own mean and spread; all share one correlation matrix. Half of the
samples are mirrored, with left and right exchanged, as people are.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII

HEAD_LENGTH = 100.0 / 3.0  # |head_top - upper_neck| in units of scale, MPII's own rule
CENTER_SPREAD = (8.5, 8.7)  # of objpos about the mean joint, x and y; Tompson's fully annotated people

VECTORS = (
    "hips",  # pelvis -> l_hip; its opposite leads to r_hip
    "spine",
    "neck",
    "head",
    "shoulders",  # thorax -> l_shoulder; its opposite leads to r_shoulder
    "r_thigh",
    "r_shin",
    "l_thigh",
    "l_shin",
    "r_arm",
    "r_forearm",
    "l_arm",
    "l_forearm",
)
# joint: (the joint it hangs on, the vector between them, its sign)
CHAIN = {
    "l_hip": ("pelvis", "hips", 1),
    "r_hip": ("pelvis", "hips", -1),
    "thorax": ("pelvis", "spine", 1),
    "upper_neck": ("thorax", "neck", 1),
    "head_top": ("upper_neck", "head", 1),
    "l_shoulder": ("thorax", "shoulders", 1),
    "r_shoulder": ("thorax", "shoulders", -1),
    "r_knee": ("r_hip", "r_thigh", 1),
    "r_ankle": ("r_knee", "r_shin", 1),
    "l_knee": ("l_hip", "l_thigh", 1),
    "l_ankle": ("l_knee", "l_shin", 1),
    "r_elbow": ("r_shoulder", "r_arm", 1),
    "r_wrist": ("r_elbow", "r_forearm", 1),
    "l_elbow": ("l_shoulder", "l_arm", 1),
    "l_wrist": ("l_elbow", "l_forearm", 1),
}
# Full lengths of the vectors of a person of common size seen without foreshortening: the upper quartile of the
# real ones.
FULL_LENGTH = np.array([12.7, 63.5, 10.7, 33.3, 21.0, 51.9, 50.7, 51.9, 50.7, 35.7, 30.6, 35.7, 30.6])


def _vector_sums() -> np.ndarray:
    """(16, 13): which vectors add up to each joint's position relative to the pelvis."""
    sums = np.zeros((len(MPII), len(VECTORS)))
    for joint, (base, vector, sign) in CHAIN.items():
        sums[MPII.index(joint)] = sums[MPII.index(base)]
        sums[MPII.index(joint), VECTORS.index(vector)] += sign
    return sums


JOINTS_OF_VECTORS = _vector_sums()
VECTORS_OF_JOINTS = np.linalg.pinv(JOINTS_OF_VECTORS)


def joints_from_vectors(vectors: np.ndarray) -> np.ndarray:
    """(..., 13, 2) body vectors -> (..., 16, 2) joints with the pelvis at the origin."""
    return JOINTS_OF_VECTORS @ vectors


def vectors_from_joints(joints: np.ndarray) -> np.ndarray:
    """(..., 16, 2) joints -> (..., 13, 2) body vectors, by least squares where pelvis or thorax lie off-center."""
    pelvis = MPII.index("pelvis")
    return VECTORS_OF_JOINTS @ (joints - joints[..., pelvis : pelvis + 1, :])


def mirror(vectors: np.ndarray) -> np.ndarray:
    """The body vectors (..., 13, 2) of the mirrored person, left and right exchanged."""
    swap = [VECTORS.index(_other_side(name)) for name in VECTORS]
    signs = np.ones((len(VECTORS), 2)) * [-1, 1]
    signs[[VECTORS.index("hips"), VECTORS.index("shoulders")]] *= -1
    return vectors[..., swap, :] * signs


def _other_side(name: str) -> str:
    return {"r_": "l_", "l_": "r_"}.get(name[:2], name[:2]) + name[2:]


@dataclass(frozen=True)
class PosePrior:
    """M components over the 13 body vectors, flattened to 26 numbers; units of scale.

    Attributes:
        weights: (M,) sum to 1.
        means, spreads: (M, 26) mean and standard deviation of each component.
        correlation: (26, 26) shared by all components.
        shortest, longest: (13,) limits of the vectors' lengths; a sample outside is drawn again.
    """

    weights: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    correlation: np.ndarray
    shortest: np.ndarray
    longest: np.ndarray


def sample_poses(
    rng: np.random.Generator, count: int, prior: PosePrior | None = None, upright: bool = False
) -> np.ndarray:
    """(count, 16, 2) poses in units of scale about MPII's objpos at the origin; the head is 33.33 long.

    `prior` defaults to the one fitted on MPII that this module carries. `upright` keeps those that `is_upright`.
    """
    prior = prior or mpii_prior()
    root = np.linalg.cholesky(prior.correlation)
    accepted = np.empty((0, len(VECTORS), 2))
    while len(accepted) < count:
        draws = 2 * count
        component = rng.choice(len(prior.weights), size=draws, p=prior.weights)
        noise = rng.standard_normal((draws, len(root))) @ root.T
        vectors = prior.means[component] + prior.spreads[component] * noise
        vectors = vectors.reshape(draws, len(VECTORS), 2)
        flipped = rng.random(draws) < 0.5
        vectors[flipped] = mirror(vectors[flipped])
        fits = _within_limits(vectors, prior)
        if upright:
            fits &= is_upright(vectors)
        accepted = np.concatenate([accepted, vectors[fits]])
    vectors = accepted[:count]
    head = VECTORS.index("head")
    vectors[:, head] *= HEAD_LENGTH / np.linalg.norm(vectors[:, head], axis=-1, keepdims=True)
    joints = joints_from_vectors(vectors)
    objpos = joints.mean(axis=1) + rng.normal(scale=CENTER_SPREAD, size=(count, 2))
    return joints - objpos[:, None]


def is_upright(vectors: np.ndarray) -> np.ndarray:
    """(...) bool: which body vectors (..., 13, 2), units of scale, stand upright with the chest to the viewer.

    Trunk within 25 degrees of the vertical, head and legs within 45, no leg seen from its end; arms are free. About
    a third of the prior's poses.
    """
    part = dict(zip(VECTORS, np.moveaxis(vectors, -2, 0), strict=True))
    upright = _falls(-part["spine"] - part["neck"], 25) & _falls(-part["head"], 45)
    for name in ("r_thigh", "r_shin", "l_thigh", "l_shin"):
        upright &= _falls(part[name], 45) & (part[name][..., 1] > 20)
    return upright & (part["shoulders"][..., 0] > 6)


def _falls(vectors: np.ndarray, degrees: float) -> np.ndarray:
    """(...) bool: vectors (..., 2) within some degrees of straight down the image."""
    return vectors[..., 1] > np.cos(np.radians(degrees)) * np.linalg.norm(vectors, axis=-1)


def _within_limits(vectors: np.ndarray, prior: PosePrior) -> np.ndarray:
    """(N,) bool: every vector's length lies within the prior's limits."""
    lengths = np.linalg.norm(vectors, axis=-1)
    return ((lengths >= prior.shortest) & (lengths <= prior.longest)).all(axis=-1)


@dataclass(frozen=True)
class Posture:
    """What a pose says about the third dimension; enough to draw one person's parts in the right order.

    Attributes:
        depth: (16,) towards the viewer, units of scale, 0 at the pelvis.
        facing: (2,) unit vector: which way the chest looks, (towards the body's right-hand side of the picture,
            towards the viewer). (0, 1) is a frontal view, (0, -1) a back view.
        size: length of the person's bones relative to a person of common size.
    """

    depth: np.ndarray
    facing: np.ndarray
    size: float


def read_posture(pose: np.ndarray, rng: np.random.Generator) -> Posture:
    """Guess depth and facing of one pose (16, 2) from foreshortening and from how knees and elbows bend.

    A vector shorter than its full length points towards or away from the viewer by the rest. Which of the two is
    drawn by how bodies bend: trunk, thighs and arms mostly forward, shins backward. Seen from the side, the
    shoulders do not tell which way a person looks; the bend of knees, elbows and neck does.
    """
    vectors = vectors_from_joints(pose)
    lengths = np.linalg.norm(vectors, axis=-1)
    long_bones = [VECTORS.index(n) for n in VECTORS if n not in ("hips", "neck", "head", "shoulders")]
    size = float(np.clip(np.quantile((lengths / FULL_LENGTH)[long_bones], 0.75), 0.75, 1.4))
    part = dict(zip(VECTORS, vectors, strict=True))

    trunk = part["spine"] + part["neck"] + 0.5 * part["head"]
    across = np.array([-trunk[1], trunk[0]]) / (np.linalg.norm(trunk) + 1e-9)  # image right, upright person
    width = (part["shoulders"] + 0.7 * part["hips"]) @ across / (28.0 * size)
    towards = float(np.clip(width, -1, 1))
    forward = part["neck"] + 0.3 * part["head"] + 0.3 * (part["r_thigh"] + part["l_thigh"])
    forward = forward - 0.3 * (part["r_shin"] + part["l_shin"])
    forward = forward + 0.3 * (part["r_forearm"] + part["l_forearm"])
    forward = forward - 0.3 * (part["r_arm"] + part["l_arm"])
    aside = float(np.sign(forward @ across + rng.normal(scale=2.0))) * np.sqrt(1 - towards**2)
    facing = np.array([aside, towards])

    hidden = np.sqrt(np.clip((FULL_LENGTH * size) ** 2 - lengths**2, 0, None))
    ahead = np.array([0, 0.9, 0.5, 0, 0, 0.9, 0.25, 0.9, 0.25, 0.7, 0.9, 0.7, 0.9])  # chance to point forward
    sign = np.where(rng.random(len(VECTORS)) < ahead, 1, -1) * (1 if towards >= 0 else -1)
    sign[[VECTORS.index("hips"), VECTORS.index("shoulders")]] = -np.sign(aside)  # looking right: left side far
    sign[VECTORS.index("head")] = 0
    return Posture(depth=JOINTS_OF_VECTORS @ (sign * hidden), facing=facing, size=size)


def fit_prior(poses: np.ndarray, components: int = 24, rounds: int = 60, seed: int = 0) -> PosePrior:
    """Fit the prior on fully annotated image poses (N, 16, 2), 0- or 1-based pixels, by expectation maximisation.

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
        shares = _explain(both, weights, means, covariances)
        totals = shares.sum(axis=(0, 1))
        weights = totals / people
        means = np.einsum("nvm,nvd->md", shares, both) / totals[:, None]
        for m in range(components):
            offset = (both - means[m]).reshape(-1, numbers)
            covariances[m] = (offset * shares[..., m].reshape(-1, 1)).T @ offset / totals[m]
        spreads = np.sqrt(np.einsum("mii->mi", covariances) + 1.0)  # + 1: no spread below a unit
        outer = spreads[:, :, None] * spreads[:, None, :]
        correlation = np.einsum("m,mij->ij", weights, covariances / outer)
        np.fill_diagonal(correlation, 1.0)
        covariances = correlation * outer
    limits = np.quantile(lengths, [0.001, 0.999], axis=0)
    limits[:, VECTORS.index("head")] *= 0.5, 1.5  # all heads have one length; drawn ones are rescaled to it
    return PosePrior(weights, means, spreads, correlation, limits[0], limits[1])


def _explain(both: np.ndarray, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """(N, 2, M) share of every component in a pose and its mirror image; sums to 1 for each pose."""
    log_share = np.empty((*both.shape[:2], len(weights)))
    for m, (weight, mean, covariance) in enumerate(zip(weights, means, covariances, strict=True)):
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (both - mean).reshape(-1, len(mean)).T)
        density = -0.5 * (white**2).sum(axis=0) - np.log(np.diag(root)).sum()
        log_share[..., m] = np.log(weight + 1e-12) + density.reshape(both.shape[:2])
    shares = np.exp(log_share - log_share.max(axis=(1, 2), keepdims=True))
    return shares / shares.sum(axis=(1, 2), keepdims=True)


def read_poses_csv(path: Path) -> np.ndarray:
    """(N, 16, 2) poses of a CSV with lines `image,x0,y0,...,x15,y15`. Raises PoseError for another form."""
    try:
        rows = np.genfromtxt(path, delimiter=",", usecols=range(1, 33))
    except (OSError, ValueError) as error:
        raise PoseError(f"{path}: expected lines of an image name and 32 numbers ({error})") from error
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise PoseError(f"{path}: expected lines of an image name and 32 numbers; some are no numbers")
    return rows.reshape(-1, len(MPII), 2)


def prior_text(prior: PosePrior) -> str:
    """The prior as the constant `MPII_PRIOR` below: whole units, weights in per mille, correlations in per cent."""

    def line(numbers: np.ndarray) -> str:
        return " ".join(str(round(float(n))) for n in numbers)

    rows = [f"{line(prior.shortest)} {line(prior.longest)}"]
    for m in np.argsort(-prior.weights):
        rows += [f"{line(prior.weights[[m]] * 1000)} {line(prior.means[m])}", line(prior.spreads[m])]
    triangle = prior.correlation[np.tril_indices(len(prior.correlation), -1)] * 100
    rows += [line(triangle[i : i + 25]) for i in range(0, len(triangle), 25)]
    return "\n".join(rows)


@cache
def mpii_prior() -> PosePrior:
    """The prior fitted on 14,975 fully annotated poses of MPII's training images."""
    numbers = np.array(MPII_PRIOR.split(), dtype=np.float64)
    vectors, flat = len(VECTORS), 2 * len(VECTORS)
    pairs = flat * (flat - 1) // 2
    limits, table, triangle = np.split(numbers, [2 * vectors, len(numbers) - pairs])
    table = table.reshape(-1, 1 + 2 * flat)
    lower = np.zeros((flat, flat))
    lower[np.tril_indices(flat, -1)] = triangle / 100
    # Rounding may leave a slightly negative eigenvalue: lift the small ones.
    values, axes = np.linalg.eigh(lower + lower.T + np.eye(flat))
    correlation = axes * np.maximum(values, 0.01) @ axes.T
    return PosePrior(
        weights=table[:, 0] / table[:, 0].sum(),
        means=table[:, 1 : 1 + flat],
        spreads=table[:, 1 + flat :],
        correlation=correlation,
        shortest=limits[:vectors],
        longest=limits[vectors:],
    )


# Printed by `python -m mpii_tools.synthetic.pose_prior train_poses.csv`: the limits (13 shortest, 13 longest
# lengths); for each component its weight and 26 means, then its 26 spreads; the lower triangle of the
# correlations, row after row.
MPII_PRIOR = """
0 6 0 17 0 5 4 5 5 5 3 5 2 25 94 25 50 32 81 79 82 82 56 51 57 50
204 11 0 0 -57 1 -8 5 -33 19 0 -1 43 -3 42 2 42 -2 41 -8 29 8 16 6 28 2 16
3 2 6 12 2 6 5 1 5 3 7 11 7 11 7 11 7 11 8 7 13 15 7 7 11 14
74 10 0 1 -61 1 -7 5 -32 16 0 -1 49 -6 46 5 48 -2 45 -7 17 7 0 15 14 2 -9
4 2 9 11 2 6 5 2 7 4 12 11 11 11 10 11 11 11 18 18 18 21 14 18 19 16
73 11 -1 2 -48 1 -6 5 -32 19 0 4 17 1 42 23 16 -4 41 -5 29 15 9 9 25 2 10
4 2 9 10 2 6 5 2 5 3 22 22 15 13 13 20 16 13 11 7 12 15 9 8 14 14
71 -11 0 4 -59 1 -9 5 -33 -20 -1 6 44 -2 44 0 44 -4 43 8 32 1 15 -9 29 8 15
3 2 7 11 2 5 5 1 5 3 11 14 10 11 11 14 9 11 7 8 12 16 9 7 12 14
68 1 0 4 -56 4 -7 16 -28 1 -1 7 44 -5 44 5 42 -6 40 0 30 16 14 1 27 13 14
7 2 10 9 3 4 7 4 10 3 9 8 9 9 8 9 8 8 11 7 10 16 9 7 8 13
59 12 1 5 -52 1 -6 5 -33 20 2 0 35 -4 22 6 35 -8 22 -13 24 4 13 8 26 3 16
4 3 9 15 2 7 5 1 4 4 19 18 19 27 18 17 19 26 12 13 16 16 9 9 14 14
51 1 0 10 -51 1 -5 10 -31 0 0 4 18 -8 27 9 18 -6 28 2 12 4 -4 0 12 3 -2
11 5 21 19 3 6 7 3 17 7 30 33 27 27 28 32 25 27 21 23 18 20 20 21 19 20
43 4 0 33 -28 3 -1 32 -6 3 -1 11 43 -6 43 12 39 -3 40 -8 27 11 22 -4 25 7 21
8 3 15 22 6 2 2 9 10 7 14 11 11 10 10 12 9 9 14 11 11 11 12 11 11 10
42 -5 -1 18 -50 2 -6 12 -30 -6 -2 22 39 -8 43 7 40 -16 37 3 27 12 14 -2 23 11 12
7 2 16 13 3 5 7 3 11 5 16 14 15 11 19 14 16 13 15 9 14 16 16 11 13 14
40 10 1 16 -39 1 -1 21 -25 14 2 5 36 -7 38 11 32 -4 36 -11 25 10 20 4 23 6 19
3 2 11 15 4 5 5 4 6 5 14 12 10 12 12 12 11 11 12 10 12 9 9 8 10 8
38 4 -3 3 -48 2 -6 12 -30 4 -2 43 3 5 29 38 2 6 29 8 30 24 4 10 24 18 6
7 3 16 8 2 4 7 3 10 4 10 14 26 17 10 12 25 15 14 7 9 13 12 8 8 11
36 5 0 6 -56 3 -8 11 -31 5 0 9 45 -22 27 13 40 -15 32 -6 30 19 14 -4 26 13 15
7 2 11 10 2 4 7 3 11 3 14 9 16 23 12 11 17 21 12 6 11 13 11 7 10 10
34 0 -1 21 -45 2 -2 25 -22 -1 -2 19 28 -10 36 16 27 -9 34 1 21 12 7 0 19 10 9
9 4 17 15 5 4 3 4 12 7 22 23 19 17 19 24 18 15 18 15 16 17 17 14 15 16
29 -11 -1 5 -61 2 -7 7 -32 -17 -3 6 51 -1 47 -1 51 -4 47 14 16 0 -4 -12 9 4 -4
4 2 9 11 2 5 6 2 7 4 11 11 12 10 12 11 11 11 16 19 17 18 18 20 17 18
26 4 0 -24 2 0 -1 -21 22 6 1 -2 26 9 18 1 27 10 19 1 19 -2 17 5 21 -6 19
9 4 25 36 7 7 10 10 14 6 22 30 21 30 23 31 21 31 17 18 14 16 17 18 15 16
24 1 0 38 -23 3 -1 32 -7 1 1 15 20 -15 21 13 18 -15 16 -5 10 7 6 -6 13 5 9
8 6 19 26 6 2 2 7 11 10 28 30 23 30 26 31 24 28 21 21 18 20 20 19 19 19
20 3 -2 44 -18 4 -1 31 -9 3 -3 9 32 -30 10 8 27 -27 11 1 33 13 22 3 29 10 21
6 3 14 18 4 2 3 9 7 4 30 16 17 25 27 16 15 22 11 6 10 10 9 7 9 8
20 2 3 11 -44 0 -6 3 -32 3 2 -33 -7 -19 29 -38 -8 -20 30 -19 14 -18 -1 -19 18 -20 -3
9 4 21 15 2 5 7 2 13 4 12 21 20 17 13 23 21 20 12 11 10 12 13 13 13 14
16 0 1 59 -7 4 -1 30 -9 1 1 -42 -1 -35 2 -41 -2 -36 2 -6 4 2 2 -4 3 2 -1
5 7 13 13 5 3 4 12 8 9 15 21 20 25 15 22 19 24 25 16 24 15 26 16 23 16
11 1 0 2 -60 2 -7 9 -31 1 3 3 49 -8 45 5 47 -3 45 10 5 9 -16 1 29 5 23
10 2 11 10 2 5 8 3 15 4 13 10 14 10 9 10 12 8 20 19 16 10 10 7 13 9
7 10 -3 7 -44 2 -5 12 -29 15 -2 8 40 -13 -15 28 -1 -13 38 -3 33 16 14 10 25 5 10
4 3 13 11 3 5 11 5 7 5 18 10 24 9 12 16 11 11 12 7 13 12 10 8 16 13
7 13 0 0 -60 0 -10 2 -33 22 0 -31 10 53 10 34 8 -52 13 -9 27 9 3 10 25 -6 10
3 1 3 10 1 5 5 1 3 2 9 10 9 11 8 9 10 12 12 19 18 21 11 23 19 17
6 11 1 9 -36 -3 2 25 -20 18 2 -13 11 12 20 21 15 -16 8 -10 29 16 16 7 25 -1 17
4 3 8 11 5 4 5 8 3 5 17 18 17 24 13 18 17 23 11 9 11 12 11 7 12 10
0 -7 -9 44 -45 5 -2 30 -14 -11 -20 -11 17 9 -1 -51 22 53 -2 -9 14 -9 4 -3 -26 0 -23
4 5 6 28 3 1 2 3 2 1 16 19 24 37 2 31 8 20 2 9 4 4 3 3 2 6
8 -4 13 -8 1 22 -4 0 14 -17 -1 2 9 40 -45 -5 4 28 12 37 20 -3 3 24 12
24 19 72 65 8 -9 -9 -8 -4 -9 -6 11 35 12 -4 4 -1 8 4 15 -9 -12 -1 -1 7
-4 3 2 -15 -12 7 6 2 -33 14 -24 0 0 2 3 -12 -2 -6 -22 0 -10 5 -8 -6 7
-2 15 -10 4 8 0 -36 12 -24 -4 -4 5 8 8 34 8 3 -12 -1 5 3 1 5 4 0
-8 21 -9 -10 -2 4 6 1 -34 11 -23 -3 -3 5 7 -6 77 -4 39 -21 6 -5 -19 2 -9
5 -6 -5 3 -1 -14 -2 21 -4 18 -4 6 5 -1 -36 10 -23 -4 -5 4 8 -1 39 -3 65
0 36 13 -19 -9 -13 3 -5 -1 -8 -6 -29 -18 14 -4 -1 -2 12 -7 2 -5 5 -10 -1 -29
15 -24 2 2 4 -15 9 26 -1 22 6 23 -2 21 11 6 -7 -5 -7 7 -6 4 4 0 -5
16 2 -4 5 17 -1 -6 0 32 15 -1 4 10 -3 7 -3 8 6 2 2 -3 11 -2 9 -3
12 0 10 -17 28 -22 20 -3 -16 -3 -13 6 -11 -9 25 -7 7 -5 7 -2 11 -5 3 -2 8
-5 14 -12 6 6 2 -30 12 -24 -2 -1 9 12 1 26 0 26 -1 28 -1 27 -2 52 -1 26
-12 -10 -6 1 -6 9 -6 5 2 -14 -6 21 4 -7 1 14 1 -4 1 16 6 11 -4 26 -3
0 1 10 -4 4 -3 5 5 0 2 -5 13 -1 10 -1 14 1 10 -6 26 -14 53 -16 33 -8
"""

if __name__ == "__main__":
    print(prior_text(fit_prior(read_poses_csv(Path(sys.argv[1])))))
