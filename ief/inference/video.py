"""Videos: the poses of every frame, each person's box following the previous frame's pose."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from glob import escape
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file, write_atomically
from checkpoints.progress import progress
from ief.inference.boxes import describe_faults, person_box, pose_boxes
from ief.inference.inputs import CODECS
from ief.inference.outputs import Journal
from ief.inference.poses import ImageCamera, Poses
from ief.inference.predictor import PosePredictor
from ief.inference.stream import FindPeople, ImagePeople

LOST = 0.02  # of the image's shorter side: a pose smaller than this has lost its person
EVERY = 10  # frames after which a detector looks for people who have come in
SAME = 0.5  # of the smaller of two boxes: one person's have more in common
UNEVEN = 0.1  # of the mean gap between frames: what differs by more has no one rate


class VideoFrames:
    """The frames of a video, one after the other, as (H, W, 3) uint8 RGB.

    Attributes:
        path: the file.
        count: of its frames, as its header has it; 0 if it does not say.
        fps: frames per second.
        size: width and height in pixels.

    Raises:
        PoseError: when the file is missing or no video that OpenCV can decode.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.capture = require_file(path), cv2.VideoCapture(str(path))
        if not self.capture.isOpened():
            raise PoseError(f"{path}: no video that OpenCV can decode; convert it to H.264 .mp4")
        self.count = max(0, int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fps = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.size = tuple(int(self.capture.get(of)) for of in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames. Raises PoseError if there is none."""
        whole, frame = self.capture.read()
        if not whole:
            raise PoseError(f"{self.path}: no frame that can be decoded; convert it to H.264 .mp4")
        while whole:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            whole, frame = self.capture.read()
        self.capture.release()


def predict_video(
    predictor: PosePredictor,
    path: Path,
    name: str,
    copy: Path,
    journal: Journal | None = None,
    find_people: FindPeople | None = None,
    center: Sequence[float] | None = None,
    scale: float | None = None,
    camera: ImageCamera | None = None,
    ellipses: bool = False,
) -> tuple[list[Poses], list[str]]:
    """The poses of a video's frames, and an annotated copy of it, at one rate: a line on stderr if its own is uneven.

    Args:
        name: of the video in the results; no other is called so.
        copy: where the annotated copy goes.
        journal: keeps what is predicted, for when the same call is made again.
        find_people: finds people in the first frame, and every `EVERY` frames those who have come in.
        center, scale: MPII's, of the one person in the first frame; None for somebody who fills it.
        camera: of the video, for the side view, where it is known.
        ellipses: of joints, in the copy.

    Returns:
        the poses frame by frame, and a line if the video, or a part of it, was left out.
    """
    predicted: list[Poses] = []
    try:
        frames = VideoFrames(path)
        boxes = None if center is None and scale is None else person_box(*frames.size, center, scale)

        def annotate() -> Iterator[np.ndarray]:
            steps = predict_frames(predictor, frames, name, boxes, find_people, path, journal)
            for frame, poses in progress(steps, f"predicting {name}", frames.count, "frame"):
                predicted.append(replace(poses, time_s=frames.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000))
                yield poses.draw(frame, camera and camera.scale, ellipses)

        write_video(copy, annotate(), frames.fps)
    except PoseError as error:
        return [], [str(error)]
    gaps = 1000 * np.diff([poses.time_s for poses in predicted])
    if len(gaps) and np.ptp(gaps) > max(2, UNEVEN * gaps.mean()):
        spread = f"its frames are {gaps.min():.0f} to {gaps.max():.0f} ms apart"
        print(f"{path}: {spread}, {copy.name}'s at the mean rate; time_s has their times", file=sys.stderr)
    missing = frames.count - len(predicted) if path.suffix.lower() in CODECS else 0  # others' headers estimate it
    ends = f"{path}: ends early: {missing:,} of {frames.count:,} frames cannot be decoded"
    return predicted, [ends] if missing > 0 else []


def predict_frames(
    predictor: PosePredictor,
    frames: Iterable[np.ndarray],
    name: str,
    boxes: np.ndarray | None = None,
    find_people: FindPeople | None = None,
    path: Path | None = None,
    journal: Journal | None = None,
) -> Iterator[tuple[np.ndarray, Poses]]:
    """Each frame and its people's poses, called `name/000000`, `name/000001`, ...

    A person is looked for in the box of their pose in the previous frame, and has a number, `Poses.rows`, that nobody
    else gets. Who is lost, because that pose has left the picture or has shrunk to nothing, is looked for where they
    were at first, or forgotten where a detector may find them again.

    Args:
        boxes: (P, 4) x1 y1 x2 y2 of the people in the first frame; None for one person who fills it.
        find_people: finds people in the first frame, every `EVERY` frames and if nobody is left; instead of `boxes`.
        path: the video's file. journal: of the poses that were predicted before.
    """
    tracked: dict[int, np.ndarray] = {}  # number -> box
    born = count()
    for place, frame in enumerate(frames):
        height, width = frame.shape[:2]
        if find_people is None:
            boxes = np.array([[0.0, 0.0, width, height]]) if boxes is None else boxes
            tracked = tracked or dict(enumerate(boxes))
        elif place % EVERY == 0 or not tracked:
            new = [box for box in find_people(frame)[0] if all(overlap(box, old) < SAME for old in tracked.values())]
            tracked |= {next(born): box for box in new}
        people = ImagePeople(path or frame, np.reshape([*tracked.values()], (-1, 4)), name=f"{name}/{place:06}")
        outcome = journal and journal.find(people)
        if outcome is None:
            (outcome,) = predictor.stream([replace(people, image=frame)])
            if journal:
                journal.add(people, outcome)
        poses = replace(outcome.poses, rows=np.array([*tracked], dtype=int)[outcome.poses.rows])
        yield frame, poses
        tracked = follow_people(poses, boxes, width, height)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """What two boxes (4,) have in common, as a part of the smaller one."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return float(np.prod(sides.clip(0)) / min(np.prod(box[2:] - box[:2]) for box in (first, second)))


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


def write_video(path: Path, frames: Iterator[np.ndarray], fps: float) -> Path:
    """Write frames (H, W, 3) uint8 RGB, at least one, as a video in the format of `path`'s ending.

    Raises:
        PoseError: when OpenCV cannot write this kind of video, or the disk refuses.
    """

    def write(part: Path) -> None:
        for left in part.parent.glob(f".{escape(path.stem)}.part*"):  # by a process that was killed
            left.unlink()
        writer = None
        for frame in frames:
            if writer is None:
                size, codec = frame.shape[1::-1], cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()])
                writer = cv2.VideoWriter(str(part), codec, fps, size)
                if not writer.isOpened():
                    raise PoseError(f"{path}: OpenCV cannot write {path.suffix} here; give an .avi")
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        if writer:
            writer.release()

    return write_atomically(path, write)
