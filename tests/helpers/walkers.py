"""Drawn people in motion, seen from the side, and stand-ins for the network and the detector that look at them."""

import numpy as np

from heads.skeleton import MPII
from ief.inference.boxes import pose_boxes
from ief.inference.poses import Poses
from ief.inference.smoothing import PoseSmoother
from ief.inference.stream import Outcome
from ief.inference.video import predict_frames
from mpii_tools.synthetic.studio import draw_body, draw_motion

FPS, WIDTH, HEIGHT = 25, 640, 360


def overlap(first, second):
    """What boxes (..., 4) have in common, as a part of the smaller one of each pair."""
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    return sides.clip(0).prod(axis=-1) / np.minimum(*areas)


def draw_walk(rng, frames, action="Walking", height=200.0):
    """(F, 16, 2) image pixels of somebody of about that height, the pelvis at x = 0, on a floor at y = 0."""
    joints = draw_motion(rng, action, frames / FPS, 600.0).joints(np.arange(frames) / FPS, draw_body(rng))
    return (joints[..., :2] - [1, 0] * joints[:, 6:7, :2]) * [1, -1] * height / 1700


def draw_crossing(seed, frames=100):
    """(F, 2, 16, 2) image pixels of two people who walk past one another, the second in front."""
    rng = np.random.default_rng(seed)
    people = []
    for way in (1, -1):
        speed = np.clip(1 + 0.3 * np.sin(rng.uniform(0, 6) + np.arange(frames) / rng.uniform(8, 20)), 0.5, None)
        x = np.cumsum(speed) / speed.sum() - 0.5
        joints = draw_walk(rng, frames, height=rng.uniform(170, 230))
        joints[..., 0] += WIDTH / 2 + way * rng.uniform(300, 480) * x[:, None] + rng.normal(0, 10)
        joints[..., 1] += HEIGHT - 60 + rng.normal(0, 10)
        people.append(joints)
    return np.stack(people, axis=1)


class Onlooker:
    """A predictor and a detector that know where everybody is, and see nobody who is hidden.

    Args:
        clip: (F, P, 16, 2) image pixels; who comes later stands in front.
        noise: std of what they see beside the truth, as a part of a person's size.
        hidden: part of a person's box behind another's at which they are not seen; above 1 for never.
        missed: share of people that the detector does not see.
    """

    skeleton = MPII

    def __init__(self, clip, noise=0.02, hidden=2.0, missed=0.1, seed=0):
        self.clip, self.noise, self.hidden, self.missed = clip, noise, hidden, missed
        self.rng, self.place = np.random.default_rng(seed), -1

    def frames(self):
        """Empty images, one for each frame."""
        for place in range(len(self.clip)):
            self.place = place
            yield np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    def look(self):
        """(S, 16, 2) joints and (S, 4) boxes of those who are seen in this frame."""
        joints = self.clip[self.place]
        boxes = pose_boxes(joints)
        seen = [all(overlap(box, other) < self.hidden for other in boxes[row + 1 :]) for row, box in enumerate(boxes)]
        return joints[seen], boxes[seen]

    def find_people(self, frame):
        """The detector."""
        boxes = self.look()[1]
        boxes = boxes[self.rng.random(len(boxes)) >= self.missed]
        return boxes + self.rng.normal(0, self.noise, boxes.shape) * np.ptp(boxes[:, 1::2], axis=1)[:, None], None

    def stream(self, images, find_people):
        """The network: in each box the joints of the person whose box's middle is nearest."""
        for people in images:
            found, (joints, boxes) = find_people(people.image)[0], self.look()
            found = found[(found[:, 2:] > found[:, :2]).all(axis=1)]
            distances = found[:, None] + found[:, None, [2, 3, 0, 1]] - boxes - boxes[:, [2, 3, 0, 1]]
            nearest = np.linalg.norm(distances, axis=-1).argmin(axis=1)
            sizes = np.ptp(boxes.reshape(-1, 2, 2), axis=1).max(axis=1)[nearest, None, None]
            poses = joints[nearest] + self.rng.normal(size=(len(nearest), 16, 2)) * self.noise * sizes
            none = np.full(poses.shape[:2], np.nan)
            poses = Poses(poses, MPII, found, none, none[:, 0], np.arange(len(poses)), people.name)
            yield Outcome(poses, [])


def name_people(clip, track):
    """(F, P) the number of the pose nearest to each person, -1 where none is within a tenth of their size.

    Args:
        track: yields (frame, Poses) for each frame.
    """
    names = np.full(clip.shape[:2], -1)
    for frame, (joints, (_, poses)) in enumerate(zip(clip, track, strict=True)):
        if len(poses):
            distances = np.linalg.norm(poses.joints[None] - joints[:, None], axis=-1).mean(axis=-1)
            near = distances.min(axis=1) < 0.1 * np.ptp(joints, axis=1).max(axis=1)
            names[frame, near] = poses.rows[distances.argmin(axis=1)][near]
    return names


def count_exchanges(onlookers):
    """Of clips of two people: those after whom one has the other's number, and those after whom one has a new one.

    Each has the number that they are first seen with in the second fifth, and last at all.
    """
    exchanged = renamed = 0
    for looking in onlookers:
        track = predict_frames(looking, looking.frames(), "clip", find_people=looking.find_people)
        names = name_people(looking.clip, track)
        before, after = (
            np.array([of[of >= 0][place] for of in part.T])
            for part, place in ((names[len(names) // 5 :], 0), (names, -1))
        )
        exchanged += bool((after == before[::-1]).any())
        renamed += bool((~np.isin(after, before)).any())
    return exchanged, renamed


def measure_smoothing(rng, true, noise):
    """Jitter and error of smoothed joints as parts of those before, and the seconds by which they lag behind.

    Jitter is the mean second difference of the distance (F, K, 2) to the truth; the lag is the shift of the truth, in
    time, that smoothed joints without noise are nearest to.

    Args:
        true: (F, K, 2) image pixels. noise: as in `Onlooker`.
    """
    seen = true + rng.normal(size=true.shape) * noise * np.ptp(true, axis=1).max(axis=-1)[:, None, None]
    smooth = [PoseSmoother(), PoseSmoother()]
    steady, late = (
        np.array([each(pose[None], [0], place / FPS)[0] for place, pose in enumerate(joints)])
        for each, joints in zip(smooth, (seen, true), strict=True)
    )
    beside = [(joints - true)[FPS:] for joints in (steady, seen)]
    jitter, error = (
        np.divide(*(np.linalg.norm(np.diff(one, n=order, axis=0), axis=-1).mean() for one in beside))
        for order in (2, 0)
    )
    moved = np.gradient(true, 1 / FPS, axis=0)[FPS:]
    return jitter, error, -((late - true)[FPS:] * moved).sum() / (moved**2).sum()
