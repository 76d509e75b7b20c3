"""Images to predict on."""

import cv2
import numpy as np


def smooth_image(width, height, seed=0, cells=(12, 9)):
    """(height, width, 3) uint8: random colors of a few cells, interpolated."""
    small = np.random.default_rng(seed).integers(0, 255, (*cells[::-1], 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
