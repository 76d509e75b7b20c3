"""How a person stands towards the viewer: guessed from an image pose, or measured from a pose in three dimensions."""

from dataclasses import dataclass

import numpy as np

from heads.skeleton import MPII
from mpii_tools.synthetic.pose_prior import JOINTS_OF_VECTORS, LINES, VECTORS, load_prior, unit, vectors_from_joints

MM_PER_UNIT = 8.8  # MPII's scale is the height / 200 px, and the common person of the 3D prior is 1.76 m tall
# Full lengths of the vectors of a person of common size seen without foreshortening: the upper quartile of the
# real ones.
FULL_LENGTH = np.array([12.7, 63.5, 10.7, 33.3, 21.0, 51.9, 50.7, 51.9, 50.7, 35.7, 30.6, 35.7, 30.6])

LONG_BONES = [row for row, name in enumerate(VECTORS) if name not in ("hips", "neck", "head", "shoulders")]

# How much each vector tells, by pointing aside, that the person looks there; and how probably it points forward.
LOOKS = np.array([0, 0, 1, 0.3, 0, 0.3, -0.3, 0.3, -0.3, -0.3, 0.3, -0.3, 0.3])
FORWARD = np.array([0, 0.9, 0.5, 0, 0, 0.9, 0.25, 0.9, 0.25, 0.7, 0.9, 0.7, 0.9])


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
