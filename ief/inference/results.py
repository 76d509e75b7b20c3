"""What a prediction of images leaves: poses as .npz, COCO results and CSV, and one overlay per image."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes
from heads.skeleton import Skeleton
from ief.inference.camera import ImageCamera
from ief.inference.poses import Poses
from ief.inference.stream import ImagePeople, read_bytes
from mpii_tools.images.decode import decode_image
from mpii_tools.results.coco import person_scores, write_coco, write_csv
from mpii_tools.results.predictions import Predictions, save_predictions

NAME = "predictions-images"
AHEAD = 16  # overlays that wait for a thread


def write_results(
    folder: Path, found: Sequence[Poses], skeleton: Skeleton, stage: int, camera: ImageCamera | None = None
) -> list[Path]:
    """Write the people of all images to `predictions-images`.npz, .json (COCO results) and .csv in `folder`.

    A line on stderr says of how many people the score in the .json is not known.

    Args:
        found: the poses image by image, under different names.
        stage: the last stage's number, -1 if unknown.
        camera: of poses in 3D, for their camera coordinates in mm; None if it is not known.

    Returns:
        The three paths.

    Raises:
        PoseError: when the disk refuses.
    """
    images = [name for poses in found for name in [poses.image] * len(poses)]
    joints, boxes, scores, box_scores = (
        np.concatenate([getattr(poses, name) for poses in found])
        for name in ("joints", "boxes", "scores", "box_scores")
    )
    ids = [person for poses in found for person in poses.person_ids]
    known = scores if np.isfinite(scores).any() else None
    table, coco, text = (folder / f"{NAME}.{ending}" for ending in ("npz", "json", "csv"))
    center = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    in_camera = None if camera is None else np.concatenate([camera.joints(poses) for poses in found])
    predictions = Predictions(joints, np.array(ids, dtype=np.str_), skeleton.names, stage, known, center)
    save_predictions(table, replace(predictions, camera_joints=in_camera))
    write_coco(coco, joints, known, images, boxes, box_scores)
    unknown = int(np.isnan(person_scores(known, box_scores, len(joints))).sum())
    if unknown:
        print(
            f"{coco}: the score of {unknown:,} of {len(joints):,} people is not known (neither their box nor the "
            "network gives one) and stands there as 1, as COCO's tools need one",
            file=sys.stderr,
        )
    write_csv(text, skeleton.names, joints, known, images, ids, boxes, box_scores, in_camera)
    return [table, coco, text]


class Overlays:
    """Writes one JPEG per image with everybody's skeleton on it, in threads, while the next images are predicted.

    Args:
        folder: where `NAME.pose.jpg` goes.
        scale: of poses in 3D, as in `Poses.draw`.

    Attributes:
        left_out: a line for each image that could not be drawn.
    """

    def __init__(self, folder: Path, scale: float | None = None) -> None:
        self.folder, self.scale, self.left_out = folder, scale, []
        self.pool, self.waiting = ThreadPoolExecutor(2, "overlays"), deque[tuple[str, Future]]()

    def path(self, name: str) -> Path:
        """The overlay of the image called `name`."""
        return self.folder / f"{name}.pose.jpg"

    def draw(self, people: ImagePeople, poses: Poses) -> None:
        """Have an image's overlay written."""
        drawing = self.pool.submit(self._write, people.image, poses, self.path(people.name))
        self.waiting.append((people.name, drawing))
        if len(self.waiting) > AHEAD:
            self._wait()

    def _write(self, image: Path, poses: Poses, path: Path) -> None:
        from evaluation.report.skeletons import to_jpeg

        picture = poses.draw(decode_image(read_bytes(image), str(image), upright=True), self.scale)
        write_bytes(path, to_jpeg(picture), durable=False)

    def _wait(self) -> None:
        name, future = self.waiting.popleft()
        try:
            future.result()
        except PoseError as error:
            self.left_out.append(f"picture of {name}: {error}")

    def finish(self) -> None:
        """Wait until all are written."""
        while self.waiting:
            self._wait()
        self.pool.shutdown()

    def cancel(self) -> None:
        """Drop those that no thread has begun."""
        self.pool.shutdown(cancel_futures=True)
