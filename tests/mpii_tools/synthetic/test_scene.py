"""Backgrounds, things in front of people, and the camera."""

import numpy as np
import pytest

from mpii_tools.synthetic.painting import Canvas
from mpii_tools.synthetic.scene import (
    OCCLUDER,
    new_canvas,
    noise,
    paint_background,
    paint_occluder,
    paint_shadow,
    photograph,
)

SIZE = (120, 160)


def noisy_canvas(rng):
    """A canvas whose background costs nothing to paint."""
    color = rng.random((*SIZE, 3), dtype=np.float32)
    return Canvas(color, np.zeros(SIZE, np.int16), np.array([0.0, 0.0, 1.0]), 0.5)


@pytest.mark.parametrize("seed", range(12))
def test_backgrounds_are_textured_and_seeded(seed):
    first, second = (paint_background(np.random.default_rng(seed), *SIZE) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32 and first.shape == (*SIZE, 3)
    assert first.min() >= 0 and first.max() <= 1
    # Texture at the scale of pixels and of the picture.
    assert np.abs(np.diff(first, axis=1)).mean() > 0.002
    assert first.std() > 0.02


def test_different_seeds_give_different_places():
    pictures = [paint_background(np.random.default_rng(seed), *SIZE) for seed in range(8)]
    means = np.array([p.mean(axis=(0, 1)) for p in pictures])
    assert means.std(axis=0).min() > 0.03


def test_a_canvas_starts_unowned_and_lit_from_above():
    canvas = new_canvas(np.random.default_rng(0), *SIZE)
    assert (canvas.owner == 0).all()
    assert np.linalg.norm(canvas.light) == pytest.approx(1) and canvas.light[1] < 0 < canvas.light[2]


@pytest.mark.parametrize("seed", range(30))
def test_an_occluder_owns_exactly_what_it_changed(seed):
    rng = np.random.default_rng(seed)
    canvas = noisy_canvas(rng)
    canvas.owner[:] = 5
    before = canvas.color.copy()
    paint_occluder(rng, canvas, np.array([80.0, 60.0]), 0.8)
    changed = (canvas.color != before).any(axis=-1)
    np.testing.assert_array_equal(canvas.owner == OCCLUDER, changed)
    assert (canvas.owner[~changed] == 5).all()
    assert 20 < changed.sum() < 0.8 * changed.size


def test_occluders_mostly_hide_their_point():
    hidden = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        canvas = noisy_canvas(rng)
        paint_occluder(rng, canvas, np.array([80.0, 60.0]), 0.8)
        hidden += canvas.owner[60, 80] == OCCLUDER
    assert hidden > 20


def test_a_shadow_darkens_the_ground_at_the_feet():
    canvas = new_canvas(np.random.default_rng(1), *SIZE)
    canvas.color[:] = 0.5
    joints = np.stack([np.linspace(70, 90, 16), np.linspace(10, 90, 16)], axis=-1)
    paint_shadow(canvas, joints, 0.5)
    assert canvas.color[92, 80, 0] < 0.3 and canvas.color[5, 80, 0] > 0.49


def test_noise_has_unit_deviation_at_its_scale():
    field = noise(np.random.default_rng(2), 300, 400, 60)
    assert field.shape == (300, 400)
    assert 0.6 < field.std() < 1.2 and abs(field.mean()) < 0.1


def test_the_photograph_is_the_picture_in_bgr():
    picture = np.zeros((*SIZE, 3), np.float32)
    picture[..., 0] = 0.6  # red
    images = [photograph(np.random.default_rng(seed), picture) for seed in range(10)]
    assert all(p.dtype == np.uint8 and p.shape == picture.shape for p in images)
    for image in images:
        blue, _, red = image.reshape(-1, 3).mean(axis=0)
        assert 0.6 * 0.65 * 255 < red < 0.6 * 1.4 * 255 and blue < 20
