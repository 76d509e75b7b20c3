"""A journal of predicted images, so that a long prediction that was stopped continues where it was.

One JSON value per line: what was asked, then each image's outcome as it comes. It goes once the results are written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from checkpoints.files import write_text
from heads.skeleton import Skeleton
from ief.inference.poses import Poses
from ief.inference.stream import ImagePeople, Outcome

COLUMNS = ("joints", "boxes", "scores", "box_scores", "rows")


class Journal:
    """The outcomes so far of one prediction, by image.

    Args:
        path: the file; one of another prediction, or a line that a kill cut off, counts for nothing.
        asked: what the outcomes depend on beside the image and its boxes: weights, flip, detector. JSON values.
        skeleton: of the poses.
        dimensions: D, theirs.
    """

    def __init__(self, path: Path, asked: object, skeleton: Skeleton, dimensions: int) -> None:
        self.path, self.skeleton, self.dimensions = path, skeleton, dimensions
        asked = json.loads(json.dumps(asked))
        lines = list(self._read())
        self.known = {line["key"]: line for line in lines[1:]} if lines and lines[0] == asked else {}
        write_text(path, "".join(json.dumps(line) + "\n" for line in (asked, *self.known.values())))
        self.file = path.open("a", encoding="utf-8")

    def _read(self) -> list[dict]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
            return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]  # a kill cuts off a line
        except (OSError, ValueError):
            return []

    def _write(self, line: object) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def find(self, people: ImagePeople) -> Outcome | None:
        """The outcome of an image that was predicted before, None for another."""
        line = self.known.get(key_of(people))
        if line is None:
            return None
        columns = {name: np.array(line[name], dtype=float) for name in COLUMNS}
        count, joints = len(line["rows"]), len(self.skeleton)
        return Outcome(
            people.name,
            Poses(
                columns["joints"].reshape(count, joints, self.dimensions),
                self.skeleton,
                columns["boxes"].reshape(count, 4),
                columns["scores"].reshape(count, joints),
                columns["box_scores"],
                columns["rows"].astype(int),
                people.name,
            ),
            line["left_out"],
        )

    def add(self, people: ImagePeople, outcome: Outcome) -> None:
        """Keep the outcome of an image."""
        values = {name: getattr(outcome.poses, name).tolist() for name in COLUMNS}
        self._write({"key": key_of(people), **values, "left_out": outcome.left_out})

    def close(self, done: bool) -> None:
        """Close the file, and remove it if everything is `done`."""
        self.file.close()
        if done:
            self.path.unlink(missing_ok=True)


def key_of(people: ImagePeople) -> str:
    """What tells an image and the boxes asked for from another, or from the same file changed."""
    try:
        stat = os.stat(people.image)
        file = [os.path.abspath(people.image), stat.st_size, stat.st_mtime_ns]
    except OSError:
        file = [os.path.abspath(people.image)]
    boxes = None if people.boxes is None else np.asarray(people.boxes).tolist()
    return json.dumps([file, people.name, boxes])
