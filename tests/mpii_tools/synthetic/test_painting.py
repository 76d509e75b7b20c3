"""Shapes, light and cloth."""

import numpy as np
import pytest

from mpii_tools.synthetic import painting

TAPERED = painting.Part(np.array([20.0, 30.0]), np.array([70.0, 55.0]), np.array([0.0, 1.0]), np.array([9.0, 5.0]))


def blank(light=(0.0, 0.0, 1.0)):
    color, owner = np.full((80, 100, 3), 0.5, np.float32), np.zeros((80, 100), np.int16)
    return painting.Canvas(color, owner, np.array(light), 0.4)


def test_a_limb_covers_the_pixels_near_its_axis():
    """Against a literal loop over the pixels."""
    patch = painting.rasterize(blank(), TAPERED)
    rows, columns = patch.box
    axis = TAPERED.end - TAPERED.start
    for y in range(rows.start, rows.stop):
        for x in range(columns.start, columns.stop):
            t = np.clip(np.dot([x - 20, y - 30], axis) / (axis @ axis), 0, 1)
            inside = 9 - 4 * t - np.hypot(*(np.array([x, y]) - TAPERED.start - t * axis))
            if abs(inside) > 1.5:  # OpenCV blends the edge and lays it up to a pixel outside
                assert (patch.cover[y - rows.start, x - columns.start] > 0.5) == (inside > 0)


def test_an_axis_without_length_is_a_disc():
    point = np.array([50.0, 40.0])
    patch = painting.rasterize(blank(), painting.Part(point, point, np.array([0.0, 1.0]), np.array([10.0, 10.0])))
    assert np.pi * 10**2 < patch.cover.sum() < np.pi * 11**2  # OpenCV's smooth edge is up to a pixel outside
    assert np.isfinite(patch.along).all() and np.isfinite(patch.across).all()


@pytest.mark.parametrize("pattern, shades", [("plain", 1), ("stripes", 2), ("pinstripes", 2), ("checks", 3)])
def test_patterns_mix_the_two_colors(pattern, shades):
    cloth = painting.Cloth(np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.8]), pattern, 6.0, creases=0.0)
    color = painting.cloth_pixels(cloth, painting.rasterize(blank(), TAPERED), TAPERED, unit=1.0)
    blue = np.histogram(color[..., 2], bins=[0.09, 0.13, 0.4, 0.5, 0.77, 0.81])[0] / color[..., 2].size
    assert (blue[[0, 2, 4]] > 0.08).sum() == shades
