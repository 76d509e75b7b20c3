"""Videos: the poses of every frame, each person's box following the previous frame's pose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_atomically
from ief.inference.boxes import box_fault, pose_boxes
from ief.inference.poses import Poses
from ief.inference.predictor import PosePredictor
from ief.inference.stream import FindPeople, ImagePeople

SUFFIXES = (".mp4", ".avi", ".mov")
LOST = 0.02  # of the image's shorter side: a pose smaller than this has lost its person
CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".mov": "mp4v"}


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
        self.path, self.capture = path, cv2.VideoCapture(str(path))
        if not path.is_file():
            raise PoseError(f"{path}: no such file; check the path")
        if not self.capture.isOpened():
            raise PoseError(f"{path}: no video that OpenCV can decode; convert it to H.264 .mp4")
        self.count = max(0, int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fps = self.capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.size = tuple(int(self.capture.get(of)) for of in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames. Raises PoseError if there is none."""
        number = 0
        while True:
            whole, frame = self.capture.read()
            if not whole:
                break
            number += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        self.capture.release()
        if not number:
            raise PoseError(f"{self.path}: no frame that can be decoded; convert it to H.264 .mp4")


def predict_frames(
    predictor: PosePredictor,
    frames: VideoFrames,
    name: str,
    boxes: np.ndarray | None = None,
    find_people: FindPeople | None = None,
) -> Iterator[tuple[np.ndarray, Poses]]:
    """Each frame and its people's poses, called `name/000000`, `name/000001`, ...

    A person is looked for in the box of their pose in the previous frame. Who is lost, because that pose has left the
    picture or has shrunk to nothing, is looked for where they were at first, or wherever the detector finds people.

    Args:
        boxes: (P, 4) x1 y1 x2 y2 of the people in the first frame; None for one person who fills it.
        find_people: finds people in the first frame, and again whenever nobody is left; instead of `boxes`.
    """
    current = None
    for number, frame in enumerate(frames):
        height, width = frame.shape[:2]
        if boxes is None and find_people is None:
            boxes = np.array([[0.0, 0.0, width, height]])
        if current is None or not len(current):
            current = boxes if find_people is None else find_people(frame)[0]
        frame_name = f"{name}/{number:06}"
        people = ImagePeople(frame, current, name=frame_name)
        (outcome,) = predictor.stream([people])
        yield frame, outcome.poses
        current = follow(outcome.poses, boxes, width, height)


def follow(poses: Poses, first: np.ndarray | None, width: int, height: int) -> np.ndarray:
    """(P, 4) where each person is looked for in the next frame.

    Args:
        first: (P, 4) where to look for those who are lost; None drops them.
    """
    boxes, kept = pose_boxes(poses.joints), []
    for row, box in zip(poses.rows.tolist(), boxes, strict=True):
        small = (box[2:] - box[:2]).max() < LOST * min(width, height)
        large = (box[2:] - box[:2]).max() > 2 * max(width, height)
        if not (small or large or box_fault(box, width, height)):
            kept.append(box)
        elif first is not None:
            kept.append(first[min(row, len(first) - 1)])
    return np.array(kept).reshape(-1, 4)


def write_video(path: Path, frames: Iterator[np.ndarray], fps: float) -> Path:
    """Write frames (H, W, 3) uint8 RGB, at least one, as a video in the format of `path`'s ending.

    Raises:
        PoseError: when OpenCV cannot write this kind of video, or the disk refuses.
    """

    def write(part: Path) -> None:
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
