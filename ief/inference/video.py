"""Videos: the poses of every frame, each person's box following the previous frame's pose."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file, write_atomically
from checkpoints.progress import progress
from ief.inference.boxes import box_fault, person_box, pose_boxes
from ief.inference.poses import ImageCamera, Poses
from ief.inference.predictor import PosePredictor
from ief.inference.stream import FindPeople, ImagePeople

LOST = 0.02  # of the image's shorter side: a pose smaller than this has lost its person
CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".mov": "mp4v"}  # of what is read and written


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
    find_people: FindPeople | None = None,
    center: Sequence[float] | None = None,
    scale: float | None = None,
    camera: ImageCamera | None = None,
) -> tuple[list[Poses], list[str]]:
    """The poses of a video's frames, and an annotated copy of it.

    Args:
        name: of the video in the results; no other is called so.
        copy: where the annotated copy goes.
        find_people: finds people in the first frame, and again whenever nobody is left.
        center, scale: MPII's, of the one person in the first frame; None for somebody who fills it.
        camera: of the video, for the side view, where it is known.

    Returns:
        the poses frame by frame, and a line if the video, or a part of it, was left out.
    """
    predicted: list[Poses] = []
    try:
        frames = VideoFrames(path)
        boxes = None if center is None and scale is None else person_box(*frames.size, center, scale)

        def annotate() -> Iterator[np.ndarray]:
            steps = predict_frames(predictor, frames, name, boxes, find_people)
            for frame, poses in progress(steps, f"predicting {name}", frames.count, "frame"):
                predicted.append(poses)
                yield poses.draw(frame, camera and camera.scale)

        write_video(copy, annotate(), frames.fps)
    except PoseError as error:
        return [], [str(error)]
    missing = frames.count - len(predicted)
    ends = f"{path}: ends early: {missing:,} of {frames.count:,} frames cannot be decoded"
    return predicted, [ends] if missing > 0 else []


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
        (outcome,) = predictor.stream([ImagePeople(frame, current, name=f"{name}/{number:06}")])
        yield frame, outcome.poses
        current = follow_people(outcome.poses, boxes, width, height)


def follow_people(poses: Poses, first: np.ndarray | None, width: int, height: int) -> np.ndarray:
    """(P, 4) where each person is looked for in the next frame.

    Args:
        first: (P, 4) where to look for those who are lost; None drops them.
    """
    boxes = []
    for row, box in zip(poses.rows.tolist(), pose_boxes(poses.joints), strict=True):
        longer = (box[2:] - box[:2]).max()
        sized = LOST * min(width, height) <= longer <= 2 * max(width, height)
        if sized and not box_fault(box, width, height):
            boxes.append(box)
        elif first is not None:
            boxes.append(first[min(row, len(first) - 1)])
    return np.array(boxes).reshape(-1, 4)


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
