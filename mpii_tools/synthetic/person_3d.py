"""Drawing one synthetic person from three dimensions: depth, facing and size come from the pose itself."""

from __future__ import annotations

import numpy as np

from heads.skeleton import MPII
from mpii_tools.people import HEAD_SIZE_PER_SCALE
from mpii_tools.synthetic.pose_prior import VECTORS, Posture, vectors_from_joints
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d, unit

MM_PER_UNIT = 8.8  # MPII's scale is the height / 200 px, and the common person of the 3D prior is 1.76 m tall


def posture_of(points: np.ndarray) -> Posture:
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
    size = np.linalg.norm(vectors, axis=-1).sum() / load_prior_3d().lengths.sum()
    depth = (points[MPII.root, 2] - points[:, 2]) / MM_PER_UNIT
    return Posture(depth=depth, facing=facing / (np.hypot(*facing) + 1e-9), size=float(size))


def unit_pixels(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(...) image pixels per unit of MPII's scale at the pelvis' depth.

    Args:
        points: (..., 16, 3) camera coordinates in mm. intrinsics: (..., 4) fx, fy, cx, cy in pixels.
    """
    return MM_PER_UNIT * intrinsics[..., :2].mean(axis=-1) / points[..., MPII.root, 2]


def head_sizes(points: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(...) PCKh's unit in image pixels, as MPII has it: 25 units of scale, whatever the pose."""
    return HEAD_SIZE_PER_SCALE * unit_pixels(points, intrinsics)
