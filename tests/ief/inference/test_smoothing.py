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


def test_people_are_smoothed_apart_whatever_their_order():
    rng, times = np.random.default_rng(0), np.arange(50) / FPS
    tracks = {name: start + np.cumsum(rng.normal(0, 5, (50, 16, 2)), axis=0) for name, start in (("a", 0), ("b", 500))}
    together = PoseSmoother()
    for row, time in enumerate(times):
        names = ["a", "b"][:: 1 if row % 2 else -1]
        out = together(np.array([tracks[name][row] for name in names]), names, time)
    np.testing.assert_allclose(out, [smooth(tracks[name], times)[-1] for name in names])


def test_a_joint_follows_the_papers_loop():
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.02, 0.2, 40))  # of a camera that skips frames
    joints = np.zeros((40, 3, 2))
    joints[:, 1] = SIZE
    joints[:, 2] = 100 + np.cumsum(rng.normal(0, 2, (40, 2)), axis=0)
    np.testing.assert_allclose(smooth(joints, times)[:, 2], literal(joints[:, 2], times, SIZE), atol=1e-9)


@pytest.mark.parametrize("action", ["Walking", "Sitting"])
def test_drawn_motion_is_steadier_and_nearer_to_the_truth(action):
    rng = np.random.default_rng(3)
    jitter, error, lag = measure_smoothing(rng, draw_walk(rng, 8 * FPS, action), 0.02)
    assert jitter < 0.5 and error < 0.8 and 0 < lag < 0.05


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
