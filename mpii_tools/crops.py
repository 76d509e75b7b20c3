"""Affine maps: the person crop, a square of the image mapped to the network's input, and how such maps combine.

A crop of side s around c, at n x n pixels, shows the square [c - s/2, c + s/2] on pixel edges [-1/2, n - 1/2], so
u = (x - c) n / s + (n - 1) / 2: the square's center falls on the crop's center, and a mirror is u -> n - 1 - u.

An affine is a (2, 3) matrix, linear part and shift. `apply_affine` takes arrays and tensors.
"""

import numpy as np


def crop_matrices(center: np.ndarray, side: np.ndarray, size: int, border: int = 0) -> np.ndarray:
    """Affine maps from image pixels to crop pixels.

    Args:
        center: (N, 2) centers of the squares, image pixels.
        side: (N,) sides of the squares, image pixels.
        size: side of the crop, crop pixels.
        border: crop pixels added around it on every side, which continue the crop at its own resolution.

    Returns:
        (N, 2, 3) float64.
    """
    zoom = size / np.asarray(side, dtype=np.float64)
    matrices = np.zeros((len(zoom), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = zoom
    matrices[:, :, 2] = (size - 1) / 2 - zoom[:, None] * center
    matrices[:, :, 2] += border
    return matrices


def apply_affine(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map x, y of points (..., K, D) by affines (..., 2, 3); NaN stays NaN, and a further coordinate what it is."""
    moved = points[..., :2] @ matrices[..., :2].swapaxes(-1, -2) + matrices[..., None, :, 2]
    if points.shape[-1] == 2:
        return moved
    if isinstance(points, np.ndarray):
        return np.concatenate([moved, points[..., 2:]], axis=-1)
    from torch import cat  # there already, where points are tensors

    return cat([moved, points[..., 2:]], dim=-1)


def compose_affine(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The affines (..., 2, 3) that map by `first` and then by `second`, both (..., 2, 3)."""
    linear, shift = second[..., :2] @ first[..., :2], second[..., :2] @ first[..., 2:] + second[..., 2:]
    return np.concatenate([linear, shift], axis=-1)


def invert_affine(matrices: np.ndarray) -> np.ndarray:
    """The inverses (..., 2, 3) of affines (..., 2, 3)."""
    linear = np.linalg.inv(matrices[..., :2])
    return np.concatenate([linear, -linear @ matrices[..., 2:]], axis=-1)


# Of a single matrix, in plain numbers: with the caches full of an image, three calls of numpy take 0.1 ms.


def zoom_of(matrix: np.ndarray) -> float:
    """By how much an affine (2, 3) enlarges lengths: the root of its determinant."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return abs(a * d - b * c) ** 0.5


def from_reduced(matrix: np.ndarray, x_factor: float, y_factor: float) -> np.ndarray:
    """The affine (2, 3) from a reduced image's pixels to where `matrix` maps the whole image's.

    Args:
        x_factor, y_factor: whole size / reduced size. A reduced pixel q shows the whole image around
            (q + 1/2) f - 1/2.
    """
    x_shift, y_shift = (x_factor - 1) / 2, (y_factor - 1) / 2
    return np.array([[a * x_factor, b * y_factor, t + a * x_shift + b * y_shift] for a, b, t in matrix.tolist()])
