"""People in three dimensions before cameras: in a studio with Human3.6M's lenses, and elsewhere.

In the studio, seven subjects named as Human3.6M's do its 15 actions before four fixed cameras; a take of an action is
one smooth motion. Elsewhere everybody is seen once, by a camera of their own. The room's x and z run along the floor
and y up, camera coordinates are those of `mpii_tools.cameras`; both mm.

Bodies move from key pose to key pose as hands move from point to point: every move starts and ends at rest and has the
least jerk in between (Flash and Hogan 1985), so the share of the way after a share s of its time is
10 s^3 - 15 s^4 + 6 s^5. Bones turn along great circles, so that their speed is bounded: 1.875 times the angle per time
at most.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from heads.skeleton import MPII
from mpii_tools.annotations.human36m.protocols import ACTIONS, PROTOCOLS
from mpii_tools.cameras import Camera
from mpii_tools.synthetic import pose_prior

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

SIZE_STD = 0.05  # of a body's size, as a share of the common person's: 9 cm of height
BONE_STD = 0.035  # of a bone's length beyond its body's size
# Height of the joints above the floor on which the body rests, mm: half of the limb's thickness, and the heel.
CLEARANCE = {"ankle": 85.0, "knee": 60.0, "hip": 100.0, "pelvis": 100.0, "thorax": 110.0, "shoulder": 70.0}
ABOVE_FLOOR = np.array([CLEARANCE.get(name.split("_")[-1], 50.0) for name in MPII.names])
SOFTNESS = 20.0  # mm: the body leaves one resting point for another smoothly

KEEP_COMPONENT = 0.6  # probability that the next key pose is of the same component of the prior
KEEP_NOISE = 0.5  # correlation of its place there with the last one's; every key pose has the prior's distribution
WALKS = ("Walking", "WalkDog", "WalkTogether")  # they cross the room, looking where they go
STEP, TURN = 120.0, 0.5  # stds of the others' moves and turns: mm, radians
SHORTEST_MOVE = 0.6  # seconds
# Greatest mean speeds of a move: of a bone and of the whole body in radians, of the body in mm, per second.
BONE_SPEED, TURN_SPEED, WALK_SPEED = 2.0, 1.2, 700.0


def draw_body(rng: np.random.Generator) -> np.ndarray:
    """(13,) lengths in mm of a random person's body vectors, left and right alike."""
    size = 1 + SIZE_STD * np.clip(rng.standard_normal(), -2, 2)
    # Left and right are one.
    kinds, kind_of = np.unique([name.split("_")[-1] for name in pose_prior.VECTORS], return_inverse=True)
    shares = 1 + BONE_STD * np.clip(rng.standard_normal(len(kinds)), -2, 2)
    return pose_prior.load_prior("pose_prior_3d")["lengths"] * size * shares[kind_of]


