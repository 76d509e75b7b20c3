"""What the pictures of synthetic people in three dimensions show: who, in which pose, seen by which camera.

In the studio, seven subjects named as Human3.6M's do its 15 actions; a take of an action is one smooth motion.
Elsewhere everybody is seen once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from mpii_tools.synthetic.bodies import draw_body, pose_body
from mpii_tools.synthetic.motion import Motion, draw_motion, place_body
from mpii_tools.synthetic.pictures import image_name
from mpii_tools.synthetic.pose_prior_3d import load_prior_3d, sample_directions
from mpii_tools.synthetic.studio import RADIUS, Camera, draw_camera, studio_cameras

SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "valid": ("S9", "S11")}
FPS, EVERY, SHOTS = 50, 64, 16  # a take is seen in 16 frames, every 64th of 50 a second, by one camera after another
TAKE_SECONDS = SHOTS * EVERY / FPS
# What a stream of random numbers is for; the seed and the rest of its name follow.
BODY, LOOK, ROOM, MOTION, PICTURE, ELSEWHERE = range(6)


@dataclass(frozen=True)
class Shot:
    """One picture to draw.

    Attributes:
        points: (16, 3) camera coordinates in mm.
        camera: which sees them.
        split, subject, action, sequence, frame: as in `People` and `Depth`.
        number: of the studio's camera, -1 elsewhere.
    """

    points: np.ndarray
    camera: Camera
    split: str
    subject: str = ""
    action: str = ""
    sequence: str = ""
    frame: int = -1
    number: int = -1


def studio_shots(seed: int, counts: dict[str, int]) -> list[Shot]:
    """The first `counts[split]` pictures of each split: all subjects and actions before the next frame, then take."""
    cameras, shots = studio_cameras(), []
    for split, subjects in SUBJECTS.items():
        actions = load_prior_3d().actions
        for i in range(counts[split]):
            subject, action = subjects[i % len(subjects)], actions[i // len(subjects) % len(actions)]
            take, shot = divmod(i // (len(subjects) * len(actions)), SHOTS)
            motion = take_motion(seed, subject, action, take)
            points = motion.joints(np.array([shot * EVERY / FPS]), subject_body(seed, subject))[0]
            number = shot % len(cameras)
            seen = cameras[number].to_camera(points)
            sequence = f"{subject} {action} {take + 1}"
            shots.append(Shot(seen, cameras[number], split, subject, action, sequence, shot * EVERY, number))
    return shots


def wild_shots(seed: int, counts: dict[str, int]) -> list[Shot]:
    """The pictures of people never labeled in depth, split after split."""
    splits = np.repeat(list(counts), list(counts.values())).tolist()
    return [_wild_shot(np.random.default_rng([seed, ELSEWHERE, i]), i, split) for i, split in enumerate(splits)]


def _wild_shot(rng: np.random.Generator, index: int, split: str) -> Shot:
    pose = pose_body(sample_directions(rng, 1), draw_body(rng))
    points = place_body(pose, rng.uniform(0, 2 * np.pi, 1), np.zeros((1, 2)))[0]
    camera = draw_camera(rng, points)
    return Shot(camera.to_camera(points), camera, split, sequence=image_name(index))


@cache
def take_motion(seed: int, subject: str, action: str, take: int) -> Motion:
    """What a subject does in a take of an action."""
    rng = np.random.default_rng([seed, MOTION, subject_number(subject), load_prior_3d().actions.index(action), take])
    return draw_motion(rng, action, TAKE_SECONDS, RADIUS)


def subject_body(seed: int, subject: str) -> np.ndarray:
    """(13,) lengths in mm of a subject's body vectors."""
    return draw_body(np.random.default_rng([seed, BODY, subject_number(subject)]))


def subject_number(subject: str) -> int:
    """11 for S11."""
    return int(subject.removeprefix("S"))
