"""Predicted poses on disk: this project's .npz, and what other programs write.

That is an array of poses in any container, or COCO keypoint results.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checkpoints import PoseError, require_file
from heads.skeleton import MPII
from mpii_tools.formats.arrays import array_names, as_array, listed, load_arrays, load_npy, save_arrays
from mpii_tools.formats.coco_images import entry_box, image_names, image_of
from mpii_tools.formats.content import content, described, load_json
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.people import (
    People,
    box_squares,
    escape_names,
    find_rows,
    require_printable,
    require_unique,
    text_array,
)

UNKNOWN_STAGE = -1
OPTIONAL = ("scores", "crop_center", "camera_joints", "time_s", "shown")  # columns of the file that it may lack
# The columns beside the joints: the shape of a person's row.
ROWS = {
    "person_ids": (), "images": (), "crop_center": (2,), "scores": ("K",), "camera_joints": ("K", 3), "boxes": (4,),
    "box_scores": (), "time_s": (), "shown": ("K",),
}  # fmt: skip


# What published files call their array (a file may hold the annotations too), and other people's arrays of names.
ARRAY_NAMES = ("preds", "pred", "joints", "pos_pred_src")
IMAGE_NAMES = ("images", "image", "imgname", "image_names", "file_name")
AXES = ((0, 1, 2), (2, 1, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (1, 2, 0))  # (N, K, 2 or 3) has priority

Columns = dict[str, np.ndarray | None]


@dataclass(frozen=True)
class Predictions:
    """Predicted joints of N people.

    Attributes:
        joints: (N, K, D) float64; x, y in 0-based image pixels, z in mm relative to the root. Finite, but for joints
            that are NaN for everybody: those that nobody labeled in training.
        person_ids: (N,) as in `People`, escapes included; None in a file that only has the annotations' order.
        joint_names: K names.
        stage: 0 or 1, the stage that predicted them; -1 if unknown.
        scores: (N, K) float64 in 0..1, how sure the network is of each joint, NaN where it does not say; None if
            nothing is known.
        crop_center: (N, 2) image pixels, the center of the crop that each was predicted in, NaN where it is not known.
        images: (N,) image names, or COCO's image_ids in files that have no person_ids.
        camera_joints: (N, K, 3) mm in the camera's coordinates (`with_camera`), NaN for people whose camera is not
            known; None if nobody's is.
        boxes: (N, 4) x1, y1, x2, y2 in image pixels, where each person was looked for.
        box_scores: (N,) of the boxes in 0..1, from a detector, NaN where there is none.
        time_s: (N,) seconds from the beginning of each one's video, NaN for an image; None without videos.
        shown: (N, K) 1 for a joint that is drawn, 0 for one whose score is too low; None if all are.

    Raises:
        PoseError: arrays that do not fit together, a joint or box that is not finite, or a person_id that appears
            twice.
    """

    joints: np.ndarray
    person_ids: np.ndarray | None
    joint_names: tuple[str, ...] = MPII.names
    stage: int = UNKNOWN_STAGE
    scores: np.ndarray | None = None
    crop_center: np.ndarray | None = None
    images: np.ndarray | None = None
    camera_joints: np.ndarray | None = None
    boxes: np.ndarray | None = None
    box_scores: np.ndarray | None = None
    time_s: np.ndarray | None = None
    shown: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape, names = self.joints.shape, len(self.joint_names)
        require_printable("predictions", np.array(self.joint_names))
        if len(shape) != 3 or shape[1] != names or shape[2] not in (2, 3):
            raise PoseError(
                f"predictions: joints of shape {shape}; expected (people, {names}, 2), as many as are named"
            )
        for name, row in ROWS.items():
            column, want = getattr(self, name), (shape[0], *(names if length == "K" else length for length in row))
            if column is not None and column.shape != want:
                raise PoseError(f"predictions: {shape[0]} poses, {name} of shape {column.shape}; expected {want}")
        finite = np.isfinite(self.joints)
        lost = ~finite[:, predicted_joints(self.joints)].all(axis=(1, 2)) | ~finite.any(axis=(1, 2))
        if lost.any():
            first = f"{lost.sum():,} people have a joint that is not a finite number, first row {np.argmax(lost)}"
            raise PoseError(f"predictions: {first}; a prediction must place every joint")
        if self.boxes is not None and not (finite := np.isfinite(self.boxes).all(axis=1)).all():
            raise PoseError(f"predictions: row {np.argmin(finite)} has a box that is not finite; leave that row out")
        if self.scores is not None and ((self.scores < 0) | (self.scores > 1)).any():
            raise PoseError("predictions: a score below 0 or above 1; give how sure each joint is, 0 to 1, or NaN")
        if self.person_ids is not None:
            object.__setattr__(self, "person_ids", escape_names(self.person_ids))
            require_unique("predictions", self.person_ids, "is predicted")

    def __len__(self) -> int:
        return len(self.joints)


def predicted_joints(joints: np.ndarray) -> np.ndarray:
    """(K,) bool: which joints of poses (N, K, D) are not NaN for everybody, as those of an untrained joint are."""
    return ~np.isnan(joints).all(axis=(0, 2)) if len(joints) else np.ones(joints.shape[1], bool)


def name_poses(
    predictions: Predictions, names: tuple[str, ...], dimensions: int, path: str | os.PathLike
) -> np.ndarray:
    """(N, len(names), dimensions) the joints of these names; NaN for those that are not predicted, and their depths.

    Raises:
        PoseError: none is predicted.
    """
    poses = np.full((len(predictions), len(names), dimensions), np.nan)
    there = [name for name in names if name in predictions.joint_names]
    if not there:
        theirs, ours = (", ".join(each[:3]) for each in (predictions.joint_names, names))
        raise PoseError(
            f"{path}: has joints {theirs}, ..., and none of {ours}, ...; give poses of the network's joints"
        )
    wanted, held = ([each.index(name) for name in there] for each in (names, predictions.joint_names))
    known = min(dimensions, predictions.joints.shape[2])
    poses[:, wanted, :known] = predictions.joints[:, held, :known]
    return poses


def person_scores(scores: np.ndarray | None, box_scores: np.ndarray | None, people: int) -> np.ndarray:
    """(N,) a score per person: the box's times the mean of the joints that have one, as HRNet and mmpose rank people.

    A factor that is not known is left out; NaN if neither is.

    Args:
        scores: (N, K) of the joints in 0..1, NaN where there is none; None: nowhere.
        box_scores: (N,) of the boxes in 0..1, from a detector, NaN where there is none; None: nowhere.
        people: N.
    """
    box = np.full(people, np.nan) if box_scores is None else np.asarray(box_scores, dtype=np.float64)
    if scores is None:
        return box
    known = np.isfinite(scores)
    mean = np.full(people, np.nan)
    np.divide(np.where(known, scores, 0).sum(axis=1), known.sum(axis=1), out=mean, where=known.any(axis=1))
    return np.where(np.isnan(mean), box, mean * np.where(np.isnan(box), 1, box))


def with_camera(predictions: Predictions, people: People) -> Predictions:
    """The predictions with `camera_joints`, where the people's cameras are known.

    The depth of the root is the ground truth's (`Depth.to_camera`). For people without depth, with predictions in 2D or
    if nobody's camera and root depth are known, the predictions are as they were.

    Args:
        predictions: with person_ids.
        people: the same people, and maybe others.

    Raises:
        PoseError: a predicted person who is not among them.
    """
    if people.depth is None or predictions.joints.shape[2] != 3 or predictions.person_ids is None:
        return predictions
    depth = people.depth.select(find_rows("depth", people.person_ids, predictions.person_ids))
    known = depth.placed.any()
    return replace(predictions, camera_joints=depth.to_camera(predictions.joints)) if known else predictions


def save_predictions(path: str | os.PathLike, predictions: Predictions) -> None:
    """Writes an .npz: `joints`, `person_ids` (empty if unknown), `joint_names`, `stage`; the `OPTIONAL` it has."""
    ids = [] if predictions.person_ids is None else predictions.person_ids
    save_arrays(path, {
        "joints": predictions.joints, "person_ids": np.array(ids, dtype=np.str_),
        "joint_names": np.array(predictions.joint_names, dtype=np.str_), "stage": np.array(predictions.stage),
        **{name: column for name in OPTIONAL if (column := getattr(predictions, name)) is not None},
    })  # fmt: skip


def read_predictions(
    path: str | os.PathLike, joint_names: tuple[str, ...] = MPII.names, first_pixel: int | None = None
) -> Predictions:
    """Predictions from a file: this project's .npz, or what other programs write (`read_pose_file`).

    The content tells which it is, not the ending.

    Args:
        path: the file.
        joint_names: K names of the joints of a file that does not name them.
        first_pixel: 0 or 1, as `read_pose_file`; this project's .npz counts from 0.

    Raises:
        PoseError: no such file, no such array, another shape, or values that are not finite.
    """
    path = require_file(path)
    try:
        if content(path)[0] != "npz" or "joint_names" not in array_names(path, "predictions"):
            columns = {"person_ids": None, **read_pose_file(path, len(joint_names), first_pixel)}
            return Predictions(**columns, joint_names=joint_names)
        kinds = {"joints": "f", "person_ids": "U", "joint_names": "U", "stage": "iu"}
        stored = load_arrays(path, kinds, "predictions", optional=dict.fromkeys(OPTIONAL, "f"))
        ids, stage = stored["person_ids"], stored["stage"]
        return Predictions(
            person_ids=ids if ids.size or not len(stored["joints"]) else None,
            joint_names=tuple(stored["joint_names"].ravel().tolist()),
            stage=stage.item(0) if stage.size else UNKNOWN_STAGE,
            **{name: stored[name].astype(np.float64) for name in ("joints", *OPTIONAL) if name in stored},
        )
    except PoseError as error:
        raise PoseError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error


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
    "npy": (lambda path: {"": load_npy(path)}, _array_columns, 1),
    "mat": (load_mat, _array_columns, 1),
    "hdf5": (load_mat, _array_columns, 1),
}
