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
NEAR = 1.0  # of a person's size: who is lost is found again within it, by the distance of boxes (4,)
GAP = 1.0  # seconds that a number is kept for somebody who is lost
GAIN = 0.2  # of what a motion was misjudged by, taken into the next judgment


@dataclass
class Track:
    """One person as last seen.

    Attributes:
        box: (4,) image pixels. joints: (K, 2) image pixels.
        time: seconds, when that was.
        velocity: (2,) pixels per second.
        gone: whether they were lost, so that only a detector finds them again.
    """

    box: np.ndarray
    joints: np.ndarray
    time: float
    velocity: np.ndarray | float = 0.0
    gone: bool = False

    def predict_shift(self, time: float) -> np.ndarray | float:
        """(2,) pixels by which they have moved since, if they go on as they did."""
        return self.velocity * min(time - self.time, GAP)

    def predict_box(self, time: float) -> np.ndarray:
        """(4,) where they are then."""
        return (self.box.reshape(2, 2) + self.predict_shift(time)).ravel()


class Tracker:
    """The people of a video whom a detector finds now and then; its methods are called once a frame, in their order.

    Args:
        joints: K, how many a pose has.
    """

    def __init__(self, joints: int) -> None:
        self.joints, self.time, self.born = joints, 0.0, count()
        self.tracks: dict[int, Track] = {}

    def add_detections(self, boxes: np.ndarray, time: float) -> None:
        """Take in those of a detector's boxes (P, 4) that are of nobody seen in the frame before.

        They are of those who were lost near by, so that all distances together are least, or else of somebody new.
        """
        seen = [track.predict_box(time) for track in self.tracks.values() if track.time == self.time and not track.gone]
        boxes = boxes[(overlap(boxes[:, None], np.reshape(seen, (-1, 4))) < SAME).all(axis=1)]
        lost = [number for number, track in self.tracks.items() if 0 < self.time - track.time <= GAP]
        places = np.reshape([self.tracks[number].predict_box(time) for number in lost], (-1, 4))
        distances = np.linalg.norm(boxes[:, None] - places, axis=-1) / measure_sizes(places)
        pairs = {row: column for row, column in zip(*linear_sum_assignment(distances), strict=True)
                 if distances[row, column] < NEAR}  # fmt: skip
        for row, box in enumerate(boxes):
            number = lost[pairs[row]] if row in pairs else next(self.born)
            self.tracks[number] = Track(box, np.tile(box.reshape(2, 2).mean(axis=0), (self.joints, 1)), time)

    def predict_boxes(self, time: float) -> dict[int, np.ndarray]:
        """Number of each person who may be seen -> (4,) where to look for them at that time."""
        self.tracks = {number: track for number, track in self.tracks.items() if self.time - track.time <= GAP}
        return {number: track.predict_box(time) for number, track in self.tracks.items() if not track.gone}

    def update(self, poses: Poses, width: int, height: int, time: float) -> Poses:
        """The poses under the numbers of the people whose motion and pose lead to them, each person once.

        Of two who are found in one place, one is hidden: their number waits. How people move is learned while nobody
        is in their way.

        Args:
            poses: those found in the boxes of `predict_boxes`, whose numbers are `rows`.
            width, height: of the image.
        """
        joints, tracks = poses.joints[..., :2], [self.tracks[number] for number in poses.rows.tolist()]
        alone = (overlap(poses.boxes[:, None], poses.boxes) >= SAME).sum(axis=1) == 1
        wanted = np.reshape([track.joints + track.predict_shift(time) for track in tracks], joints.shape)
        twins = measure_distances(joints, joints) < TWIN * measure_sizes(pose_boxes(joints))
        kept = np.flatnonzero(~np.triu(twins, 1).any(axis=0))
        rows, columns = linear_sum_assignment(measure_distances(wanted, joints[kept]))
        people = {name: getattr(poses, name)[kept[columns]] for name in ("joints", "boxes", "scores", "box_scores")}
        poses = replace(poses, rows=poses.rows[rows], **people)
        boxes = follow_people(poses, None, width, height)
        for row, number, pose in zip(rows, poses.rows.tolist(), poses.joints[..., :2], strict=True):
            track = tracks[row]
            track.gone = number not in boxes
            if track.gone:
                continue
            if alone[row] and time > track.time:
                missed = np.nanmean(pose - track.joints, axis=0) - track.predict_shift(time)
                track.velocity = track.velocity + GAIN * missed / (time - track.time)
            track.box, track.joints, track.time = boxes[number], pose, time
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
    """(P, Q) mean distances of the joints of poses (P, K, 2) and (Q, K, 2) that both have."""
    return np.nanmean(np.linalg.norm(first[:, None] - second, axis=-1), axis=-1)


def measure_sizes(boxes: np.ndarray) -> np.ndarray:
    """(P,) the longer sides of boxes (P, 4)."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What boxes (..., 4) have in common, as a part of the smaller one of each pair."""
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (first, second)]
    return sides.clip(0).prod(axis=-1) / np.minimum(*areas)
