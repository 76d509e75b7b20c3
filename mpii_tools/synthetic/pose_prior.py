"""The poses of the synthetic people: mixtures of Gaussians over body vectors, fitted on real poses, and how one stands.

A pose is 13 vectors instead of 16 joints, because pelvis and thorax are midway between the hips and between the
shoulders. There are two priors, each a file of arrays beside this module:

`pose_prior`: poses in the image, units of MPII's scale (a standing person is about 200 of them tall), x right, y down.
    Fitted on 14,975 fully annotated poses of MPII's training images by tests/mpii_tools/synthetic/fit_pose_prior.py.
    Half of the samples are mirrored, with left and right exchanged, as people are.
    weights: (M,) of the components, they sum to 1. means, stds: (M, 26) of each component.
    correlation: (26, 26) shared by all components.
    shortest, longest: (13,) limits of the vectors' lengths; a sample outside is replaced by another.
`pose_prior_3d`: directions alone, in the body's own frame: x to its left, y up, z to where the chest looks. The bones
    keep their lengths in every pose. Fitted on 6,813 poses of Human3.6M and 1,793 of CMU's motion capture by
    tests/mpii_tools/synthetic/fit_pose_prior_3d.py.
    actions: (A,) names. weights: (A, M) of the components in each action; rows sum to 1.
    overall: (M,) their weights in all poses of the fit, those of no action included.
    means: (M, 39). lower: (M, 780) the lower triangle of `roots` (M, 39, 39), which `load_prior` adds; a component's
    covariance is `root @ root.T`.
    lengths: (13,) mm, of the vectors of the common person: the mean of the two skeletons of the fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from heads.skeleton import MPII

FOLDER = Path(__file__).parent
HEAD_LENGTH = 100.0 / 3.0  # |head_top - upper_neck| in units of scale, MPII's own rule
CENTER_STD = (8.5, 8.7)  # of objpos about the mean joint, x and y; Tompson's fully annotated people
# Stds of a 3D component. Cut there, drawn poses have 3.2 % illegal joint angles (Akhter and Black's limits) where the
# real ones have 3.1 %, and nearly their stds; uncut, they have 4.3 %.
FARTHEST = 1.5

# The body vectors and the joint to which each leads from its parent in MPII's tree. The opposites of hips and shoulders
# lead to the right ones.
ENDS = {
    "hips": "l_hip", "spine": "thorax", "neck": "upper_neck", "head": "head_top", "shoulders": "l_shoulder",
    "r_thigh": "r_knee", "r_shin": "r_ankle", "l_thigh": "l_knee", "l_shin": "l_ankle",
    "r_arm": "r_elbow", "r_forearm": "r_wrist", "l_arm": "l_elbow", "l_forearm": "l_wrist",
}  # fmt: skip
VECTORS = tuple(ENDS)
MIRRORED = [VECTORS.index({"r_": "l_", "l_": "r_"}.get(name[:2], name[:2]) + name[2:]) for name in VECTORS]
LINES = [VECTORS.index("hips"), VECTORS.index("shoulders")]  # from the middle to the left; the others are limbs
NUMBERS = 3 * len(VECTORS)

MM_PER_UNIT = 8.8  # MPII's scale is the height / 200 px, and the common person of the 3D prior is 1.76 m tall
# Full lengths of the vectors of a person of common size seen without foreshortening: the upper quartile of the
# real ones.
FULL_LENGTH = np.array([12.7, 63.5, 10.7, 33.3, 21.0, 51.9, 50.7, 51.9, 50.7, 35.7, 30.6, 35.7, 30.6])

LONG_BONES = [row for row, name in enumerate(VECTORS) if name not in ("hips", "neck", "head", "shoulders")]

# How much each vector tells, by pointing aside, that the person looks there; and how probably it points forward.
LOOKS = np.array([0, 0, 1, 0.3, 0, 0.3, -0.3, 0.3, -0.3, -0.3, 0.3, -0.3, 0.3])
FORWARD = np.array([0, 0.9, 0.5, 0, 0, 0.9, 0.25, 0.9, 0.25, 0.7, 0.9, 0.7, 0.9])


# (16, 13): the vector that leads to each joint, and the vectors that add up to its position relative to the pelvis.
OWN_VECTOR = np.zeros((len(MPII), len(VECTORS)))
OWN_VECTOR[[MPII.index(end) for end in ENDS.values()], range(len(VECTORS))] = 1
OWN_VECTOR[[MPII.index("r_hip"), MPII.index("r_shoulder")], LINES] = -1
JOINTS_OF_VECTORS = np.stack([OWN_VECTOR[list(path)].sum(axis=0) for path in MPII.ancestry])
VECTORS_OF_JOINTS = np.linalg.pinv(JOINTS_OF_VECTORS)


def joints_from_vectors(vectors: np.ndarray) -> np.ndarray:
    """(..., 13, D) body vectors -> (..., 16, D) joints with the pelvis at the origin."""
    return JOINTS_OF_VECTORS @ vectors


def vectors_from_joints(joints: np.ndarray) -> np.ndarray:
    """(..., 16, D) joints -> (..., 13, D) body vectors, by least squares if pelvis or thorax are off-center."""
    pelvis = MPII.index("pelvis")
    return VECTORS_OF_JOINTS @ (joints - joints[..., pelvis : pelvis + 1, :])


def mirror(vectors: np.ndarray) -> np.ndarray:
    """The body vectors (..., 13, D) of the person mirrored along the first axis, left and right exchanged."""
    signs = np.ones((len(VECTORS), vectors.shape[-1]))
    signs[:, 0] = -1
    signs[LINES] *= -1
    return vectors[..., MIRRORED, :] * signs


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., D) of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@cache
def load_prior(name: str) -> Mapping[str, np.ndarray]:
    """The arrays of the prior `pose_prior` or `pose_prior_3d`, numbers as float64."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as stored:
        prior = {key: stored[key] if stored[key].dtype.kind == "U" else stored[key].astype(float) for key in stored}
    if "lower" in prior:
        prior["roots"] = np.zeros((len(prior["means"]), NUMBERS, NUMBERS))
        prior["roots"][(slice(None), *np.tril_indices(NUMBERS))] = prior["lower"]
    return prior


