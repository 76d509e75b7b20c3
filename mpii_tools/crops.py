"""The person crop: a square of the image, mapped to the network's input by one affine, and its inverse.

A crop of side s around c, at n x n pixels, shows the square [c - s/2, c + s/2] on pixel edges [-1/2, n - 1/2], so
u = (x - c) n / s + (n - 1) / 2: the square's center falls on the crop's center, and a mirror is u -> n - 1 - u.
"""

from __future__ import annotations

import numpy as np


def crop_matrices(center: np.ndarray, side: np.ndarray, size: int) -> np.ndarray:
    """Affine maps from image pixels to crop pixels.

    Args:
        center: (N, 2) centers of the squares, image pixels.
        side: (N,) sides of the squares, image pixels.
        size: side of the crop, crop pixels.

    Returns:
        (N, 2, 3) float64.
    """
    zoom = size / np.asarray(side, dtype=np.float64)
    matrices = np.zeros((len(zoom), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = zoom
    matrices[:, :, 2] = (size - 1) / 2 - zoom[:, None] * center
    return matrices


def apply_affine(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map (N, K, 2) points by N affines (N, 2, 3); NaN stays NaN."""
    return points @ np.swapaxes(matrices[..., :2], -1, -2) + matrices[..., None, :, 2]


def invert_affine(matrices: np.ndarray) -> np.ndarray:
    """The inverses (N, 2, 3) of N affines (N, 2, 3)."""
    linear = np.linalg.inv(matrices[..., :2])
    return np.concatenate([linear, -linear @ matrices[..., 2:]], axis=-1)
