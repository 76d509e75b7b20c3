"""Pinhole cameras with lens distortion (Brown's model): camera millimeters to image pixels, and back.

Camera coordinates: x to the right, y down, z away from the camera. With u = (X, Y) / Z and r^2 = |u|^2, a point
appears at c + f u', u' = u (1 + k1 r^2 + k2 r^4 + k3 r^6 + 2 (p1 u_y + p2 u_x)) + r^2 (p2, p1), as in OpenCV and in
Human3.6M's files.
"""

from dataclasses import dataclass

import numpy as np

STEPS = 12  # of Newton's method, which doubles the right digits at each
TOLERANCE = 1e-9  # in units of the focal length: a millionth of a pixel
TINY = 1e-30


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and what it does with a ray: X_camera = rotation (X_world - position), in mm.

    Attributes:
        rotation: (3, 3) rows are the camera's axes in the world.
        position: (3,) world mm.
        intrinsics: (4,) fx, fy, cx, cy in image pixels.
        distortion: (5,) k1, k2, k3, p1, p2.
    """

    rotation: np.ndarray
    position: np.ndarray
    intrinsics: np.ndarray
    distortion: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) in camera coordinates, mm."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """Image pixels (..., K, 2) of camera coordinates (..., K, 3)."""
        return project(points, self.intrinsics, self.distortion)


def project(points: np.ndarray, camera: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """Where points appear.

    Args:
        points: (..., K, 3) camera coordinates in mm.
        camera: (..., 4) focal lengths fx, fy and principal point cx, cy in image pixels.
        distortion: (..., 5) k1, k2, k3, p1, p2.

    Returns:
        (..., K, 2) image pixels; NaN for a point that is NaN or not before the camera.
    """
    depth = points[..., 2:]
    ahead = np.where(depth > 0, depth, np.nan)
    return camera[..., None, 2:] + camera[..., None, :2] * distort(points[..., :2] / ahead, distortion)


def back_project(pixels: np.ndarray, depth: np.ndarray, camera: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """The points that appear at given pixels, at given depths: the inverse of `project`.

    Args:
        pixels: (..., K, 2) image pixels.
        depth: (..., K) distance from the camera along its axis, mm.
        camera, distortion: as in `project`.

    Returns:
        (..., K, 3) camera coordinates in mm; NaN where the pixel or the depth is, or where no ray of the camera ends.
    """
    rays = undistort((pixels - camera[..., None, 2:]) / camera[..., None, :2], distortion)
    return np.concatenate([rays * depth[..., None], depth[..., None]], axis=-1)


def distort(rays: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """u' of rays u = (X, Y) / Z, both (..., K, 2); distortion (..., 5)."""
    k1, k2, k3, p1, p2 = np.moveaxis(np.asarray(distortion, dtype=np.float64)[..., None, None, :], -1, 0)
    square, tangent = (rays**2).sum(axis=-1, keepdims=True), np.concatenate([p2, p1], axis=-1)
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    return rays * (radial + 2 * (rays * tangent).sum(axis=-1, keepdims=True)) + square * tangent


def undistort(seen: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    """The inverse of `distort` by Newton's method, NaN where it finds none (far beyond any image's edge)."""
    rays = seen.astype(np.float64)
    if not np.any(distortion):
        return np.where(np.isfinite(rays).all(axis=-1, keepdims=True), rays, np.nan)
    with np.errstate(all="ignore"):  # rays without an inverse run away
        for _ in range(STEPS):
            wrong = distort(rays, distortion) - seen
            # The derivatives of a polynomial along x and y, exactly: what a tiny imaginary step makes imaginary.
            slopes = (distort(rays + 1j * TINY * axis, distortion).imag / TINY for axis in np.eye(2))
            (a, c), (b, d) = (np.moveaxis(slope, -1, 0) for slope in slopes)
            step = np.stack([d * wrong[..., 0] - b * wrong[..., 1], a * wrong[..., 1] - c * wrong[..., 0]], axis=-1)
            rays = rays - step / (a * d - b * c)[..., None]
        solved = (np.abs(distort(rays, distortion) - seen) <= TOLERANCE).all(axis=-1, keepdims=True)
    return np.where(solved, rays, np.nan)
