"""Predictions as other programs write them: an array of poses in any container, or COCO keypoint results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.formats.arrays import as_array, listed
from mpii_tools.formats.coco_images import image_names, image_of
from mpii_tools.formats.content import content, described
from mpii_tools.formats.json_file import load_json
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.formats.npy import load_npy
from mpii_tools.formats.npz import array_names, load_arrays

# What published files call their array (a file may hold the annotations too), and other people's arrays of names.
ARRAY_NAMES = ("preds", "pred", "joints", "pos_pred_src")
IMAGE_NAMES = ("images", "image", "imgname", "image_names", "file_name")
AXES = ((0, 1, 2), (2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0))  # (N, K, 2 or 3) has priority

Columns = dict[str, np.ndarray | None]


def read_pose_file(path: Path, joints: int, first_pixel: int | None = None) -> Columns:
    """`joints` (N, K, 2), and `scores`, `person_ids`, `images` and `crop_center` where the file has them.

    Args:
        path: .npz, .npy, .mat or .h5 with one array of poses, or COCO results, whatever its ending.
        joints: K.
        first_pixel: 0 or 1, what the file calls the first pixel; None: 0 in .npz and COCO results, else 1, as in MPII.

    Raises:
        PoseError: another file, no array of poses, or several of which none has a known name.
    """
    kind, head = content(path)
    if kind == "json":
        columns = read_coco_results(path, joints)
    else:
        stored = _load(path, kind, head)
        columns = _pose_columns(stored, joints)
        for name, aliases in {"person_ids": ("person_ids",), "images": IMAGE_NAMES}.items():
            columns[name] = next((found for alias in aliases if (found := _texts(stored.get(alias))) is not None), None)
    origin = (0 if kind in ("npz", "json") else 1) if first_pixel is None else first_pixel
    return {**columns, "joints": columns["joints"] - origin}


def _load(path: Path, kind: str, head: bytes) -> Mapping[str, object]:
    """The arrays of a file by name; '' for the one of a .npy."""
    if kind == "npy":
        try:
            return {"": load_npy(path)}
        except (OSError, EOFError, ValueError) as error:
            raise PoseError(f"not a whole .npy file ({error}); make it again") from error
    if kind == "npz":
        return load_arrays(path, dict.fromkeys(array_names(path, "predictions"), "fiubU"), "predictions")
    if kind in ("mat", "hdf5"):
        return load_mat(path)
    raise PoseError(
        f"{described(head)}; predictions are .npz, .h5, .mat or .npy files or COCO results (JSON); write one of these"
    )


def _pose_columns(stored: Mapping[str, object], joints: int) -> Columns:
    """`joints` and `scores` of the file's one array of poses, or of the first of several that has a known name."""
    arrays = {name: as_array(value) for name, value in stored.items()}
    poses = {name: found for name, array in arrays.items() if (found := _poses(array, joints)) is not None}
    name = next((name for name in ARRAY_NAMES if name in poses), next(iter(poses), None) if len(poses) == 1 else None)
    if name is None:
        shapes = [f"{name or 'one'} {array.dtype} {array.shape}" for name, array in arrays.items()]
        raise PoseError(
            f"{'more than one array' if poses else 'no array'} of numbers of shape (people, {joints}, 2 or 3) in it: "
            f"{listed(shapes)}; give one, called {' or '.join(ARRAY_NAMES)}"
        )
    scores = poses[name][..., 2] if poses[name].shape[2] == 3 else as_array(stored.get("scores"))
    return {"joints": poses[name][..., :2], "scores": _known_scores(scores, poses[name].shape[:2])}


def _poses(array: np.ndarray, joints: int) -> np.ndarray | None:
    """The array as (N, K, 2 or 3) float64, whatever the order of its axes; None if it cannot be poses."""
    if array.dtype.kind not in "iuf" or array.ndim != 3:
        return None
    turned = (array.transpose(axes) for axes in AXES)
    found = next((poses for poses in turned if poses.shape[1] == joints and poses.shape[2] in (2, 3)), None)
    return None if found is None else found.astype(np.float64)


def _known_scores(scores: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """(N, K) scores in 0..1; None if they are not: a heatmap's own units say nothing here."""
    if scores.shape != shape or scores.dtype.kind not in "iuf" or not ((scores >= 0) & (scores <= 1)).all():
        return None
    return scores.astype(np.float64)


def _texts(value: object) -> np.ndarray | None:
    """(N,) names from an array of text or bytes or a cell; None for anything else, and for none at all."""
    values = value.ravel().tolist() if isinstance(value, np.ndarray) else value if isinstance(value, list) else []
    texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in values]
    return np.array(texts, dtype=np.str_) if texts and all(isinstance(text, str) for text in texts) else None