@dataclass(frozen=True)
class Motion:
    """K key poses of one person in a room.

    Attributes:
        times: (K,) seconds, ascending from 0: when each is reached.
        directions: (K, 13, 3) unit body vectors in the body's frame: x to its left, y up, z ahead.
        heading: (K,) radians about the vertical: 0 looks along the room's z, a quarter turn along its x.
        place: (K, 2) the pelvis' x and z in the room, mm.
    """

    times: np.ndarray
    directions: np.ndarray
    heading: np.ndarray
    place: np.ndarray

    def joints(self, times: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """(F, 16, 3) joints of a body with bones of `lengths` (13,) mm, in the room, mm and y up, floor y = 0.

        `times` (F,) are seconds within the key poses' own.
        """
        key = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        share = (times - self.times[key]) / (self.times[key + 1] - self.times[key])
        share = share**3 * (10 - 15 * share + 6 * share**2)
        directions = slerp(self.directions[key], self.directions[key + 1], share[:, None, None])
        pose = pose_prior.joints_from_vectors(directions * lengths[:, None])
        heading = self.heading[key] + share * (self.heading[key + 1] - self.heading[key])
        return place_body(pose, heading, self.place[key] + share[:, None] * (self.place[key + 1] - self.place[key]))


def place_body(joints: np.ndarray, heading: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Bodies (F, 16, 3) from their own frames to the floor of the room, where they rest with whatever is lowest.

    Args:
        joints: mm, y up. heading: (F,), place: (F, 2) as in `Motion`.
    """
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y, z = np.moveaxis(joints, -1, 0)
    below = (ABOVE_FLOOR - y) / SOFTNESS
    most = below.max(axis=-1, keepdims=True)
    lift = SOFTNESS * (most + np.log(np.exp(below - most).sum(axis=-1, keepdims=True)))
    return np.stack([cos * x + sin * z + place[:, :1], y + lift, cos * z - sin * x + place[:, 1:]], axis=-1)


def slerp(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) a `share` (broadcast) of the way from `start` to `end` along the great circle."""
    cosine = (start * end).sum(axis=-1, keepdims=True)
    aside = end - cosine * start
    norm = np.linalg.norm(aside, axis=-1, keepdims=True)
    angle = np.arctan2(norm, cosine) * share
    return pose_prior.unit(np.cos(angle) * start + np.sin(angle) * aside / np.maximum(norm, 1e-12))


def draw_motion(rng: np.random.Generator, action: str, seconds: float, radius: float) -> Motion:
    """A random motion of an action, '' for any, at least `seconds` long, with the pelvis within `radius` mm."""
    keys = int(np.ceil(seconds / SHORTEST_MOVE)) + 1
    directions = _draw_key_poses(rng, action, keys)
    heading, place = _draw_path(rng, action in WALKS, keys, radius)
    shortest = [
        np.arccos(np.clip((directions[1:] * directions[:-1]).sum(axis=-1), -1, 1)).max(axis=1) / BONE_SPEED,
        np.abs(np.diff(heading)) / TURN_SPEED,
        np.linalg.norm(np.diff(place, axis=0), axis=1) / WALK_SPEED,
        np.full(keys - 1, SHORTEST_MOVE),
    ]
    moves = np.max(shortest, axis=0) * rng.uniform(1.0, 1.6, keys - 1)
    return Motion(np.concatenate([[0.0], np.cumsum(moves)]), directions, heading, place)


def _draw_key_poses(rng: np.random.Generator, action: str, keys: int) -> np.ndarray:
    """(keys, 13, 3) poses of the action, each near the last one, all together distributed as the prior says."""
    fresh = pose_prior.draw_components(rng, keys, action)
    changes = np.concatenate([[True], rng.random(keys - 1) >= KEEP_COMPONENT])
    component = fresh[np.maximum.accumulate(np.where(changes, np.arange(keys), 0))]
    noise = rng.standard_normal((keys, pose_prior.NUMBERS))
    for key in range(1, keys):
        noise[key] = KEEP_NOISE * noise[key - 1] + np.sqrt(1 - KEEP_NOISE**2) * noise[key]
    return pose_prior.draw_directions(component, noise)


def _draw_path(rng: np.random.Generator, walks: bool, keys: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Headings (keys,) and places (keys, 2) within `radius` mm of the room's middle."""
    angle, reach = rng.uniform(0, 2 * np.pi, keys), radius * np.sqrt(rng.random(keys))
    place = reach[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    steps = rng.normal(scale=STEP, size=(keys, 2))
    turns = rng.normal(scale=TURN, size=keys)
    if walks:
        ahead = np.diff(place, axis=0, prepend=place[:1] - steps[:1])
        return np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 1])), place
    for key in range(1, keys):
        place[key] = place[key - 1] + steps[key]
        place[key] *= min(1.0, radius / np.hypot(*place[key]))
    return rng.uniform(0, 2 * np.pi) + np.cumsum(turns), place


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
        pose = pose_prior.joints_from_vectors(pose_prior.sample_directions(rng, 1) * draw_body(rng)[:, None])
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
