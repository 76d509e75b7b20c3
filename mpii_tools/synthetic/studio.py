"""The studio: four fixed cameras with Human3.6M's lenses around a room, and cameras of any kind elsewhere.

The room's x and z run along the floor and y up, camera coordinates are those of `mpii_tools.depth.cameras`; both mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpii_tools.depth.cameras import project

SIZE = 500  # pixels of an image's side; Human3.6M's have 1000
MARGIN = 8  # pixels about a whole person
RADIUS = 600.0  # mm from the room's middle: so far people go

# Human3.6M's four cameras: fx fy cx cy at 1000 pixels, and k1 k2 k3 p1 p2.
INTRINSICS = np.array(
    [
        [1145.05, 1143.78, 512.54, 515.45],
        [1149.68, 1147.59, 508.85, 508.06],
        [1149.14, 1148.80, 519.82, 501.40],
        [1145.51, 1144.77, 514.97, 501.88],
    ]
)
DISTORTION = np.array(
    [
        [-0.20710, 0.24778, -0.00308, -0.00142, -0.00098],
        [-0.19421, 0.24041, 0.00682, -0.00274, -0.00162],
        [-0.20834, 0.25549, -0.00246, -0.00076, 0.00148],
        [-0.19838, 0.21832, -0.00895, -0.00181, -0.00059],
    ]
)
POSITIONS = np.array([[1700.0, 1560, 4400], [1650, 1610, -4250], [-1700, 1490, 4700], [-1650, 1570, -4000]])
TARGET = np.array([0.0, 900.0, 0.0])


@dataclass(frozen=True)
class Camera:
    """Where a camera is and what it does with a ray.

    Attributes:
        intrinsics: (4,) fx, fy, cx, cy in pixels. distortion: (5,) k1, k2, k3, p1, p2.
        rotation: (3, 3) rows are the camera's axes in the room. position: (3,) mm, in the room.
    """

    intrinsics: np.ndarray
    distortion: np.ndarray
    rotation: np.ndarray
    position: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the room in camera coordinates, mm."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., K, 2) of camera coordinates (..., K, 3)."""
        return project(points, self.intrinsics, self.distortion)


def look_at(position: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of a camera at `position` (3,) that looks at `target` (3,), turned by `roll` radians."""
    away = (target - position) / np.linalg.norm(target - position)
    right = np.cross(away, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(away, right)
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return turn @ np.stack([right, down, away])


def studio_cameras() -> list[Camera]:
    """The four cameras of the studio."""
    share = SIZE / 1000
    parts = zip(INTRINSICS * share, DISTORTION, POSITIONS, strict=True)
    return [Camera(lens, bend, look_at(place, TARGET), place) for lens, bend, place in parts]


def draw_camera(rng: np.random.Generator, joints: np.ndarray) -> Camera:
    """Some camera, 3 to 6 meters from a person's middle, that sees all of them; farther where they would not fit.

    Args:
        joints: (16, 3) the person in the room, mm.
    """
    lens = INTRINSICS[0] * SIZE / 1000 * [*np.full(2, rng.uniform(0.85, 1.3)), 1, 1]
    bend, roll = DISTORTION[0] * rng.random(), rng.normal(scale=0.05)
    middle = 0.5 * (joints.min(axis=0) + joints.max(axis=0))
    angle, height, distance = rng.uniform(0, 2 * np.pi), rng.uniform(400, 2400), rng.uniform(3000, 6000)
    aside = rng.normal(scale=250.0, size=3)
    while True:
        place = middle + distance * np.array([np.sin(angle), 0.0, np.cos(angle)])
        place[1] = height
        camera = Camera(lens, bend, look_at(place, middle + aside, roll), place)
        if in_image(camera.project(camera.to_camera(joints))).all():
            return camera
        distance, aside = distance * 1.08, aside * 0.8


def in_image(pixels: np.ndarray, margin: float = MARGIN) -> np.ndarray:
    """(...) bool: pixels (..., 2) at least `margin` from the edges of the image."""
    return ((pixels >= margin) & (pixels <= SIZE - 1 - margin)).all(axis=-1)
