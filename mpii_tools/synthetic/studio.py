"""People in three dimensions before cameras: in a studio with Human3.6M's lenses, and elsewhere.

In the studio, seven subjects named as Human3.6M's do its 15 actions before four fixed cameras; a take of an action is
one smooth motion. Elsewhere everybody is seen once, by a camera of their own. The room's x and z run along the floor
and y up, camera coordinates are those of `mpii_tools.cameras`; both mm.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from mpii_tools.annotations.human36m.protocols import ACTIONS, PROTOCOLS
from mpii_tools.cameras import Camera
from mpii_tools.synthetic.motion import Motion, draw_body, draw_motion, place_body
from mpii_tools.synthetic.pose_prior import joints_from_vectors, sample_directions

SIZE = 500  # pixels of an image's side; Human3.6M's have 1000
MARGIN = 8  # pixels about a whole person
RADIUS = 600.0  # mm from the room's middle: so far people go

# Human3.6M's four cameras: fx fy cx cy at 1000 pixels, and k1 k2 k3 p1 p2.
LENSES = np.array([
    [1145.05, 1143.78, 512.54, 515.45, -0.20710, 0.24778, -0.00308, -0.00142, -0.00098],
    [1149.68, 1147.59, 508.85, 508.06, -0.19421, 0.24041, 0.00682, -0.00274, -0.00162],
    [1149.14, 1148.80, 519.82, 501.40, -0.20834, 0.25549, -0.00246, -0.00076, 0.00148],
    [1145.51, 1144.77, 514.97, 501.88, -0.19838, 0.21832, -0.00895, -0.00181, -0.00059],
])  # fmt: skip
INTRINSICS, DISTORTION = LENSES[:, :4] * SIZE / 1000, LENSES[:, 4:]
POSITIONS = np.array([[1700.0, 1560, 4400], [1650, 1610, -4250], [-1700, 1490, 4700], [-1650, 1570, -4000]])
TARGET = np.array([0.0, 900.0, 0.0])

FPS, EVERY, SHOTS = 50, 64, 16  # a take is seen in 16 frames, every 64th of 50 a second, by one camera after another
TAKE_SECONDS = SHOTS * EVERY / FPS
# What a stream of random numbers is for; the seed and the rest of its name follow.
BODY, LOOK, ROOM, MOTION, PICTURE, ELSEWHERE = range(6)


def look_at(position: np.ndarray, target: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of a camera at `position` (3,) that looks at `target` (3,), turned by `roll` radians."""
    away = (target - position) / np.linalg.norm(target - position)
    right = np.cross(away, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return turn @ np.stack([right, np.cross(away, right), away])


CAMERAS = [Camera(look_at(place, TARGET), place, *lens)
           for place, *lens in zip(POSITIONS, INTRINSICS, DISTORTION, strict=True)]  # fmt: skip


def draw_camera(rng: np.random.Generator, joints: np.ndarray) -> Camera:
    """Some camera, 3 to 6 meters from a person's middle, that sees all of them; farther where they would not fit.

    Args:
        joints: (16, 3) the person in the room, mm.
    """
    lens = INTRINSICS[0] * [*np.full(2, rng.uniform(0.85, 1.3)), 1, 1]
    bend, roll = DISTORTION[0] * rng.random(), rng.normal(scale=0.05)
    middle = 0.5 * (joints.min(axis=0) + joints.max(axis=0))
    angle, height, distance = rng.uniform(0, 2 * np.pi), rng.uniform(400, 2400), rng.uniform(3000, 6000)
    aside = rng.normal(scale=250.0, size=3)
    while True:
        place = middle + distance * np.array([np.sin(angle), 0.0, np.cos(angle)])
        place[1] = height
        camera = Camera(look_at(place, middle + aside, roll), place, lens, bend)
        if in_image(camera.project(camera.to_camera(joints)), margin=MARGIN).all():
            return camera
        distance, aside = distance * 1.08, aside * 0.8


def in_image(points: np.ndarray, height: int = SIZE, width: int = SIZE, margin: float = 0.0) -> np.ndarray:
    """(...) bool: points (..., 2) inside an image, at least `margin` pixels from its outer pixels' centers."""
    return ((points >= margin) & (points <= (width - 1 - margin, height - 1 - margin))).all(axis=-1)


@dataclass(frozen=True)
class Shot:
    """One picture to draw.

    Attributes:
        points: (16, 3) camera coordinates in mm.
        camera: which sees them.
        subject, action, sequence, frame: as in `Depth`.
        number: of the studio's camera, -1 elsewhere.
    """

    points: np.ndarray
    camera: Camera
    subject: str = ""
    action: str = ""
    sequence: str = ""
    frame: int = -1
    number: int = -1


def studio_shots(seed: int, train: int, valid: int) -> list[Shot]:
    """The first `train` pictures of the training subjects and the first `valid` ones of the others.

    All subjects and all actions come before the next frame of a take, all frames before the next take.
    """
    shots = []
    for count, subjects in zip((train, valid), PROTOCOLS[2].values(), strict=True):
        for i in range(count):
            subject, action = subjects[i % len(subjects)], ACTIONS[i // len(subjects) % len(ACTIONS)]
            take, shot = divmod(i // (len(subjects) * len(ACTIONS)), SHOTS)
            motion = take_motion(seed, subject, action, take)
            body, number = draw_body(subject_rng(seed, BODY, subject)), shot % len(CAMERAS)
            points = CAMERAS[number].to_camera(motion.joints(np.array([shot * EVERY / FPS]), body)[0])
            sequence = f"{subject} {action} {take + 1}"
            shots.append(Shot(points, CAMERAS[number], subject, action, sequence, shot * EVERY, number))
    return shots


def wild_shots(seed: int, count: int) -> list[Shot]:
    """The pictures of people never labeled in depth."""
    shots = []
    for index in range(count):
        rng = np.random.default_rng([seed, ELSEWHERE, index])
        pose = joints_from_vectors(sample_directions(rng, 1) * draw_body(rng)[:, None])
        (points,) = place_body(pose, rng.uniform(0, 2 * np.pi, 1), np.zeros((1, 2)))
        camera = draw_camera(rng, points)
        shots.append(Shot(camera.to_camera(points), camera, sequence=image_name(index)))
    return shots


@cache
def take_motion(seed: int, subject: str, action: str, take: int) -> Motion:
    """What a subject does in a take of an action."""
    return draw_motion(subject_rng(seed, MOTION, subject, ACTIONS.index(action), take), action, TAKE_SECONDS, RADIUS)


def subject_rng(seed: int, stream: int, subject: str, *numbers: int) -> np.random.Generator:
    """The random numbers of one purpose for one subject, S11 being 11."""
    return np.random.default_rng([seed, stream, int(subject[1:]), *numbers])


def image_name(index: int) -> str:
    """File name of image `index`, nine digits as MPII's."""
    return f"{index + 1:09d}.jpg"
