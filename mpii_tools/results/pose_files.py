"""Predictions as other programs write them: an array of poses in any container, or COCO keypoint results."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from checkpoints import PoseError, name_fault
from mpii_tools.formats.arrays import array_names, as_array, listed, load_arrays, load_npy
from mpii_tools.formats.coco_images import entry_box, image_names, image_of
from mpii_tools.formats.content import content, described, load_json
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.people import box_squares, text_array

# What published files call their array (a file may hold the annotations too), and other people's arrays of names.
ARRAY_NAMES = ("preds", "pred", "joints", "pos_pred_src")
IMAGE_NAMES = ("images", "image", "imgname", "image_names", "file_name")
AXES = ((0, 1, 2), (2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0))  # (N, K, 2 or 3) has priority

Columns = dict[str, np.ndarray | None]


def read_pose_file(path: Path, joints: int, first_pixel: int | None = None) -> Columns:
    """`joints` (N, K, 2), and `scores`, `person_ids`, `images`, `crop_center` and `box_scores` where the file has them.

    Args:
        path: .npz, .npy, .mat or .h5 with one array of poses, or COCO results, whatever its ending.
        joints: K.
        first_pixel: 0 or 1, what the file calls the first pixel; None: 0 in .npz and COCO results, else 1, as in MPII.

    Raises:
        PoseError: another file, no array of poses, or several of which none has a known name.
    """
    kind, head = content(path)
    if kind not in READERS:
        raise PoseError(f"{described(head)}; predictions are .npz, .h5, .mat, .npy or COCO's JSON; write one of these")
    load, read, origin = READERS[kind]
    columns = read(load(path), joints)
    return {**columns, "joints": columns["joints"] - (origin if first_pixel is None else first_pixel)}


def _array_columns(stored: Mapping[str, object], joints: int) -> Columns:
    """Of a file's one array of poses, or of the first of several that has a known name."""
    arrays = {name: as_array(value) for name, value in stored.items()}
    poses = {name: pose for name, array in arrays.items() if (pose := _poses(array, joints)) is not None}
    known = [name for name in ARRAY_NAMES if name in poses] or list(poses)
    if not poses or (len(known) > 1 and known[0] not in ARRAY_NAMES):
        shapes = [f"{name or 'one'} {array.dtype} {array.shape}" for name, array in arrays.items()]
        raise PoseError(
            f"{'more than one array' if poses else 'no array'} of numbers of shape (people, {joints}, 2 or 3) in it: "
            f"{listed(shapes)}; give one, called {' or '.join(ARRAY_NAMES)}"
        )
    pose = poses[known[0]]
    scores = pose[..., 2] if pose.shape[2] == 3 else as_array(stored.get("scores"))
    usable = scores.shape == pose.shape[:2] and scores.dtype.kind in "iuf" and ((scores >= 0) & (scores <= 1)).all()
    return {
        "joints": pose[..., :2],
        "scores": scores.astype(np.float64) if usable else None,  # a heatmap's own units say nothing here
        "person_ids": _names(stored, ("person_ids",)),
        "images": _names(stored, IMAGE_NAMES),
    }


def _load_npy(path: Path) -> Mapping[str, object]:
    with name_fault(path, "not a whole .npy file", "make it again", OSError, EOFError, ValueError):
        return {"": load_npy(path)}


def _load_npz(path: Path) -> Mapping[str, object]:
    return load_arrays(path, dict.fromkeys(array_names(path, "predictions"), "fiubU"), "predictions")


def _poses(array: np.ndarray, joints: int) -> np.ndarray | None:
    """The array as (N, K, 2 or 3) float64, whatever the order of its axes; None if it cannot be poses."""
    turned = [array.transpose(axes) for axes in AXES] if array.dtype.kind in "iuf" and array.ndim == 3 else []
    return next((pose.astype(float) for pose in turned if pose.shape[1] == joints and pose.shape[2] in (2, 3)), None)


def _names(stored: Mapping[str, object], aliases: tuple[str, ...]) -> np.ndarray | None:
    """(N,) names from the first of some arrays of text or bytes or cells that holds any; None if none does."""
    for value in map(stored.get, aliases):
        values = value.ravel().tolist() if isinstance(value, np.ndarray) else value if isinstance(value, list) else []
        texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in values]
        if texts and all(isinstance(text, str) for text in texts):
            return text_array(texts)
    return None


