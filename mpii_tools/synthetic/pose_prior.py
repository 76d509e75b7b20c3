"""The pose prior of the synthetic people: a mixture of Gaussians over body vectors, fitted on real MPII poses.

All lengths are in units of MPII's scale (a standing person is about 200 of them tall); x runs right, y down.
A pose is 13 vectors instead of 16 joints, because MPII's pelvis and thorax are midway between the hips and
between the shoulders. Every component has its own mean and std; all share one correlation matrix. Half of the
samples are mirrored, with left and right exchanged, as people are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from heads.skeleton import MPII

FILE = Path(__file__).with_suffix(".npz")  # written by tests/mpii_tools/synthetic/fit_pose_prior.py
HEAD_LENGTH = 100.0 / 3.0  # |head_top - upper_neck| in units of scale, MPII's own rule
CENTER_STD = (8.5, 8.7)  # of objpos about the mean joint, x and y; Tompson's fully annotated people

# hips: pelvis -> l_hip, shoulders: thorax -> l_shoulder; their opposites lead to the right ones.
VECTORS = (
    "hips", "spine", "neck", "head", "shoulders", "r_thigh", "r_shin", "l_thigh", "l_shin",
    "r_arm", "r_forearm", "l_arm", "l_forearm",
)  # fmt: skip
LIMBS = {
    "knee": ("hip", "thigh"),
    "ankle": ("knee", "shin"),
    "elbow": ("shoulder", "arm"),
    "wrist": ("elbow", "forearm"),
}
# joint: (the joint it hangs on, the vector between them, its sign)
CHAIN = {
    "l_hip": ("pelvis", "hips", 1),
    "r_hip": ("pelvis", "hips", -1),
    "thorax": ("pelvis", "spine", 1),
    "upper_neck": ("thorax", "neck", 1),
    "head_top": ("upper_neck", "head", 1),
    "l_shoulder": ("thorax", "shoulders", 1),
    "r_shoulder": ("thorax", "shoulders", -1),
    **{f"{s}_{joint}": (f"{s}_{base}", f"{s}_{limb}", 1) for s in "rl" for joint, (base, limb) in LIMBS.items()},
}
# Full lengths of the vectors of a person of common size seen without foreshortening: the upper quartile of the
# real ones.
FULL_LENGTH = np.array([12.7, 63.5, 10.7, 33.3, 21.0, 51.9, 50.7, 51.9, 50.7, 35.7, 30.6, 35.7, 30.6])

# How much each vector tells, by pointing aside, that the person looks there; and how probably it points forward.
LOOKS = np.array([0, 0, 1, 0.3, 0, 0.3, -0.3, 0.3, -0.3, -0.3, 0.3, -0.3, 0.3])
FORWARD = np.array([0, 0.9, 0.5, 0, 0, 0.9, 0.25, 0.9, 0.25, 0.7, 0.9, 0.7, 0.9])


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
    """(..., 16, 2) joints -> (..., 13, 2) body vectors, by least squares if pelvis or thorax are off-center."""
    pelvis = MPII.index("pelvis")
    return VECTORS_OF_JOINTS @ (joints - joints[..., pelvis : pelvis + 1, :])


def mirror(vectors: np.ndarray) -> np.ndarray:
    """The body vectors (..., 13, 2) of the mirrored person, left and right exchanged."""
    swap = [VECTORS.index({"r_": "l_", "l_": "r_"}.get(name[:2], name[:2]) + name[2:]) for name in VECTORS]
    signs = np.ones((len(VECTORS), 2)) * [-1, 1]
    signs[[VECTORS.index("hips"), VECTORS.index("shoulders")]] *= -1
    return vectors[..., swap, :] * signs


@dataclass(frozen=True)
class PosePrior:
    """M components over the 13 body vectors, flattened to 26 numbers; units of scale.

    Attributes:
        weights: (M,) sum to 1.
        means, stds: (M, 26) mean and standard deviation of each component.
        correlation: (26, 26) shared by all components.
        shortest, longest: (13,) limits of the vectors' lengths; a sample outside is replaced by another.
    """

    weights: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    correlation: np.ndarray
    shortest: np.ndarray
    longest: np.ndarray


@cache
def load_prior(path: Path = FILE) -> PosePrior:
    """A prior from its .npz; the default was fitted on 14,975 fully annotated poses of MPII's training images."""
    with np.load(path, allow_pickle=False) as arrays:
        return PosePrior(**arrays)


def sample_poses(
    rng: np.random.Generator, count: int, prior: PosePrior | None = None, upright: bool = False
) -> np.ndarray:
    """(count, 16, 2) poses in units of scale about MPII's objpos at the origin; the head is 33.33 long.

    `prior` defaults to the one fitted on MPII. `upright` keeps those that `is_upright`.
    """
    prior = prior or load_prior()
    root = np.linalg.cholesky(prior.correlation)
    accepted = np.empty((0, len(VECTORS), 2))
    while len(accepted) < count:
        draws = 2 * count
        component = rng.choice(len(prior.weights), size=draws, p=prior.weights)
        noise = rng.standard_normal((draws, len(root))) @ root.T
        vectors = (prior.means[component] + prior.stds[component] * noise).reshape(draws, len(VECTORS), 2)
        flipped = rng.random(draws) < 0.5
        vectors[flipped] = mirror(vectors[flipped])
        lengths = np.linalg.norm(vectors, axis=-1)
        fits = ((lengths >= prior.shortest) & (lengths <= prior.longest)).all(axis=-1)
        if upright:
            fits &= is_upright(vectors)
        accepted = np.concatenate([accepted, vectors[fits]])
    vectors = accepted[:count]
    head = VECTORS.index("head")
    vectors[:, head] *= HEAD_LENGTH / np.linalg.norm(vectors[:, head], axis=-1, keepdims=True)
    joints = joints_from_vectors(vectors)
    objpos = joints.mean(axis=1) + rng.normal(scale=CENTER_STD, size=(count, 2))
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


@dataclass(frozen=True)
class Posture:
    """What a pose tells about the third dimension; enough to draw one person's parts in the right order.

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
    aside = float(np.sign(LOOKS @ vectors @ across + rng.normal(scale=2.0))) * np.sqrt(1 - towards**2)
    facing = np.array([aside, towards])

    hidden = np.sqrt(np.clip((FULL_LENGTH * size) ** 2 - lengths**2, 0, None))
    sign = np.where(rng.random(len(VECTORS)) < FORWARD, 1, -1) * (1 if towards >= 0 else -1)
    sign[[VECTORS.index("hips"), VECTORS.index("shoulders")]] = -np.sign(aside)  # looking right: left side far
    sign[VECTORS.index("head")] = 0
    return Posture(depth=JOINTS_OF_VECTORS @ (sign * hidden), facing=facing, size=size)
