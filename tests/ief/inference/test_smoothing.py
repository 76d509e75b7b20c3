"""The One-Euro filter: steady at rest, prompt in motion, one filter per person."""

import math

import numpy as np
import pytest
from walkers import draw_walk, measure_smoothing

from ief.inference.smoothing import PoseSmoother

SIZE, FPS = 200.0, 25


def literal(track, times, size, rest=1.0, speed=12.0):
    """Casiez, Roussel and Vogel's loop for one joint (x, y), its speed in sizes per second."""
    share = lambda step, cutoff: 1 / (1 + 1 / (2 * math.pi * cutoff * step))  # noqa: E731
    x, y = track[0]
    rate, out = [0.0, 0.0], [(x, y)]
    for (new_x, new_y), step in zip(track[1:], np.diff(times), strict=True):
        for axis, moved in enumerate((new_x - x, new_y - y)):
            rate[axis] += share(step, 1.0) * (moved / step / size - rate[axis])
        a = share(step, rest + speed * math.hypot(*rate))
        x, y = x + a * (new_x - x), y + a * (new_y - y)
        out.append((x, y))
    return np.array(out)


def smooth(joints, times, smoother=None):
    smoother = smoother or PoseSmoother()
    return np.array([smoother(pose[None], ["a"], time)[0] for pose, time in zip(joints, times, strict=True)])


def noisy_motion(amplitude, hertz, seed=0):
    """Ten seconds of joints that swing, and what a network would see of them: 2 % of the size beside."""
    rng, times = np.random.default_rng(seed), np.arange(250) / FPS
    base = np.concatenate([[[0, 0], [SIZE, SIZE]], rng.uniform(0, SIZE, (14, 2))])
    swing = np.sin(2 * np.pi * hertz * times[:, None, None] + rng.uniform(0, 6, (16, 2)))
    true = base + amplitude * SIZE * swing
    return times, true, true + rng.normal(0, 0.02 * SIZE, true.shape)


def test_a_joint_follows_the_papers_loop():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.02, 0.2, 40))  # of a camera that skips frames
    joints = np.zeros((40, 3, 2))
    joints[:, 1] = SIZE
    joints[:, 2] = 100 + np.cumsum(rng.normal(0, 2, (40, 2)), axis=0)
    np.testing.assert_allclose(smooth(joints, times)[:, 2], literal(joints[:, 2], times, SIZE), atol=1e-9)


@pytest.mark.parametrize(("amplitude", "hertz", "jitter", "error"), [(0.0, 0.0, 0.35, 0.65), (0.1, 1.0, 0.6, 0.95)])
def test_jitter_falls_and_lag_costs_less_than_it_saves(amplitude, hertz, jitter, error):
    """Second differences of the distance to the truth, and the distance itself, against unsmoothed."""
    times, true, seen = noisy_motion(amplitude, hertz)
    out = smooth(seen, times)

    def measure(joints):
        beside = (joints - true)[FPS:]
        bends = np.diff(beside, n=2, axis=0)
        return np.linalg.norm(bends, axis=-1).mean(), np.linalg.norm(beside, axis=-1).mean()

    (bends_after, beside_after), (bends, beside) = measure(out), measure(seen)
    assert bends_after < jitter * bends and beside_after < error * beside


@pytest.mark.parametrize("action", ["Walking", "Sitting"])
def test_drawn_motion_is_steadier_and_nearer_to_the_truth(action):
    rng = np.random.default_rng(3)
    jitter, error, lag = measure_smoothing(rng, draw_walk(rng, 8 * FPS, action), 0.02)
    assert jitter < 0.5 and error < 0.8 and 0 < lag < 0.05


def test_people_are_smoothed_apart_whatever_their_order():
    times, _, seen = noisy_motion(0.1, 1.0)
    other = seen + 500
    together = PoseSmoother()
    for row, time in enumerate(times[:50]):
        people = [("a", seen), ("b", other)][:: 1 if row % 2 else -1]
        out = together(np.array([joints[row] for _, joints in people]), [name for name, _ in people], time)
        if row == 49:
            wanted = [smooth(joints[:50], times[:50])[-1] for _, joints in people]
    np.testing.assert_allclose(out, wanted)


def test_who_comes_back_starts_anew():
    """After a second away, and a joint that was not found."""
    smoother = PoseSmoother()
    pose = np.zeros((1, 3, 2)) + np.arange(3)[:, None] * 50
    smoother(pose, ["a"], 0.0)
    assert np.array_equal(smoother(pose + 40, ["a"], 5.0), pose + 40)
    missing = pose.copy()
    missing[0, 1] = np.nan
    out = smoother(missing, ["a"], 5.04)
    assert np.isnan(out[0, 1]).all() and np.isfinite(out[0, [0, 2]]).all()
    back = smoother(pose, ["a"], 5.08)
    assert np.array_equal(back[0, 1], pose[0, 1])


def test_nobody_is_nobody():
    assert PoseSmoother()(np.zeros((0, 16, 2)), [], 0.0).shape == (0, 16, 2)