def _coco_columns(people: object, joints: int) -> Columns:
    """Of COCO keypoint results, 0-based: `keypoints` x, y and score or flag of K joints.

    `images` holds `file_name`, which our own results have, else what the file's own `images` call the `image_id`, else
    that id, a number or a name. `crop_center` is the middle of `bbox` (its edges are half a pixel before the pixels'
    centers), or of Ultralytics' `box`, or `center` as HRNet and mmpose write it; NaN without. `scores`: as
    `_coco_scores`. `box_scores`: so that `score` is a person's.

    Raises:
        PoseError: not a JSON list of people with K joints each, or somebody of no image.
    """
    names = None
    if isinstance(people, dict):
        names = image_names(people["images"]) if isinstance(people.get("images"), list) else None
        people = people.get("annotations", people)
    if not isinstance(people, list) or not people:
        raise PoseError("expected COCO keypoint results, a JSON list with an object per person; write one of these")
    rows, images, centers, ranks = [], [], [], []
    for index, person in enumerate(people):
        try:
            row = np.array(_keypoints(person), dtype=np.float64).reshape(joints, -1)
            if row.shape[1] not in (2, 3):
                raise ValueError(f"{row.size} numbers for {joints} joints")
            rows.append(np.hstack([row, np.full((joints, 3 - row.shape[1]), np.nan)]))
            images.append(image_of(person, names))
            box = entry_box(person) if person.get("bbox") or isinstance(person.get("box"), dict) else None
            x, y = (person.get("center") or (np.nan, np.nan)) if box is None else box_squares(box[None])[0][0]
            centers.append((float(x), float(y)))
            ranks.append(float(score) if isinstance(score := person.get("score"), (int, float)) else np.nan)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise PoseError(
                f"entry {index} is no COCO keypoint result of {joints} joints ({reason}); "
                "give image_id or file_name, and keypoints, x, y and score of each joint"
            ) from error
    poses = np.stack(rows)
    poses[:, (poses == 0).all(axis=(0, 2))] = np.nan  # a joint that nobody could learn, as `results.coco` writes it
    scores = _coco_scores(poses[..., 2], people)
    scored = np.isfinite(scores)
    mean = np.where(scored, scores, 0).sum(axis=1) / np.maximum(scored.sum(axis=1), 1)
    return {
        "joints": poses[..., :2],
        "scores": scores if scored.any() else None,
        "images": text_array(images),
        "crop_center": np.array(centers),
        "box_scores": np.array(ranks) / np.where(mean > 0, mean, 1) if np.isfinite(ranks).any() else None,
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
        columns = [points[name] for name in ("x", "y", "visible") if name in points or name != "visible"]
        return [list(row) for row in zip(*columns, strict=True)]
    return points


def _coco_scores(values: np.ndarray, people: list[dict]) -> np.ndarray:
    """(N, K) scores of what stands behind x and y: within 0..1, and 2, COCO's "visible", for a joint without any (NaN).

    NaN everywhere if no joint has a score: nothing above 0, another unit, or flags. Those are nothing but 0, 1 and 2, a
    2 among them or 1 and not 1.0, as COCO advises.

    Args:
        values: (N, K), NaN where nothing stands.
        people: the file's, of which they are.
    """
    flagged, told = values == 2, values[~np.isnan(values)]
    thirds = (third for person in people for third in np.array(_keypoints(person), dtype=object).ravel()[2::3])
    flags = np.isin(told, (0, 1, 2)).all() and (flagged.any() or all(isinstance(third, int) for third in thirds))
    scores = np.where(flagged, np.nan, values)
    usable = not flags and not ((scores < 0) | (scores > 1)).any() and (scores > 0).any()
    return scores if usable else np.full_like(scores, np.nan)


# Content -> how a file is loaded, what makes columns of it for K joints, and what it calls the first pixel.
READERS: dict[str, tuple[Callable[[Path], object], Callable[[object, int], Columns], int]] = {
    "json": (load_json, _coco_columns, 0),
    "npz": (_load_npz, _array_columns, 0),
    "npy": (_load_npy, _array_columns, 1),
    "mat": (load_mat, _array_columns, 1),
    "hdf5": (load_mat, _array_columns, 1),
}
