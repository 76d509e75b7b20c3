"""The cameras: rigid, Human3.6M's lenses, and everybody whole in the image."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mpii_tools.synthetic.bodies import draw_body
from mpii_tools.synthetic.motion import draw_motion
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d
from mpii_tools.synthetic.studio import (
    DISTORTION,
    INTRINSICS,
    MARGIN,
    RADIUS,
    SIZE,
    TARGET,
    draw_camera,
    in_image,
    look_at,
    studio_cameras,
)


def test_lenses_are_human36ms(shared):
    cameras = json.loads((shared / "threed" / "h36m" / "cameras.json").read_text())["S1"].values()
    np.testing.assert_allclose(INTRINSICS, [c["f"] + c["c"] for c in cameras], atol=0.006)
    np.testing.assert_allclose(DISTORTION, [c["k"] + c["p"] for c in cameras], atol=6e-6)


@pytest.mark.parametrize("camera", studio_cameras())
def test_a_camera_looks_at_the_rooms_middle_with_its_head_up(camera):
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    seen = camera.to_camera(np.stack([TARGET, TARGET + np.array([0, 500, 0]), camera.position]))
    np.testing.assert_allclose(seen[0, :2], 0, atol=1e-9)
    assert seen[0, 2] == pytest.approx(np.linalg.norm(camera.position - TARGET))
    assert seen[1, 1] < -400 and abs(seen[1, 0]) < 1e-9, "up in the room is up in the image"
    np.testing.assert_allclose(seen[2], 0, atol=1e-9)
    np.testing.assert_allclose(camera.project(seen[:1])[0], camera.intrinsics[2:], atol=1e-9)


def test_roll_turns_the_image_about_its_middle():
    position, roll = np.array([300.0, 1500, -4000]), 0.3
    straight, turned = (look_at(position, TARGET, angle) for angle in (0.0, roll))
    np.testing.assert_allclose(turned @ straight.T, Rotation.from_euler("z", -roll).as_matrix(), atol=1e-12)


def test_the_studio_sees_whole_people_three_to_six_meters_away():
    rng = np.random.default_rng(0)
    for action in load_prior_3d().actions:
        motion = draw_motion(rng, action, 60.0, RADIUS)
        joints = motion.joints(np.arange(0, 60, 0.2), draw_body(rng))
        for camera in studio_cameras():
            seen = camera.to_camera(joints)
            assert in_image(camera.project(seen)).all(), action
            assert seen[..., 2].min() > 2500 and 3000 < seen[:, 6, 2].min() < seen[:, 6, 2].max() < 6000


def test_a_camera_elsewhere_sees_the_whole_person():
    rng = np.random.default_rng(1)
    motion = draw_motion(rng, "", 120.0, 0.0)
    people = motion.joints(np.arange(0, 120, 0.6), draw_body(rng))
    cameras = [draw_camera(rng, joints) for joints in people]
    pixels = np.stack(
        [camera.project(camera.to_camera(joints)) for camera, joints in zip(cameras, people, strict=True)]
    )
    assert pixels.min() >= MARGIN and pixels.max() <= SIZE - 1 - MARGIN
    assert min(camera.position[1] for camera in cameras) > 0, "above the floor"
    distance = [np.linalg.norm(c.position - p.mean(axis=0)) for c, p in zip(cameras, people, strict=True)]
    assert min(distance) > 2500 and np.ptp(distance) > 2000 and max(distance) < 9000
