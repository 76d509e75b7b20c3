"""Videos and streams: the poses of every frame, where a detector finds people or the previous frame had them."""

import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from glob import escape
from itertools import chain, repeat
from pathlib import Path

import cv2
import numpy as np

from checkpoints import PoseError, Stopping, import_extra, require_file, write_atomically
from checkpoints.progress import progress
from ief.inference.boxes import follow_poses, person_box
from ief.inference.inputs import CODECS
from ief.inference.outputs import Journal
from ief.inference.poses import ImageCamera, Poses, join_poses
from ief.inference.predictor import PosePredictor
from ief.inference.smoothing import PoseSmoother
from ief.inference.stream import FindPeople, ImagePeople
from mpii_tools.results.coco import to_csv

ADVICE = "convert it to H.264 .mp4"
RATE = 25.0  # frames per second where nothing says
UNEVEN = 0.1  # of the mean gap between frames: what differs by more has no one rate


class VideoFrames:
    """The frames of a video or a stream, one after the other, as (H, W, 3) uint8 RGB, upright.

    Args:
        source: a file, or a stream's address: `camera:0` and so on for those of this machine, or a URL.

    Attributes:
        name: in messages, without what a URL may hold of passwords.
        count: of the frames, as a file's header has it; 0 if it does not say.
        fps: frames per second.
        size: width and height in pixels.

    Raises:
        PoseError: when a file is missing or no video that OpenCV can decode, or there is no such stream.
    """

    def __init__(self, source: Path | str) -> None:
        self.live, self.camera = isinstance(source, str), re.fullmatch(r"camera:(\d+)", str(source))
        self.name = hide_password(source) if self.live else str(require_file(source))
        self.capture = cv2.VideoCapture(int(self.camera[1]) if self.camera else str(source))
        if not self.capture.isOpened():
            fault = "no such stream; check the address" if self.live else f"no video that OpenCV can decode; {ADVICE}"
            raise PoseError(f"{self.name}: {fault}")
        self.capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # a camera's newest frame, not those that came meanwhile
        self.capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # which OpenCV 4.11 does not do by itself
        self.count = max(0, int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fps = self.capture.get(cv2.CAP_PROP_FPS) or RATE
        self.size = tuple(int(self.capture.get(of)) for of in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self.start = time.monotonic()

    def read_time(self) -> float:
        """Seconds from the beginning to the frame that was read last; a camera's by the clock, which it lacks."""
        position = 0.0 if self.camera else self.capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return position or (time.monotonic() - self.start if self.live else 0.0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames. Raises PoseError if there is none."""
        whole, frame = self.capture.read()
        if not whole:
            raise PoseError(f"{self.name}: no frame that can be decoded; {ADVICE}")
        while whole:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            whole, frame = self.capture.read()
        self.capture.release()


class Tracker:
    """Numbers the people of a video, frame by frame: OC-SORT (Cao et al., CVPR 2023), which forgets after a second.

    Raises:
        PoseError: the package trackers is not installed.
    """

    def __init__(self) -> None:
        self.tracker = import_extra("trackers", "video").OCSORTTracker(minimum_consecutive_frames=1)
        self.detections, self.time = import_extra("supervision", "video").Detections, -np.inf

    def number_people(self, boxes: np.ndarray, time: float) -> np.ndarray:
        """(P,) the numbers, from 0, of the people in a frame's boxes (P, 4), at its time in seconds.

        OC-SORT numbers nobody at first sight (-1): a frame with somebody new is shown twice, as if no time passed.
        """
        people = self.detections(xyxy=boxes, class_id=np.arange(len(boxes)))
        for _ in range(2):
            self.time = max(np.nextafter(self.time, np.inf), time)  # it takes times that rise alone
            found = self.tracker.update(people, timestamp=self.time)
            if (found.tracker_id >= 0).all():
                break
        return found.tracker_id[np.argsort(found.class_id)]  # it gives people in another order


def hide_password(address: str) -> str:
    """A stream's address without user, password and query."""
    return re.sub(r"(?<=://).*@|\?.*", "", address)


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
    smooth: bool = False,
) -> tuple[list[Poses], list[str], list[Path]]:
    """The poses of a video's frames, and an annotated copy of it, at one rate: a line on stderr if its own is uneven.

    Args:
        name: of the video in the results; no other is called so.
        copy: where the annotated copy goes.
        journal: keeps what is predicted, for when the same call is made again.
        find_people: finds the people of each frame.
        center, scale: MPII's, of the one person in the first frame; None for somebody who fills it.
        camera: of the video, for the side view, where it is known.
        ellipses: of joints, in the copy.
        smooth: steady the poses by the One-Euro filter.

    Returns:
        the poses frame by frame, a line if the video, a part of it or the copy was left out, and the copy's path.
    """
    predicted, left_out, copies = [], [], []
    try:
        frames = VideoFrames(path)
        boxes = None if center is None and scale is None else person_box(*frames.size, center, scale)

        def annotate() -> Iterator[np.ndarray]:
            options = (boxes, find_people, path, journal, frames.read_time, smooth)
            steps = predict_frames(predictor, frames, name, *options)
            for frame, poses in progress(steps, f"predicting {name}", frames.count, "frame"):
                predicted.append(poses)
                yield poses.draw(frame, camera and camera.scale, ellipses)

        annotated = annotate()
        try:
            copies.append(write_video(copy, annotated, frames.fps))
        except PoseError as error:
            left_out.append(str(error) if predicted or str(path) in str(error) else f"{path}: {error}")
            deque(annotated, maxlen=0)  # whose poses are kept, without the copy
    except PoseError as error:
        return [], [str(error)], []
    gaps = 1000 * np.diff([poses.time_s for poses in predicted])
    if len(gaps) and np.ptp(gaps) > max(2, UNEVEN * gaps.mean()):
        spread = f"its frames are {gaps.min():.0f} to {gaps.max():.0f} ms apart"
        print(f"{path}: {spread}, {copy.name}'s at the mean rate; time_s has their times", file=sys.stderr)
    missing = frames.count - len(predicted) if path.suffix.lower() in CODECS else 0  # others' headers estimate it
    if missing > 0 and predicted:
        left_out.append(f"{path}: ends early: {missing:,} of {frames.count:,} frames cannot be decoded")
    return predicted, left_out, copies


def predict_stream(
    predictor: PosePredictor, address: str, folder: Path, find_people: FindPeople | None = None,
    camera: ImageCamera | None = None, smooth: bool = False,
) -> list[Path]:  # fmt: skip
    """The poses of a stream as they come: an annotated video, and a row of CSV per person and frame.

    Ctrl-C ends it, with both files whole. The video repeats frames as often as it takes to last as long as the stream.

    Args:
        address: of `VideoFrames`.
        folder: to write `NAME.pose.mp4` and `NAME.csv` to, the latter while it grows.
        find_people, camera, smooth: of `predict_video`.

    Returns:
        both paths.

    Raises:
        PoseError: no such stream, or the disk refuses.
        Stopped: at a second Ctrl-C, if the stream does not answer.
    """
    frames = VideoFrames(address)
    name = re.sub(r"\W+", "-", re.sub(r"^\w+://", "", frames.name)).strip("-")  # of the address without its scheme
    copy, table = folder / f"{name}.pose.mp4", folder / f"{name}.csv"

    def annotate() -> Iterator[np.ndarray]:
        options, written = {"find_people": find_people, "read_time": frames.read_time, "smooth": smooth}, 0
        with table.open("wb", buffering=0) as file:
            for frame, poses in predict_frames(predictor, frames, name, **options):
                if len(poses):
                    people = join_poses([poses], predictor.skeleton, predictor.network.stage, camera)
                    file.write(to_csv(people, header=not file.tell()))
                due = round(poses.time_s * frames.fps) + 1
                copies = max(1, due - written) if written else 1
                yield from repeat(poses.draw(frame, camera and camera.scale), copies)
                written = max(written + 1, due)
                if stopping.status:
                    break

    print(f"{name}: Ctrl-C ends it", file=sys.stderr)
    with Stopping().listening() as stopping:
        stopping.waiting = True  # a frame is finished first, and both files
        return [write_video(copy, annotate(), frames.fps), table]


def predict_frames(
    predictor: PosePredictor,
    frames: Iterable[np.ndarray],
    name: str,
    boxes: np.ndarray | None = None,
    find_people: FindPeople | None = None,
    path: Path | None = None,
    journal: Journal | None = None,
    read_time: Callable[[], float] | None = None,
    smooth: bool = False,
) -> Iterator[tuple[np.ndarray, Poses]]:
    """Each frame and its people's poses, called `name/000000`, `name/000001`, ...

    Each person has a number, `Poses.rows`, that nobody else gets. Those whom a detector finds, in every frame, are told
    apart by their motion (`Tracker`). Others are looked for in the box of their pose in the previous frame, or where
    they were at first if they are lost (`follow_poses`).

    Args:
        boxes: (P, 4) x1 y1 x2 y2 of the people in the first frame; None for one person who fills it.
        find_people: finds the people of each frame; instead of `boxes`.
        path: the video's file. journal: of the poses that were predicted before, as they were before smoothing.
        read_time: seconds from the beginning to the frame that was taken last; None for `RATE` frames per second.
        smooth: steady the poses by the One-Euro filter.

    Raises:
        PoseError: a detector without the package trackers.
    """
    tracker, steady, followed = find_people and Tracker(), PoseSmoother(), boxes
    for place, frame in enumerate(frames):
        seconds = read_time() if read_time else place / RATE
        people = ImagePeople(path or frame, followed, name=f"{name}/{place:06}")
        outcome = journal and journal.find(people)
        if outcome is None:
            (outcome,) = predictor.stream([replace(people, image=frame)], find_people)
            if journal:
                journal.add(people, outcome)
        rows = tracker.number_people(outcome.poses.boxes, seconds) if tracker else outcome.poses.rows
        poses = replace(outcome.poses, rows=rows, time_s=seconds)
        if not tracker:
            boxes = poses.boxes if boxes is None else boxes  # the whole image
            followed = boxes.copy()
            followed[poses.rows] = follow_poses(poses.joints, boxes[poses.rows], *frame.shape[1::-1])
        joints = steady(poses.joints, poses.rows.tolist(), seconds) if smooth else poses.joints
        yield frame, replace(poses, joints=joints)


def write_video(path: Path, frames: Iterator[np.ndarray], fps: float) -> Path:
    """Write frames (H, W, 3) uint8 RGB, at least one, as a video in the format of `path`'s ending.

    Raises:
        PoseError: when OpenCV cannot write this kind of video, or the disk refuses, of which OpenCV tells nothing:
            what it has written is read back, and its frames are counted.
    """

    def write(part: Path) -> None:
        for left in part.parent.glob(f".{escape(path.stem)}.part*"):  # by a process that was killed
            left.unlink()
        first, codec = next(frames), cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()])
        writer = cv2.VideoWriter(str(part), codec, fps, first.shape[1::-1])
        if not writer.isOpened():
            kind = f"{path.suffix} of {first.shape[1]} x {first.shape[0]} pixels at {fps:g} frames per second"
            raise PoseError(f"{path}: OpenCV cannot write {kind} here; give another video")
        for written, frame in enumerate(chain([first], frames), start=1):  # noqa: B007
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
        if (whole := sum(1 for _ in iter(cv2.VideoCapture(str(part)).grab, False))) != written:
            raise PoseError(f"{path}: only {whole:,} of {written:,} frames were written; make room on the disk")

    return write_atomically(path, write)
