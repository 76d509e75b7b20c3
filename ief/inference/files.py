"""Predicting files: images one after the other, resumable, with an overlay each; videos frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.progress import progress
from ief.inference.boxes import person_box
from ief.inference.camera import ImageCamera
from ief.inference.journal import Journal
from ief.inference.poses import Poses
from ief.inference.predictor import PosePredictor
from ief.inference.results import Overlays
from ief.inference.stream import FindPeople, ImagePeople
from ief.inference.video import VideoFrames, predict_frames, write_video

JOURNAL = ".predictions-images.journal"


@contextmanager
def predict_files(
    predictor: PosePredictor,
    images: Sequence[ImagePeople],
    folder: Path,
    find_people: FindPeople | None,
    draw: int | None,
    asked: object,
    camera: ImageCamera | None = None,
) -> Iterator[tuple[list[Poses], list[str]]]:
    """The poses of images, and a line for each that was left out; overlays go to `folder` on the way.

    A journal in `folder` keeps what is predicted until the `with` ends well: when the work is stopped before, by a
    kill too, the same call predicts what is missing.

    Args:
        draw: how many images to draw, the first ones; None for all.
        asked: what the poses depend on beside the images, as JSON values.
        camera: of the images, for their overlays, where it is known.
    """
    journal = Journal(folder / JOURNAL, asked, predictor.skeleton, predictor.dimensions)
    overlays, done = Overlays(folder, camera and camera.scale), False
    drawn = {image.name for image in images[: len(images) if draw is None else draw]}
    before = {image.name: outcome for image in images if (outcome := journal.find(image))}
    new = [image for image in images if image.name not in before]
    try:
        with progress(desc="predicting", total=len(images), unit="image", initial=len(before)) as counter:
            for image in images:
                known = before.get(image.name)
                if known and image.name in drawn and len(known.poses) and not overlays.path(image.name).exists():
                    overlays.draw(image, known.poses)
            outcomes = dict(before)
            for image, outcome in zip(new, predictor.stream(new, find_people), strict=True):
                journal.add(image, outcome)
                outcomes[image.name] = outcome
                if image.name in drawn and len(outcome.poses):
                    overlays.draw(image, outcome.poses)
                counter.update()
            overlays.finish()
        ordered = [outcomes[image.name] for image in images]
        left_out = [line for outcome in ordered for line in outcome.left_out]
        yield [outcome.poses for outcome in ordered], left_out + overlays.left_out
        done = True
    finally:
        overlays.cancel()
        journal.close(done)


def predict_video(
    predictor: PosePredictor,
    path: Path,
    name: str,
    copy: Path,
    find_people: FindPeople | None,
    center: Sequence[float] | None,
    scale: float | None,
    found: list[Poses],
    camera: ImageCamera | None = None,
) -> list[str]:
    """Add the poses of a video's frames to `found`, write its annotated copy, and print where.

    Args:
        name: of the video in the results, as no other is called.
        copy: where the annotated copy goes.
        center, scale: MPII's, of the one person in the first frame; None for somebody who fills it.
        camera: of the video, for the side view, where it is known.

    Returns:
        a line if the video, or a part of it, was left out.
    """
    before = len(found)
    try:
        frames = VideoFrames(path)
        boxes = None if center is None and scale is None else person_box(*frames.size, center, scale)

        def annotated() -> Iterator[np.ndarray]:
            poses = predict_frames(predictor, frames, name, boxes, find_people)
            for frame, of_frame in progress(poses, f"predicting {name}", frames.count, "frame"):
                found.append(of_frame)
                yield of_frame.draw(frame, camera and camera.scale)

        print(write_video(copy, annotated(), frames.fps))
    except PoseError as error:
        del found[before:]
        return [str(error)]
    missing = frames.count - (len(found) - before)
    return [f"{path}: ends early: {missing:,} of {frames.count:,} frames cannot be decoded"] if missing > 0 else []
