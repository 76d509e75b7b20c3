"""Predicted poses for other tools: COCO results, which pycocotools and mmpose read, and CSV.

`results.pose_files` reads the former back; this project's own file is the .npz of `results.predictions`.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes, write_text
from mpii_tools.results.predictions import predicted_joints

PERSON = 1  # COCO's category
VISIBLE = 2.0  # COCO's flag of a joint, for one without a score
PIXEL_DIGITS, SCORE_DIGITS = 3, 6


def to_coco(
    joints: np.ndarray,
    scores: np.ndarray | None,
    images: Sequence[str],
    boxes: np.ndarray | None = None,
    box_scores: np.ndarray | None = None,
    image_ids: Mapping[str, int] | None = None,
) -> list[dict[str, Any]]:
    """COCO keypoint results of N people: what `COCO.loadRes` takes, one dictionary per person.

    `image_id`; `file_name`, the image's name, which readers ignore; `category_id` 1; `keypoints`, x, y and score of the
    K joints one after the other; `bbox`, x, y, width and height, if there are boxes; `score`, by which people are
    ranked. The joints keep their own order, so OKS needs ground truth and K sigmas in that order. Pixels are rounded to
    0.001, scores to 1e-6.

    A joint that is NaN for everybody, as nobody had it in training, is written as 0, 0, 0: COCO's "not labeled". The
    format has no place for a score that is not known. Behind a joint without one stands 2, COCO's flag of a visible
    joint: OKS does not read it, programs that draw leave out what has 0, and no score is above 1, so that
    `pose_files` can tell. A person's score follows from `person_scores`, and is 1 if neither the box nor a joint has
    one, as HRNet and mmpose rank boxes that nobody scored: pycocotools reads no file without it.

    Args:
        joints: (N, K, D) 0-based image pixels; of D = 3 x and y are written.
        scores: (N, K) of the joints in 0..1, NaN where there is none; None: nowhere.
        images: N image names.
        boxes: (N, 4) x1, y1, x2, y2 in image pixels.
        box_scores: (N,) of the boxes in 0..1, from a detector, NaN where there is none.
        image_ids: image name -> the ground truth's `image_id`; None: as `number_images`.

    Raises:
        PoseError: arrays that do not fit together, a joint or box that is not finite, an image without id.
    """
    check_people(joints, scores, images, boxes, box_scores)
    ids = number_images(images) if image_ids is None else image_ids
    missing = [name for name in images if name not in ids]
    if missing:
        raise PoseError(f"COCO results: image '{missing[0]}' has no image_id; give one for each image")
    joint_scores = np.full(joints.shape[:2], VISIBLE) if scores is None else np.nan_to_num(scores, nan=VISIBLE)
    marked = np.dstack([joints[..., :2].round(PIXEL_DIGITS), joint_scores.round(SCORE_DIGITS)])
    marked[:, ~predicted_joints(joints)] = 0
    ranks = np.nan_to_num(person_scores(scores, box_scores, len(joints)), nan=1.0).round(SCORE_DIGITS).tolist()
    found = [
        {
            "image_id": int(ids[name]),
            "file_name": str(name),
            "category_id": PERSON,
            "keypoints": keypoints,
            "score": rank,
        }
        for name, keypoints, rank in zip(
            images, marked.reshape(len(joints), 3 * joints.shape[1]).tolist(), ranks, strict=True
        )
    ]
    if boxes is not None:
        corners = np.asarray(boxes, dtype=np.float64)
        sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).round(PIXEL_DIGITS)
        for person, box in zip(found, sides.tolist(), strict=True):
            person["bbox"] = box
    return found


def write_coco(
    path: str | os.PathLike,
    joints: np.ndarray,
    scores: np.ndarray | None,
    images: Sequence[str],
    boxes: np.ndarray | None = None,
    box_scores: np.ndarray | None = None,
    image_ids: Mapping[str, int] | None = None,
) -> Path:
    """Write `to_coco` of the same arguments as JSON (which has no NaN) and return the path.

    Raises:
        PoseError: as `to_coco`, and if the file cannot be written.
    """
    people = to_coco(joints, scores, images, boxes, box_scores, image_ids)
    return write_text(path, json.dumps(people, allow_nan=False))


def write_csv(
    path: str | os.PathLike,
    joint_names: Sequence[str],
    joints: np.ndarray,
    scores: np.ndarray | None,
    images: Sequence[str],
    person_ids: Sequence[str],
    boxes: np.ndarray | None = None,
    box_scores: np.ndarray | None = None,
    camera_joints: np.ndarray | None = None,
) -> Path:
    """Write a CSV file (UTF-8, a header, one row per person) and return its path.

    Columns: `image`, `person_id`, `x1`, `y1`, `x2`, `y2`, `score` as of `person_scores`, then for each joint `NAME_x`,
    `NAME_y`, with D = 3 `NAME_z`, and `NAME_score`; with `camera_joints` then `NAME_X_mm`, `NAME_Y_mm`, `NAME_Z_mm`.
    What is not known is left empty. Rounded as in `to_coco`.

    Args:
        path: the file.
        joint_names: K names.
        person_ids: N names.
        joints, scores, images, boxes, box_scores: as in `to_coco`; x, y in image pixels, z in mm.
        camera_joints: (N, K, 3) camera coordinates in mm; None: there are none.

    Raises:
        PoseError: arrays that do not fit together, a joint or box that is not finite, a file that cannot be written.
    """
    check_people(joints, scores, images, boxes, box_scores, camera_joints)
    people, count, dimensions = joints.shape
    if len(joint_names) != count or len(person_ids) != people:
        raise PoseError(
            f"CSV: {len(joint_names)} joint names and {len(person_ids)} person_ids for joints of shape {joints.shape}; "
            "give one name per joint and one person_id per person"
        )
    unknown = np.full((people, count), np.nan)
    parts = {name: joints[..., axis] for axis, name in enumerate("xyz"[:dimensions])}
    parts["score"] = unknown if scores is None else scores
    if camera_joints is not None:
        parts |= {f"{name}_mm": camera_joints[..., axis] for axis, name in enumerate("XYZ")}
    corners = np.full((people, 4), np.nan) if boxes is None else boxes
    whole = person_scores(scores, box_scores, people)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    names = [f"{name}_{part}" for name in joint_names for part in parts]
    writer.writerow(["image", "person_id", "x1", "y1", "x2", "y2", "score", *names])
    of_joint = [SCORE_DIGITS if part == "score" else PIXEL_DIGITS for part in parts]
    digits = [*[PIXEL_DIGITS] * 4, SCORE_DIGITS, *of_joint * count]
    values = np.column_stack([corners, whole, np.stack([*parts.values()], axis=-1).reshape(people, len(names))])
    for image, person, row in zip(images, person_ids, values.tolist(), strict=True):
        cells = ("" if np.isnan(value) else round(value, places) for value, places in zip(row, digits, strict=True))
        writer.writerow([image, person, *cells])
    # A file name that is no valid UTF-8 comes with lone surrogates, which only an escape can write.
    return write_bytes(path, file.getvalue().encode("utf-8", errors="backslashreplace"))


def person_scores(scores: np.ndarray | None, box_scores: np.ndarray | None, people: int) -> np.ndarray:
    """(N,) a score per person: the box's times the mean of the joints that have one, as HRNet and mmpose rank people.

    A factor that is not known is left out; NaN if neither is. Args: as in `to_coco`.
    """
    box = np.full(people, np.nan) if box_scores is None else np.asarray(box_scores, dtype=np.float64)
    if scores is None:
        return box
    known = np.isfinite(scores)
    total = np.where(known, scores, 0).sum(axis=1)
    mean = np.divide(total, known.sum(axis=1), out=np.full(people, np.nan), where=known.any(axis=1))
    return np.where(np.isnan(mean), box, mean * np.where(np.isnan(box), 1, box))


def number_images(images: Sequence[str]) -> dict[str, int]:
    """Image name -> id: the number that each name is, as COCO's own are (`000000000139.jpg` is 139).

    If a name is no number, or two are the same, all are counted from 1 in their first order of appearance.
    """
    names = list(dict.fromkeys(map(str, images)))
    stems = [Path(name).stem for name in names]
    numbers = [int(stem) for stem in stems if stem.isascii() and stem.isdigit()]
    if len(set(numbers)) == len(names):
        return dict(zip(names, numbers, strict=True))
    return {name: index for index, name in enumerate(names, 1)}


def check_people(
    joints: np.ndarray,
    scores: np.ndarray | None,
    images: Sequence[str],
    boxes: np.ndarray | None,
    box_scores: np.ndarray | None,
    camera_joints: np.ndarray | None = None,
) -> None:
    """Raises PoseError if arrays as in `to_coco` do not fit together, or joints or boxes are not finite."""
    shape = joints.shape
    if len(shape) != 3 or shape[2] not in (2, 3):
        raise PoseError(f"poses to write: joints of shape {shape}; give (people, joints, 2 or 3)")
    for name, values, expected in (
        ("images", images, shape[:1]),
        ("scores", scores, shape[:2]),
        ("boxes", boxes, (shape[0], 4)),
        ("box_scores", box_scores, shape[:1]),
        ("camera_joints", camera_joints, (*shape[:2], 3)),
    ):
        if values is not None and np.shape(values) != expected:
            raise PoseError(
                f"poses to write: {name} of shape {np.shape(values)} for joints of shape {shape}; give {expected}"
            )
    for name, values in (("joint", joints), ("box", boxes)):
        values = joints[:, predicted_joints(joints)] if name == "joint" else values
        bad = [] if values is None else ~np.isfinite(values).all(axis=tuple(range(1, np.ndim(values))))
        if np.any(bad):
            raise PoseError(f"poses to write: row {np.argmax(bad)} has a {name} that is not finite; leave that row out")
