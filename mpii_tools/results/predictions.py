"""Predicted poses on disk: this project's .npz, and those of other programs (`pose_files`)."""

import os
from dataclasses import dataclass, replace

import numpy as np

from checkpoints import PoseError, require_file
from heads.skeleton import MPII
from mpii_tools.formats.arrays import array_names, load_arrays, save_arrays
from mpii_tools.formats.content import content
from mpii_tools.people import People, escape_names, find_rows, require_printable, require_unique
from mpii_tools.results.pose_files import read_pose_file

UNKNOWN_STAGE = -1
OPTIONAL = ("scores", "crop_center", "camera_joints", "time_s", "shown")  # columns of the file that it may lack
# The columns beside the joints: the shape of a person's row.
ROWS = {
    "person_ids": (), "images": (), "crop_center": (2,), "scores": ("K",), "camera_joints": ("K", 3), "boxes": (4,),
    "box_scores": (), "time_s": (), "shown": ("K",),
}  # fmt: skip


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
    """Predictions from a file: this project's .npz, or what other programs write (`pose_files.read_pose_file`).

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
