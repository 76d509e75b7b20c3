"""Who is who in a video: numbers that stay with their people while they cross, and over gaps of up to a second."""

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from scipy.optimize import linear_sum_assignment

from ief.inference.boxes import describe_faults, pose_boxes
from ief.inference.poses import Poses

LOST = 0.02  # of the image's shorter side: a pose smaller than this has lost its person
SAME = 0.5  # of the smaller of two boxes: one person's have more in common
TWIN = 0.1  # of a person's size: poses whose joints are closer, on average, are of one person
GAP = 1.0  # seconds that a number is kept for somebody who is lost
GAIN = 0.2  # of what a motion was misjudged by, taken into the next judgment


@dataclass
class Track:
    """One person as last seen.

    Attributes:
        points: (2 + K, 2) image pixels: two corners of the box, and the joints; of a detection its middle, (3, 2).
        time: seconds, when that was.
        velocity: (2,) pixels per second.
        gone: whether they were lost, so that only a detector finds them again.
    """

    points: np.ndarray
    time: float
    velocity: np.ndarray | float = 0.0
    gone: bool = False

    def predict(self, time: float) -> np.ndarray:
        """The points where they are then, if they move on as they did."""
        return self.points + self.velocity * min(time - self.time, GAP)


class Tracker:
    """The people of a video whom a detector finds now and then; `update` comes after each frame."""

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}
        self.time, self.born = 0.0, count()

    def predict_boxes(self, time: float) -> dict[int, np.ndarray]:
        """Number of each person who may be seen -> (4,) where to look for them at that time."""
        self.tracks = {number: track for number, track in self.tracks.items() if self.time - track.time <= GAP}
        return {number: track.predict(time)[:2].ravel() for number, track in self.tracks.items() if not track.gone}

    def add_detections(self, boxes: np.ndarray, time: float) -> None:
        """Take in those of a detector's boxes (P, 4) that are of nobody seen in the frame before.

        They are of those who were lost and would be there, so that all have most in common, or else of somebody new.
        """
        seen = [box for number, box in self.predict_boxes(time).items() if self.tracks[number].time == self.time]
        boxes = boxes[(overlap(boxes[:, None], np.reshape(seen, (-1, 4))) < SAME).all(axis=1)]
        lost = {number: track.predict(time)[:2] for number, track in self.tracks.items() if track.time < self.time}
        shared = overlap(boxes[:, None], np.reshape([*lost.values()], (-1, 4)))
        pairs = dict(zip(*linear_sum_assignment(-shared), strict=True))
        for row, box in enumerate(boxes):
            near = row in pairs and shared[row, pairs[row]] > 0
            number = [*lost][pairs[row]] if near else next(self.born)
            self.tracks[number] = Track(np.vstack([box.reshape(2, 2), (box[:2] + box[2:]) / 2]), time)

    def update(self, poses: Poses, width: int, height: int, time: float) -> Poses:
        """The poses under the numbers of the people whose motion and pose lead to them, each person once.

        Of two who are found in one place, one is hidden: their number waits.

        Args:
            poses: those found in the boxes of `predict_boxes`, whose numbers are `rows`.
            width, height: of the image.
        """
        joints, tracks = poses.joints[..., :2], [self.tracks[number] for number in poses.rows.tolist()]
        sizes = np.ptp(pose_boxes(joints).reshape(-1, 2, 2), axis=1).max(axis=1)
        kept = np.flatnonzero(~np.triu(measure_distances(joints, joints) < TWIN * sizes, 1).any(axis=0))
        wanted = [np.broadcast_to(track.predict(time)[2:], joints.shape[1:]) for track in tracks]
        rows, columns = linear_sum_assignment(measure_distances(np.reshape(wanted, joints.shape), joints[kept]))
        people = {name: getattr(poses, name)[kept[columns]] for name in ("joints", "boxes", "scores", "box_scores")}
        poses = replace(poses, rows=poses.rows[rows], **people)
        boxes = follow_people(poses, None, width, height)
        for row, number, pose in zip(rows, poses.rows.tolist(), poses.joints[..., :2], strict=True):
            track = tracks[row]
            track.gone = number not in boxes
            if time > track.time and not track.gone:
                missed = np.nanmean(pose - wanted[row], axis=0)
                track.velocity = track.velocity + GAIN * missed / (time - track.time)
            if not track.gone:
                track.points, track.time = np.vstack([boxes[number].reshape(2, 2), pose]), time
        self.time = time
        return poses


def follow_people(poses: Poses, first: np.ndarray | None, width: int, height: int) -> dict[int, np.ndarray]:
    """Number of a person -> (4,) where they are looked for in the next frame.

    Args:
        first: (P, 4) where to look for those who are lost; None drops them.
    """
    boxes = {}
    for number, box in zip(poses.rows.tolist(), pose_boxes(poses.joints), strict=True):
        longer = (box[2:] - box[:2]).max()
        sized = LOST * min(width, height) <= longer <= 2 * max(width, height)
        if sized and not describe_faults(box[None], width, height)[0]:
            boxes[number] = box
        elif first is not None:
            boxes[number] = first[number]
    return boxes


def measure_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(P, Q) mean distances of the joints of poses (P, K, 2) and (Q, K, 2), NaN joints aside."""
    return np.nanmean(np.linalg.norm(first[:, None] - second, axis=-1), axis=-1)


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What boxes (..., 4) have in common, as a part of the smaller one of each pair."""
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    return sides.clip(0).prod(axis=-1) / np.minimum(*areas).clip(1e-9)
