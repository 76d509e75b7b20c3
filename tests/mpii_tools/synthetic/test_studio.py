"""The studio and elsewhere: Human3.6M's lenses, everybody whole in the image, and who is seen when by which camera."""

import json

import numpy as np
import pytest

from heads.skeleton import MPII
from mpii_tools.annotations.human36m.protocols import ACTIONS, PROTOCOLS, SUBJECTS
from mpii_tools.synthetic import studio
from mpii_tools.synthetic.studio import (
    EVERY,
    FPS,
    MARGIN,
    SHOTS,
    TARGET,
    draw_body,
    draw_motion,
    in_image,
    studio_shots,
    wild_shots,
)  # fmt: skip # isort: skip

SEED = 3
BONES = [(k, parent) for k, parent in enumerate(MPII.parents) if parent >= 0]


@pytest.fixture(scope="module")
def take():
    """The shots of all actions and subjects in their first take, and of five training subjects in the second."""
    return studio_shots(SEED, 5 * 15 * SHOTS + 5, 2 * 15 * SHOTS)


def test_lenses_are_human36ms(shared):
    cameras = json.loads((shared / "threed" / "h36m" / "cameras.json").read_text())["S1"].values()
    np.testing.assert_allclose(studio.LENSES[:, :4], [c["f"] + c["c"] for c in cameras], atol=0.006)
    np.testing.assert_allclose(studio.LENSES[:, 4:], [c["k"] + c["p"] for c in cameras], atol=6e-6)


@pytest.mark.parametrize("camera", studio.CAMERAS)
def test_a_camera_looks_at_the_rooms_middle(camera):
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    seen = camera.to_camera(np.stack([TARGET, TARGET + np.array([0, 500, 0]), camera.position]))
    np.testing.assert_allclose(seen[0, :2], 0, atol=1e-9)
    assert seen[0, 2] == pytest.approx(np.linalg.norm(camera.position - TARGET))
    assert seen[1, 1] < -400 and abs(seen[1, 0]) < 1e-9, "up in the room is up in the image"
    np.testing.assert_allclose(seen[2], 0, atol=1e-9)
    np.testing.assert_allclose(camera.project(seen[:1])[0], camera.intrinsics[2:], atol=1e-9)


def test_the_studio_sees_whole_people_3_to_6_meters_away():
    rng = np.random.default_rng(0)
    for action in ACTIONS:
        motion = draw_motion(rng, action, 60.0, studio.RADIUS)
        joints = motion.joints(np.arange(0, 60, 0.2), draw_body(rng))
        for camera in studio.CAMERAS:
            seen = camera.to_camera(joints)
            assert in_image(camera.project(seen), margin=MARGIN).all(), action
            assert seen[..., 2].min() > 2500 and 3000 < seen[:, 6, 2].min() < seen[:, 6, 2].max() < 6000


def test_bones_are_constant_per_subject_alone(take):
    first = [s for s in take if s.sequence.endswith(" 1")]
    points, subject = np.stack([s.points for s in first]), np.array([s.subject for s in first])
    lengths = np.stack([np.linalg.norm(points[:, k] - points[:, parent], axis=-1) for k, parent in BONES], axis=-1)
    means = []
    for name in SUBJECTS:
        theirs = lengths[subject == name]
        assert len(theirs) == 240 and theirs.std(axis=0).max() < 1e-9
        means.append(theirs.mean(axis=0))
    apart = np.linalg.norm(np.array(means)[:, None] - means, axis=-1) + 1e3 * np.eye(len(means))
    assert apart.min() > 10, "mm"


def test_a_take_shows_all_actions_through_all_cameras(take):
    for subjects in PROTOCOLS[2].values():
        first = [s for s in take if s.subject in subjects and s.sequence.endswith(" 1")]
        sequences = {s.sequence for s in first}
        assert sequences == {f"{subject} {action} 1" for subject in subjects for action in ACTIONS}
        for sequence in sorted(sequences)[:3]:
            theirs = [s for s in first if s.sequence == sequence]
            assert [s.frame for s in theirs] == [EVERY * k for k in range(SHOTS)]
            assert [s.number for s in theirs] == [0, 1, 2, 3] * 4
    assert sum(s.sequence == f"{subject} Directions 2" for s in take for subject in PROTOCOLS[2]["train"]) == 5


def test_shots_of_a_sequence_are_frames_of_its_motion(take):
    motion, body = studio.take_motion(SEED, "S1", "Greeting", 0), draw_body(studio.subject_rng(SEED, studio.BODY, "S1"))
    joints = motion.joints(np.arange(SHOTS * EVERY) / FPS, body)
    for shot in take:
        if shot.sequence == "S1 Greeting 1":
            np.testing.assert_allclose(shot.camera.to_camera(joints[shot.frame]), shot.points, atol=1e-9)


def test_everybody_elsewhere_is_somebody_else():
    shots = wild_shots(SEED, 200)
    points = np.stack([s.points for s in shots])
    thigh = np.linalg.norm(points[:, MPII.index("r_knee")] - points[:, MPII.index("r_hip")], axis=-1)
    assert len(np.unique(thigh.round(3))) == 200 and len({s.sequence for s in shots}) == 200
    left = points[:, MPII.index("l_shoulder")] - points[:, MPII.index("r_shoulder")]
    turned = np.arctan2(left[:, 2], left[:, 0])
    assert np.histogram(turned, 4, (-np.pi, np.pi))[0].min() > 25, "people look anywhere"
    assert not np.allclose([s.points for s in wild_shots(SEED + 1, 5)], points[:5])
