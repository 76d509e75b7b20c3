"""People in three dimensions: bodies in motion, Human3.6M's lenses, and who is seen when by which camera, whole.

Bones keep their lengths, motion is smooth, feet are on the floor.
"""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from heads.skeleton import MPII
from mpii_tools.annotations.human36m.protocols import ACTIONS, PROTOCOLS, SUBJECTS
from mpii_tools.synthetic import studio
from mpii_tools.synthetic.pose_prior import VECTORS, joints_from_vectors, load_prior, sample_directions, unit
from mpii_tools.synthetic.studio import MARGIN, SHORTEST_MOVE, SHOTS, draw_body, draw_motion, place_body, slerp

SEED = 3
BONES = [(k, parent) for k, parent in enumerate(MPII.parents) if parent >= 0]


@pytest.fixture(scope="module")
def take():
    """The shots of all actions and subjects in their first take, and of five training subjects in the second."""
    return studio.studio_shots(SEED, 5 * 15 * SHOTS + 5, 2 * 15 * SHOTS)


def test_lenses_are_human36ms(shared):
    cameras = json.loads((shared / "threed" / "h36m" / "cameras.json").read_text())["S1"].values()
    np.testing.assert_allclose(studio.LENSES[:, :4], [c["f"] + c["c"] for c in cameras], atol=0.006)
    np.testing.assert_allclose(studio.LENSES[:, 4:], [c["k"] + c["p"] for c in cameras], atol=6e-6)


@pytest.mark.parametrize("camera", studio.CAMERAS)
def test_a_camera_looks_at_the_rooms_middle(camera):
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    seen = camera.to_camera(np.stack([studio.TARGET, studio.TARGET + np.array([0, 500, 0]), camera.position]))
    np.testing.assert_allclose(seen[0, :2], 0, atol=1e-9)
    assert seen[0, 2] == pytest.approx(np.linalg.norm(camera.position - studio.TARGET))
    assert seen[1, 1] < -400 and abs(seen[1, 0]) < 1e-9, "up in the room is up in the image"
    np.testing.assert_allclose(seen[2], 0, atol=1e-9)
    np.testing.assert_allclose(camera.project(seen[:1])[0], camera.intrinsics[2:], atol=1e-9)


def test_the_studio_sees_whole_people_3_to_6_meters_away():
    rng = np.random.default_rng(0)
    for action in ACTIONS:
        joints = draw_motion(rng, action, 60.0, studio.RADIUS).joints(np.arange(0, 60, 0.2), draw_body(rng))
        for camera in studio.CAMERAS:
            seen = camera.to_camera(joints)
            assert studio.in_image(camera.project(seen), margin=MARGIN).all(), action
            assert seen[..., 2].min() > 2500 and 3000 < seen[:, 6, 2].min() < seen[:, 6, 2].max() < 6000


def test_bones_are_constant_per_subject_alone(take):
    first = [s for s in take if s.sequence.endswith(" 1")]
    points, subject = np.stack([s.points for s in first]), np.array([s.subject for s in first])
    lengths = np.stack([np.linalg.norm(points[:, k] - points[:, parent], axis=-1) for k, parent in BONES], axis=-1)
    theirs = np.stack([lengths[subject == name] for name in SUBJECTS])
    assert theirs.shape[1] == 240 and theirs.std(axis=1).max() < 1e-9
    apart = np.linalg.norm(theirs[:, None, 0] - theirs[:, 0], axis=-1) + 1e3 * np.eye(len(SUBJECTS))
    assert apart.min() > 10, "mm"


def test_a_take_shows_all_actions_through_all_cameras(take):
    for subjects in PROTOCOLS[2].values():
        first = [s for s in take if s.subject in subjects and s.sequence.endswith(" 1")]
        sequences = {s.sequence for s in first}
        assert sequences == {f"{subject} {action} 1" for subject in subjects for action in ACTIONS}
        for sequence in sorted(sequences)[:3]:
            theirs = [s for s in first if s.sequence == sequence]
            assert [s.frame for s in theirs] == [studio.EVERY * k for k in range(SHOTS)]
            assert [s.number for s in theirs] == [0, 1, 2, 3] * 4
    assert sum(s.sequence == f"{subject} Directions 2" for s in take for subject in PROTOCOLS[2]["train"]) == 5


def test_shots_of_a_sequence_are_frames_of_its_motion(take):
    motion, body = studio.take_motion(SEED, "S1", "Greeting", 0), draw_body(studio.subject_rng(SEED, studio.BODY, "S1"))
    joints = motion.joints(np.arange(SHOTS * studio.EVERY) / studio.FPS, body)
    for shot in take:
        if shot.sequence == "S1 Greeting 1":
            np.testing.assert_allclose(shot.camera.to_camera(joints[shot.frame]), shot.points, atol=1e-9)


def test_everybody_elsewhere_is_somebody_else():
    shots = studio.wild_shots(SEED, 200)
    points = np.stack([s.points for s in shots])
    thigh = np.linalg.norm(points[:, MPII.index("r_knee")] - points[:, MPII.index("r_hip")], axis=-1)
    assert len(np.unique(thigh.round(3))) == 200 and len({s.sequence for s in shots}) == 200
    left = points[:, MPII.index("l_shoulder")] - points[:, MPII.index("r_shoulder")]
    turned = np.arctan2(left[:, 2], left[:, 0])
    assert np.histogram(turned, 4, (-np.pi, np.pi))[0].min() > 25, "people look anywhere"
    assert not np.allclose([s.points for s in studio.wild_shots(SEED + 1, 5)], points[:5])


SECONDS = 20.0
BODY = draw_body(np.random.default_rng(8))


def motion(action, seed=0):
    return draw_motion(np.random.default_rng(seed), action, SECONDS, studio.RADIUS)


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
    assert np.hypot(*joints[:, MPII.root, [0, 2]].T).max() <= studio.RADIUS + 1e-6


def test_who_walks_looks_where_they_go():
    moves = motion("Walking")
    steps = unit(np.diff(moves.place, axis=0))
    np.testing.assert_allclose(np.stack([np.sin(moves.heading), np.cos(moves.heading)], axis=-1)[1:], steps, atol=1e-9)


@pytest.mark.parametrize(("heading", "ahead"), [(0.0, [0, 0, 1]), (np.pi / 2, [1, 0, 0]), (np.pi, [0, 0, -1])])
def test_a_heading_turns_the_whole_body(heading, ahead):
    pose = joints_from_vectors(sample_directions(np.random.default_rng(2), 1) * BODY[:, None])
    joints = place_body(pose, np.array([heading]), np.array([[30.0, -40.0]]))[0]
    np.testing.assert_allclose(joints[MPII.root, [0, 2]], [30, -40])
    frame = np.stack([np.cross([0, 1, 0], ahead), [0, 1, 0], ahead])
    np.testing.assert_allclose((joints - joints[MPII.root]) @ frame.T, pose[0], atol=1e-9)
