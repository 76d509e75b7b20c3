"""Backgrounds, things in front of people, and the camera."""

import numpy as np
import pytest

from mpii_tools.synthetic import scene
from mpii_tools.synthetic.painting import Canvas

SIZE = (120, 160)


@pytest.mark.parametrize("seed", range(12))
def test_backgrounds_are_textured_and_seeded(seed):
    first, second = (scene.paint_background(np.random.default_rng(seed), *SIZE) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32 and first.shape == (*SIZE, 3)
    assert first.min() >= 0 and first.max() <= 1
    # Texture at the scale of pixels and of the picture.
    assert np.abs(np.diff(first, axis=1)).mean() > 0.002
    assert first.std() > 0.02
    assert np.abs(first - scene.paint_background(np.random.default_rng(seed + 50), *SIZE)).mean() > 0.03


def test_an_occluder_owns_what_it_changed():
    """And mostly hides its point."""
    hidden = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        canvas = Canvas(rng.random((*SIZE, 3), dtype=np.float32), np.full(SIZE, 5, np.int16), np.eye(3)[2], 0.5)
        before = canvas.color.copy()
        scene.paint_occluder(rng, canvas, np.array([80.0, 60.0]), 0.8)
        changed = (canvas.color != before).any(axis=-1)
        np.testing.assert_array_equal(canvas.owner, np.where(changed, scene.OCCLUDER, 5))
        assert 20 < changed.sum() < 0.8 * changed.size
        hidden += canvas.owner[60, 80] == scene.OCCLUDER
    assert hidden > 20


def test_the_photograph_is_the_picture_in_bgr():
    picture = np.zeros((*SIZE, 3), np.float32)
    picture[..., 0] = 0.6  # red
    images = [scene.photograph(np.random.default_rng(seed), picture) for seed in range(10)]
    assert all(p.dtype == np.uint8 and p.shape == picture.shape for p in images)
    for image in images:
        blue, _, red = image.reshape(-1, 3).mean(axis=0)
        assert 0.6 * 0.65 * 255 < red < 0.6 * 1.4 * 255 and blue < 20
