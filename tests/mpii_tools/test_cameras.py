"""Projection and back-projection: against OpenCV and against each other."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpii_tools.cameras import back_project, project, undistort

CAMERA = np.array([1145.0, 1143.8, 512.5, 515.5])
DISTORTION = np.array([-0.2071, 0.2478, -0.0031, -0.0014, -0.00098])


def points_in_view(seed, *shape):
    rng = np.random.default_rng(seed)
    z = rng.uniform(1500, 8000, (*shape, 1))
    return np.concatenate([z * rng.uniform(-0.45, 0.45, (*shape, 2)), z], axis=-1)


@pytest.mark.parametrize("distortion", [np.zeros(5), DISTORTION, np.array([0.1, -0.05, 0.02, 0.01, -0.02])])
def test_projection_is_opencvs(distortion):
    points = points_in_view(0, 50)
    fx, fy, cx, cy = CAMERA
    k1, k2, k3, p1, p2 = distortion
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array([k1, k2, p1, p2, k3]))
    np.testing.assert_allclose(project(points, CAMERA, distortion), expected[:, 0], atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.floats(-0.25, 0.25), min_size=3, max_size=3),
       st.lists(st.floats(-0.01, 0.01), min_size=2, max_size=2))  # fmt: skip
def test_back_projection_is_the_inverse(seed, radial, tangential):
    distortion = np.array([*radial, *tangential])
    points = points_in_view(seed, 3, 16)
    cameras = np.stack([CAMERA, CAMERA * 0.5, CAMERA * 2])
    found = back_project(project(points, cameras, distortion), points[..., 2], cameras, distortion)
    np.testing.assert_allclose(found, points, atol=1e-5, rtol=1e-8)


def test_what_no_ray_reaches_is_nan():
    barrel = np.array([-0.5, 0.0, 0.0, 0.0, 0.0])  # u' = u (1 - u^2 / 2) never exceeds 0.545
    assert np.isnan(undistort(np.array([[5.0, 0.0], [0.1, 0.0]]), barrel)).tolist() == [[True, True], [False, False]]


def test_behind_the_camera_nothing_appears():
    points = np.array([[10.0, 10.0, -500.0], [10.0, 10.0, 0.0], [np.nan, 0.0, 1.0], [0.0, 0.0, 1.0]])
    assert np.isfinite(project(points, CAMERA, DISTORTION)).all(axis=1).tolist() == [False, False, False, True]
