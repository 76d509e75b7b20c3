"""Bodies in motion: bones keep their lengths, motion is smooth, feet are on the floor."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from heads.skeleton import MPII
from mpii_tools.annotations.human36m.protocols import ACTIONS
from mpii_tools.synthetic import studio
from mpii_tools.synthetic.pose_prior import VECTORS, joints_from_vectors, load_prior, sample_directions, unit
from mpii_tools.synthetic.studio import SHORTEST_MOVE, draw_body, draw_motion, place_body, slerp

SECONDS, RADIUS = 20.0, 600.0
BODY = draw_body(np.random.default_rng(8))


def motion(action, seed=0):
    return draw_motion(np.random.default_rng(seed), action, SECONDS, RADIUS)


def frames(action, rate, seed=0):
    return motion(action, seed).joints(np.arange(0, SECONDS, 1 / rate), BODY)


def test_bodies_vary_about_the_common_one():
    bodies = np.array([draw_body(np.random.default_rng(seed)) for seed in range(400)])
    common = load_prior("pose_prior_3d")["lengths"]
    np.testing.assert_allclose(bodies.mean(axis=0), common, rtol=0.01)
    spread = (bodies / common).std(axis=0)
    assert spread.min() > 0.04 and spread.max() < 0.08
    np.testing.assert_array_equal(bodies[:, VECTORS.index("r_shin")], bodies[:, VECTORS.index("l_shin")])


@pytest.mark.parametrize("action", ["", *ACTIONS[::4]])
def test_motion_is_smooth(action):
    rate = 50
    joints = frames(action, rate)
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    apart = np.linalg.norm(np.random.default_rng(0).permutation(joints) - joints, axis=-1)
    assert steps.max() < 120 and steps.mean() < apart.mean() / 10, "mm from one frame to the next"
    assert 0.02 < steps.mean() * rate / 1000 < 1.5, "meters per second; nobody stands like a statue"


def test_bones_turn_no_faster_than_said():
    moves = motion("Greeting")
    rate = 500
    directions = unit(np.diff(moves.joints(np.arange(0, SECONDS, 1 / rate), BODY)[:, [14, 15]], axis=1)[:, 0])
    heading = np.abs(np.diff(moves.heading)).max() / SHORTEST_MOVE
    speed = np.arccos(np.clip((directions[1:] * directions[:-1]).sum(axis=-1), -1, 1)).max() * rate
    assert 0.5 < speed < 1.875 * (studio.BONE_SPEED + heading) + 0.1


def test_slerp_is_scipys_rotation():
    rng = np.random.default_rng(1)
    start, end = unit(rng.standard_normal((2, 100, 3)))
    share = rng.random((100, 1))
    normal = np.cross(start, end)
    angle = np.arctan2(np.linalg.norm(normal, axis=1), (start * end).sum(axis=1))
    turns = Rotation.from_rotvec(unit(normal) * angle[:, None] * share)
    np.testing.assert_allclose(slerp(start, end, share), turns.apply(start), atol=1e-12)
    np.testing.assert_allclose(slerp(start, start, share), start, atol=1e-12)
    assert np.isfinite(slerp(start, -start, share)).all(), "opposite directions have no one way, but some"


def test_key_poses_are_reached_in_time():
    moves = motion("Sitting")
    expected = place_body(joints_from_vectors(moves.directions * BODY[:, None]), moves.heading, moves.place)
    np.testing.assert_allclose(moves.joints(moves.times, BODY), expected, atol=1e-6)
    assert (np.diff(moves.times) >= SHORTEST_MOVE).all() and moves.times[-1] >= SECONDS


def test_key_poses_are_distributed_as_the_prior_says():
    poses = np.concatenate([motion("Eating", seed).directions for seed in range(150)])
    expected = sample_directions(np.random.default_rng(0), 5000, "Eating")
    np.testing.assert_allclose(poses.mean(axis=0), expected.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(poses.std(axis=0), expected.std(axis=0), atol=0.06)


@pytest.mark.parametrize("action", ["Walking", "Directions", "SittingDown"])
def test_people_stay_on_the_floor_near_the_middle(action):
    joints = frames(action, 5)
    above = (joints[..., 1] - studio.ABOVE_FLOOR).min(axis=1)
    assert (above >= 0).all() and (above <= studio.SOFTNESS * np.log(len(MPII)) + 1e-9).all()
    assert np.hypot(*joints[:, MPII.root, [0, 2]].T).max() <= RADIUS + 1e-6


def test_who_walks_looks_where_they_go():
    moves = motion("Walking")
    steps = unit(np.diff(moves.place, axis=0))
    np.testing.assert_allclose(np.stack([np.sin(moves.heading), np.cos(moves.heading)], axis=-1)[1:], steps, atol=1e-9)


@pytest.mark.parametrize(("heading", "ahead"), [(0.0, [0, 0, 1]), (np.pi / 2, [1, 0, 0]), (np.pi, [0, 0, -1])])
def test_a_heading_turns_the_whole_body(heading, ahead):
    pose = joints_from_vectors(sample_directions(np.random.default_rng(2), 1) * BODY[:, None])
    joints = place_body(pose, np.array([heading]), np.array([[30.0, -40.0]]))[0]
    np.testing.assert_allclose(joints[MPII.root, [0, 2]], [30, -40])
    left = np.cross([0, 1, 0], ahead)
    frame = np.stack([left, [0, 1, 0], ahead])
    np.testing.assert_allclose((joints - joints[MPII.root]) @ frame.T, pose[0], atol=1e-9)
