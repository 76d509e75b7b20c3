"""Somebody to draw, and how tests look at pictures."""

import numpy as np

# Somebody who faces the camera, in pixels: right wrist held toward it, left wrist away from it.
STANDING = np.array(
    [
        (80, 280, 0), (80, 220, 0), (85, 160, 0), (115, 160, 0), (120, 220, 0), (120, 280, 0), (100, 160, 0),
        (100, 80, 0), (100, 60, 0), (100, 20, 0), (75, 140, -400), (75, 120, -100), (75, 85, 0), (125, 85, 0),
        (125, 120, 100), (125, 140, 400),
    ],
    dtype=float,
)  # fmt: skip


def color_at(image, x, y):
    """RGB of the pixel nearest to x, y."""
    return tuple(image[round(y), round(x)].tolist())