def read_coco_results(path: Path, joints: int) -> Columns:
    """COCO keypoint results as columns, 0-based: `keypoints` x, y and score or flag of K joints.

    `images` holds `file_name`, which our own results have, else what the file's own `images` call the `image_id`, else
    that id, a number or a name. `crop_center` is the middle of `bbox` (its edges are half a pixel before the pixels'
    centers), or of Ultralytics' `box`, or `center` as HRNet and mmpose write it; NaN without. `scores`: as
    `_coco_scores`.

    Raises:
        PoseError: not a JSON list of people with K joints each, or somebody of no image.
    """
    people, names = load_json(path), None
    if isinstance(people, dict):
        names = image_names(people["images"]) if isinstance(people.get("images"), list) else None
        people = people.get("annotations", people)
    if not isinstance(people, list) or not people:
        raise PoseError("expected COCO keypoint results, a JSON list with an object per person; write one of these")
    rows, images, centers = [], [], []
    for index, person in enumerate(people):
        try:
            row = np.array(_keypoints(person), dtype=np.float64).reshape(joints, -1)
            if row.shape[1] not in (2, 3):
                raise ValueError(f"{row.size} numbers for {joints} joints")
            rows.append(np.hstack([row, np.full((joints, 3 - row.shape[1]), np.nan)]))
            images.append(image_of(person, names))
            centers.append(_center(person))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise PoseError(
                f"entry {index} is no COCO keypoint result of {joints} joints ({reason}); "
                "give image_id or file_name, and keypoints, x, y and score of each joint"
            ) from error
    poses = np.stack(rows)
    scores = _coco_scores(poses[..., 2], people)
    nowhere = (poses == 0).all(axis=(0, 2))  # a joint that nobody could learn, as `results.coco` writes it
    poses[:, nowhere, :2] = np.nan
    if scores is not None:
        scores[:, nowhere] = np.nan
    return {
        "joints": poses[..., :2],
        "scores": scores,
        "images": np.array(images, dtype=np.str_),
        "crop_center": np.array(centers),
    }


def _keypoints(person: Mapping[str, object]) -> list:
    """`keypoints`: x, y, score one after the other or in rows; of Ultralytics' lists of x, y and visible as such rows.

    Raises:
        ValueError, TypeError, KeyError: no such field, or lists of other lengths.
    """
    points = person.get("keypoints")
    if points is None:
        raise ValueError("no keypoints")
    if isinstance(points, dict):
        columns = [points["x"], points["y"], *([points["visible"]] if "visible" in points else [])]
        return [list(row) for row in zip(*columns, strict=True)]
    return points


def _coco_scores(values: np.ndarray, people: list[dict]) -> np.ndarray | None:
    """(N, K) scores of what stands behind x and y: within 0..1, and 2, COCO's "visible", for a joint without any (NaN).

    None if no joint has a score: nothing above 0, flags (`_are_flags`), or another unit.

    Args:
        values: (N, K).
        people: the file's, of which they are.
    """
    flagged = values == 2
    scored = np.where(flagged, 0, values)
    if not ((scored >= 0) & (scored <= 1)).all() or not (scored > 0).any() or _are_flags(values, people):
        return None
    return np.where(flagged, np.nan, values)


def _are_flags(values: np.ndarray, people: list[dict]) -> bool:
    """Whether they are COCO's flags: nothing but 0, 1 and 2, a 2 among them or 1 and not 1.0, as COCO advises."""
    if not np.isin(values, (0, 1, 2)).all():
        return False
    thirds = (value for person in people for value in np.array(_keypoints(person), dtype=object).ravel()[2::3])
    return bool((values == 2).any()) or all(isinstance(value, int) for value in thirds)


def _center(person: Mapping[str, object]) -> list[float]:
    if isinstance(person.get("box"), dict):
        x1, y1, x2, y2 = (float(person["box"][edge]) for edge in ("x1", "y1", "x2", "y2"))
        return [(x1 + x2) / 2 - 0.5, (y1 + y2) / 2 - 0.5]
    if person.get("bbox"):
        x, y, width, height = (float(value) for value in person["bbox"])
        return [x + width / 2 - 0.5, y + height / 2 - 0.5]
    if person.get("center"):
        x, y = (float(value) for value in person["center"])
        return [x, y]
    return [np.nan, np.nan]
