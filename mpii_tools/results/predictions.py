"""Predicted poses on disk: this project's .npz, and the formats of published MPII predictions."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import require_file
from heads.skeleton import MPII
from mpii_tools.formats.arrays import as_array, listed
from mpii_tools.formats.hdf5 import load_hdf5
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.formats.npy import load_npy
from mpii_tools.formats.npz import load_arrays, save_arrays
from mpii_tools.people import People

UNKNOWN_STAGE = -1

# The share of poses that are nearer to their row's person than the pose of another row is: 99 % or more in published
# predictions, 97 % for one mean pose; 51 % in a random order, 58 % if every row is the next one's.
IN_ORDER, ENOUGH_ROWS = 0.75, 20

# What the published files call their array, and how to make it (N, 16, 2).
ARRAY_NAMES = ("preds", "pred", "joints", "pos_pred_src")
AXES = ((0, 1, 2), (2, 1, 0), (2, 0, 1))


@dataclass(frozen=True)
class Predictions:
    """Predicted joints of N people.

    Attributes:
        joints: (N, K, D) float64; x, y in 0-based image pixels. Finite, but for joints that are NaN for everybody:
            those that nobody labeled in training.
        person_ids: (N,) as in `People`; None in a file that only has the annotations' order.
        joint_names: K names.
        stage: 0 or 1, the stage that predicted them; -1 if unknown.
        scores: (N, K) float64 in 0..1, how sure the network is of each joint, NaN where it does not say; None if
            nothing is known.

    Raises:
        PoseError: arrays that do not fit together, a value that is not finite, or a person_id that appears twice.
    """

    joints: np.ndarray
    person_ids: np.ndarray | None
    joint_names: tuple[str, ...] = MPII.names
    stage: int = UNKNOWN_STAGE
    scores: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape, names = self.joints.shape, len(self.joint_names)
        if len(shape) != 3 or shape[1] != names or shape[2] not in (2, 3):
            raise PoseError(
                f"predictions: joints of shape {shape}; expected (people, {names}, 2), one row per joint name"
            )
        lost = ~np.isfinite(self.joints[:, predicted_joints(self.joints)]).all(axis=(1, 2))
        lost |= ~np.isfinite(self.joints).any(axis=(1, 2))
        if lost.any():
            raise PoseError(
                f"predictions: {lost.sum():,} people have a joint that is not a finite number, first row "
                f"{np.argmax(lost)}; a prediction must place every joint"
            )
        if self.scores is not None and self.scores.shape != shape[:2]:
            raise PoseError(f"predictions: scores of shape {self.scores.shape}; expected {shape[:2]}, one per joint")
        if self.scores is not None and ((self.scores < 0) | (self.scores > 1)).any():
            raise PoseError("predictions: a score below 0 or above 1; give how sure each joint is, 0 to 1, or NaN")
        if self.person_ids is not None:
            if self.person_ids.shape != shape[:1]:
                raise PoseError(
                    f"predictions: {shape[0]} poses, person_ids of shape {self.person_ids.shape}; expected one per pose"
                )
            ids, counts = np.unique(self.person_ids, return_counts=True)
            if (counts > 1).any():
                raise PoseError(
                    f"predictions: person '{ids[counts > 1][0]}' is predicted more than once; keep one pose"
                )

    def __len__(self) -> int:
        return len(self.joints)


def predicted_joints(joints: np.ndarray) -> np.ndarray:
    """(K,) bool: which joints of poses (N, K, D) are not NaN for everybody, as those of an untrained joint are."""
    return ~np.isnan(joints).all(axis=(0, 2)) if len(joints) else np.ones(joints.shape[1], bool)


def save_predictions(path: str | os.PathLike, predictions: Predictions) -> None:
    """Writes `joints`, `person_ids` (empty if unknown), `joint_names`, `stage` and, if known, `scores` as .npz."""
    ids = [] if predictions.person_ids is None else predictions.person_ids
    columns = {
        "joints": predictions.joints,
        "person_ids": np.array(ids, dtype=np.str_),
        "joint_names": np.array(predictions.joint_names, dtype=np.str_),
        "stage": np.array(predictions.stage),
    }
    if predictions.scores is not None:
        columns["scores"] = predictions.scores
    save_arrays(path, columns)


def read_predictions(path: str | os.PathLike) -> Predictions:
    """Predictions from a file: this project's .npz, or an .h5, .mat or .npy of MPII-16 joints.

    The latter hold one array in 1-based image pixels, from which 1 is subtracted: (N, 16, 2), or with the axes in
    MATLAB's order (2, 16, N) or (16, 2, N); in .h5 and .mat it is called preds, pred, joints or pos_pred_src. The
    people are in the order of the annotations they were made for.

    Raises:
        PoseError: no such file, no such array, another shape, or values that are not finite.
    """
    path = require_file(path)
    try:
        if path.suffix == ".npz":
            return _load_npz(path)
        return Predictions(_one_array(path) - 1.0, person_ids=None)
    except PoseError as error:
        raise PoseError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error


def align(predictions: Predictions, people: People) -> Predictions:
    """The predictions of `people`, in their order.

    Matched by person_ids if all of `people` are found among them; predictions of further people are ignored. Some
    annotation formats count an image's people (HRNet's JSON, gt_valid.mat) and others its rects, so that ids of the
    same people can differ: with equal counts and the same image on every row, rows are matched. Rows are matched, too,
    if the predictions have no ids or the people no image names (`row1`, ...).

    Raises:
        PoseError: a person without prediction, another count, other joints, or rows in another order than the people.
    """
    if predictions.joint_names != people.joint_names:
        raise PoseError(
            f"predictions have joints {', '.join(predictions.joint_names[:3])}, ... and the annotations "
            f"{', '.join(people.joint_names[:3])}, ...; predict the annotated joints, in their order"
        )
    nameless = people.images.tolist() == [f"row{row + 1}" for row in range(len(people))]
    if predictions.person_ids is None or nameless:
        if len(predictions) != len(people):
            raise PoseError(
                f"{len(predictions):,} predictions for {len(people):,} annotated people, and no person_ids on one "
                "side; they can only be matched row by row, so give one prediction per person, in the annotations' "
                "order"
            )
        return _by_row(predictions, people)
    row_of = {person: row for row, person in enumerate(predictions.person_ids.tolist())}
    missing = [person for person in people.person_ids.tolist() if person not in row_of]
    if missing and [person.rpartition("#")[0] for person in row_of] == people.images.tolist():
        return _by_row(predictions, people)
    if missing:
        raise PoseError(
            f"{len(missing):,} of {len(people):,} annotated people have no prediction, first {missing[0]} "
            f"(the first prediction is for {next(iter(row_of), 'nobody')}); predict the people of these annotations"
        )
    rows = [row_of[person] for person in people.person_ids.tolist()]
    scores = None if predictions.scores is None else predictions.scores[rows]
    return replace(predictions, joints=predictions.joints[rows], person_ids=people.person_ids, scores=scores)


def _by_row(predictions: Predictions, people: People) -> Predictions:
    """The predictions in their own order, one per person.

    Nothing in such a file tells whose pose is whose, but a pose of the right person is nearer to the ground truth than
    that of a person half the file away.

    Raises:
        PoseError: if the rows cannot be those of the people.
    """
    matched = replace(predictions, person_ids=people.person_ids)
    if predictions.joints.shape[2] != 2:
        return matched

    here = predicted_joints(predictions.joints)

    def apart(joints: np.ndarray) -> np.ndarray:
        return np.where(people.annotated & here, np.linalg.norm(joints - people.joints, axis=-1), 0).sum(axis=1)

    others = np.roll(predictions.joints, len(people) // 2, axis=0)
    counted = people.annotated.any(axis=1)
    nearer = float((apart(predictions.joints) <= apart(others))[counted].mean()) if counted.any() else 1.0
    if counted.sum() >= ENOUGH_ROWS and nearer < IN_ORDER:
        raise PoseError(
            f"matched row by row, only {nearer:.0%} of the predictions are nearer to the person of their row than "
            "those of another row are; put them in the annotations' order, or give person_ids in an .npz"
        )
    return matched


def _load_npz(path: Path) -> Predictions:
    kinds = {"joints": "f", "person_ids": "U", "joint_names": "U", "stage": "iu"}
    stored = load_arrays(path, kinds, "predictions", optional={"scores": "f"})
    ids, scores = stored["person_ids"], stored.get("scores")
    return Predictions(
        joints=stored["joints"].astype(np.float64),
        person_ids=ids if ids.size or not len(stored["joints"]) else None,
        joint_names=tuple(stored["joint_names"].ravel().tolist()),
        stage=int(stored["stage"].ravel()[0]) if stored["stage"].size else UNKNOWN_STAGE,
        scores=None if scores is None else scores.astype(np.float64),
    )


def _one_array(path: Path) -> np.ndarray:
    """The (N, 16, 2) array of a published file, in its own pixels."""
    if path.suffix == ".npy":
        try:
            array = load_npy(path)
        except (OSError, EOFError, ValueError) as error:
            raise PoseError(f"not a whole .npy file ({error}); make it again") from error
    elif path.suffix in (".h5", ".hdf5", ".mat"):
        stored = load_mat(path) if path.suffix == ".mat" else load_hdf5(path)
        name = next((name for name in ARRAY_NAMES if name in stored), None)
        if name is None:
            raise PoseError(
                f"none of {', '.join(ARRAY_NAMES)} in it, only {listed(stored)}; give the predictions "
                "one of these names"
            )
        array = as_array(stored[name])
    else:
        raise PoseError(f"predictions are .npz, .h5, .mat or .npy files, not '{path.suffix}'; write one of these")
    if array.dtype.kind in "iuf" and array.ndim == 3:
        for axes in AXES:
            if array.transpose(axes).shape[1:] == (len(MPII), 2):
                return array.transpose(axes).astype(np.float64)
    raise PoseError(
        f"predictions of {array.dtype} {array.shape}; expected numbers of shape (people, 16, 2), MPII's joints"
    )
