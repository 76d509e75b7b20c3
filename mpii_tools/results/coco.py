"""Predicted poses for other tools: COCO results, which pycocotools and mmpose read, and CSV.

`results.predictions` reads the former back; this project's own file is its .npz.
"""

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, write_bytes, write_text
from mpii_tools.formats.coco_images import PERSON
from mpii_tools.images.index import number_images
from mpii_tools.results.predictions import Predictions, person_scores, predicted_joints

VISIBLE = 2.0  # COCO's flag of a joint, for one without a score
PIXEL_DIGITS, SCORE_DIGITS = 3, 6


def to_coco(
    predictions: Predictions, image_ids: Mapping[str, int | str] | None = None, category_id: int | str = PERSON
) -> list[dict[str, Any]]:
    """COCO keypoint results: what `COCO.loadRes` takes, one dictionary per person.

    `image_id`; `file_name`, the image's name, which readers ignore; `category_id`; `keypoints`, x, y and score of the K
    joints one after the other; `bbox`, x, y, width and height, if there are boxes; `time_s` of a video's frame;
    `shown`, 0 for each joint whose score is too low to be drawn; `score`, by which people are ranked. The joints keep
    their own order, so OKS needs ground truth and K sigmas in that order. Of D = 3 x and y are written. Pixels are
    rounded to 0.001, scores and times to 1e-6.

    A joint that is NaN for everybody, as nobody had it in training, is written as 0, 0, 0: COCO's "not labeled". The
    format has no place for a score that is not known. Behind a joint without one stands 2, COCO's flag of a visible
    joint: OKS does not read it, programs that draw leave out what has 0 (a score of 0 becomes 1e-6), and no score is
    above 1, so that `read_predictions` can tell. A person's score follows from `person_scores`, and is 1 if neither the
    box nor a joint has one, as HRNet and mmpose rank boxes that nobody scored: pycocotools reads no file without it.

    Args:
        predictions: with `images`.
        image_ids: image name -> the ground truth's `image_id`; None: those of `number_images`.
        category_id: the ground truth's category of people.

    Raises:
        PoseError: an image without id.
    """
    joints, images = predictions.joints, predictions.images.tolist()
    ids = number_images(images) if image_ids is None else image_ids
    if missing := [name for name in images if name not in ids]:
        raise PoseError(f"COCO results: image '{missing[0]}' has no image_id; give one for each image")
    scores = np.full(joints.shape[:2], np.nan) if predictions.scores is None else predictions.scores
    shown = np.nan_to_num(np.maximum(scores.round(SCORE_DIGITS), 10.0**-SCORE_DIGITS), nan=VISIBLE)
    marked = np.dstack([joints[..., :2].round(PIXEL_DIGITS), shown])
    marked[:, ~predicted_joints(joints)] = 0
    ranks = np.nan_to_num(person_scores(predictions.scores, predictions.box_scores, len(joints)), nan=1.0)
    columns = {
        "image_id": [ids[name] for name in images],
        "file_name": images,
        "category_id": [category_id] * len(joints),
        "keypoints": marked.reshape(len(joints), 3 * joints.shape[1]).tolist(),
        "score": ranks.round(SCORE_DIGITS).tolist(),
    }
    if (boxes := predictions.boxes) is not None:
        columns["bbox"] = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).round(PIXEL_DIGITS).tolist()
    if (times := predictions.time_s) is not None:
        columns["time_s"] = [None if np.isnan(time) else round(time, SCORE_DIGITS) for time in times.tolist()]
    if predictions.shown is not None:
        columns["shown"] = predictions.shown.astype(int).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def write_coco(path: str | os.PathLike, predictions: Predictions, **ids: Any) -> Path:
    """Write `to_coco` of predictions and `ids`, `image_ids` and `category_id`, as JSON (which has no NaN) to the path.

    Raises:
        PoseError: an image without id, or a file that cannot be written.
    """
    return write_text(path, json.dumps(to_coco(predictions, **ids), allow_nan=False))


def write_csv(path: str | os.PathLike, predictions: Predictions) -> Path:
    """Write `to_csv` of predictions and return the path. Raises PoseError for a file that cannot be written."""
    return write_bytes(path, to_csv(predictions))


def to_csv(predictions: Predictions, header: bool = True) -> bytes:
    """A CSV file (UTF-8, a row per person).

    Columns: `image`, `person_id`, of videos `time_s`, then `x1`, `y1`, `x2`, `y2`, `score` of `person_scores`, for each
    joint `NAME_x`, `NAME_y`, with D = 3 `NAME_z`, and `NAME_score`; with `camera_joints` then `NAME_X_mm`, `NAME_Y_mm`,
    `NAME_Z_mm`; where joints are hidden, `NAME_shown`, 0 or 1. What is not known is left empty. Pixels, mm and seconds
    are rounded to 0.001, scores to 1e-6. Names are those of `quote_cell`.

    Args:
        predictions: with `images` and `person_ids`.
        header: whether the first row names the columns.
    """
    joints, scores, people = predictions.joints, predictions.scores, len(predictions)
    parts = dict(zip("xyz", np.moveaxis(joints, -1, 0), strict=False))
    parts["score"] = np.full(joints.shape[:2], np.nan) if scores is None else scores
    if predictions.camera_joints is not None:
        parts |= zip(("X_mm", "Y_mm", "Z_mm"), np.moveaxis(predictions.camera_joints, -1, 0), strict=True)
    if predictions.shown is not None:
        parts["shown"] = predictions.shown.astype(int)
    corners = np.full((people, 4), np.nan) if predictions.boxes is None else predictions.boxes
    columns = {} if predictions.time_s is None else {"time_s": predictions.time_s}
    columns |= zip(("x1", "y1", "x2", "y2"), corners.T, strict=True)
    columns["score"] = person_scores(scores, predictions.box_scores, people)
    columns |= {f"{joint}_{part}": values[:, row] for row, joint in enumerate(predictions.joint_names)
                for part, values in parts.items()}  # fmt: skip
    return format_columns({"image": predictions.images, "person_id": predictions.person_ids, **columns}, header)


def format_columns(columns: Mapping[str, np.ndarray], header: bool = True) -> bytes:
    """Columns (N,) by name as a CSV file: text by `quote_cell`, scores to 1e-6 and other numbers to 0.001, NaN empty.

    Args:
        header: whether the first row names the columns.
    """
    cells = []
    for name, values in columns.items():
        digits = SCORE_DIGITS if name.endswith("score") else PIXEL_DIGITS
        if values.dtype.kind == "U":
            cells.append(map(quote_cell, values.tolist()))
        else:
            cells.append(["" if value != value else round(value, digits) for value in values.tolist()])
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    if header:
        writer.writerow(map(quote_cell, columns))
    writer.writerows(zip(*cells, strict=True))
    # A file name that is no valid UTF-8 comes with lone surrogates, which only an escape can write.
    return file.getvalue().encode("utf-8", errors="backslashreplace")


def quote_cell(name: str) -> str:
    """A name as a cell of CSV: what a spreadsheet takes for a formula gets an apostrophe in front, a return is %r."""
    return "'" * name.startswith(("=", "+", "-", "@", "\t", "\r")) + name.replace("\r", "%r")