def draw_components(rng: np.random.Generator, count: int, action: str = "") -> np.ndarray:
    """(count,) random components of `pose_prior_3d`, by their weights in an action; '' for any pose at all."""
    prior = load_prior("pose_prior_3d")
    weights = prior["weights"][prior["actions"].tolist().index(action)] if action else prior["overall"]
    return rng.choice(len(weights), size=count, p=weights)


def draw_directions(component: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Poses of given components of `pose_prior_3d`.

    Args:
        component: (N,) which.
        noise: (N, 39) standard normal numbers, cut at FARTHEST.

    Returns:
        (N, 13, 3) unit vectors in the body's frame.
    """
    prior, noise = load_prior("pose_prior_3d"), np.clip(noise, -FARTHEST, FARTHEST)
    vectors = prior["means"][component] + np.einsum("nij,nj->ni", prior["roots"][component], noise)
    return unit(vectors.reshape(-1, len(VECTORS), 3))


def sample_directions(rng: np.random.Generator, count: int, action: str = "") -> np.ndarray:
    """(count, 13, 3) unit body vectors of independent poses of an action, '' for any pose at all."""
    return draw_directions(draw_components(rng, count, action), rng.standard_normal((count, NUMBERS)))


def sample_poses(rng: np.random.Generator, count: int, upright: bool = False) -> np.ndarray:
    """(count, 16, 2) poses in units of scale about MPII's objpos at the origin; the head is 33.33 long.

    `upright` keeps those that `is_upright`.
    """
    prior = load_prior("pose_prior")
    root = np.linalg.cholesky(prior["correlation"])
    accepted = np.empty((0, len(VECTORS), 2))
    while len(accepted) < count:
        draws = 2 * count
        component = rng.choice(len(prior["weights"]), size=draws, p=prior["weights"])
        noise = rng.standard_normal((draws, len(root))) @ root.T
        vectors = (prior["means"][component] + prior["stds"][component] * noise).reshape(draws, len(VECTORS), 2)
        flipped = rng.random(draws) < 0.5
        vectors[flipped] = mirror(vectors[flipped])
        lengths = np.linalg.norm(vectors, axis=-1)
        fits = ((lengths >= prior["shortest"]) & (lengths <= prior["longest"])).all(axis=-1)
        accepted = np.concatenate([accepted, vectors[fits & (is_upright(vectors) if upright else True)]])
    vectors, head = accepted[:count], VECTORS.index("head")
    vectors[:, head] *= HEAD_LENGTH / np.linalg.norm(vectors[:, head], axis=-1, keepdims=True)
    joints = joints_from_vectors(vectors)
    return joints - (joints.mean(axis=1) + rng.normal(scale=CENTER_STD, size=(count, 2)))[:, None]


def is_upright(vectors: np.ndarray) -> np.ndarray:
    """(...) bool: which body vectors (..., 13, 2), units of scale, stand upright with the chest to the viewer.

    Trunk within 25 degrees of the vertical, head and legs within 45, no leg seen from its end; arms are free. About
    a third of the prior's poses.
    """
    part = dict(zip(VECTORS, np.moveaxis(vectors, -2, 0), strict=True))
    legs = vectors[..., [VECTORS.index(name) for name in ("r_thigh", "r_shin", "l_thigh", "l_shin")], :]
    stands = (_falls(legs, 45) & (legs[..., 1] > 20)).all(axis=-1) & (part["shoulders"][..., 0] > 6)
    return stands & _falls(-part["spine"] - part["neck"], 25) & _falls(-part["head"], 45)


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


def guess_posture(pose: np.ndarray, rng: np.random.Generator) -> Posture:
    """Guess depth and facing of one pose (16, 2) from foreshortening and from how knees and elbows bend.

    A vector shorter than its full length points towards or away from the viewer by the rest. Which of the two is
    drawn by how bodies bend: trunk, thighs and arms mostly forward, shins backward. Seen from the side, the
    shoulders do not tell which way a person looks; the bend of knees, elbows and neck does.
    """
    vectors = vectors_from_joints(pose)
    lengths = np.linalg.norm(vectors, axis=-1)
    size = float(np.clip(np.quantile((lengths / FULL_LENGTH)[LONG_BONES], 0.75), 0.75, 1.4))
    part = dict(zip(VECTORS, vectors, strict=True))

    trunk = part["spine"] + part["neck"] + 0.5 * part["head"]
    across = np.array([-trunk[1], trunk[0]]) / (np.linalg.norm(trunk) + 1e-9)  # image right, upright person
    towards = float(np.clip((part["shoulders"] + 0.7 * part["hips"]) @ across / (28.0 * size), -1, 1))
    aside = float(np.sign(LOOKS @ vectors @ across + rng.normal(scale=2.0))) * np.sqrt(1 - towards**2)
    hidden = np.sqrt(np.clip((FULL_LENGTH * size) ** 2 - lengths**2, 0, None))
    sign = np.where(rng.random(len(VECTORS)) < FORWARD, 1, -1) * (1 if towards >= 0 else -1)
    sign[LINES] = -np.sign(aside)  # looking right: left side far
    sign[VECTORS.index("head")] = 0
    return Posture(JOINTS_OF_VECTORS @ (sign * hidden), np.array([aside, towards]), size)


def measure_posture(points: np.ndarray) -> Posture:
    """What the drawing of a person needs beyond the projection.

    Args:
        points: (16, 3) camera coordinates in mm.
    """
    vectors = vectors_from_joints(points)
    part = dict(zip(VECTORS, vectors, strict=True))
    trunk, left = part["spine"] + part["neck"], part["shoulders"] + part["hips"]
    chest, view = unit(np.cross(left, trunk)), unit(points[MPII.root])
    across = np.array([-trunk[1], trunk[0]]) / (np.hypot(*trunk[:2]) + 1e-9)  # to the image's right if upright
    facing = np.array([chest[:2] @ across, -chest @ view])
    size = np.linalg.norm(vectors, axis=-1).sum() / load_prior("pose_prior_3d")["lengths"].sum()
    depth = (points[MPII.root, 2] - points[:, 2]) / MM_PER_UNIT
    return Posture(depth, facing / (np.hypot(*facing) + 1e-9), float(size))


def unit_pixels(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(...) image pixels per unit of MPII's scale at the pelvis' depth.

    Args:
        points: (..., 16, 3) camera coordinates in mm. intrinsics: (..., 4) fx, fy, cx, cy in pixels.
    """
    return MM_PER_UNIT * intrinsics[..., :2].mean(axis=-1) / points[..., MPII.root, 2]
