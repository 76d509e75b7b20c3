"""What every 3D metric takes, checked once: ground truth in mm, and predictions of the same people and joints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.inputs import check_finite, check_predictions
from heads.skeleton import MPII, Skeleton


@dataclass(frozen=True)
class Sequences:
    """The Q sequences of N people, each of one subject and one action: what the bootstrap draws.

    Attributes:
        index: (N,) which of the Q sequences a person is in.
        subject, action: (Q,) names; None if they are not known.
        count: Q.
    """

    index: np.ndarray
    subject: np.ndarray | None
    action: np.ndarray | None
    count: int

    def sums(self, terms: np.ndarray) -> np.ndarray:
        """(Q, ...) sums of the terms (N, ...) of each sequence's people."""
        found = np.zeros((self.count, *terms.shape[1:]))
        np.add.at(found, self.index, terms)
        return found


@dataclass(frozen=True, eq=False)
class GroundTruth3D:
    """The ground truth of N people with K joints in 3D.

    Attributes:
        joints: (N, K, 3) mm in the camera frame: x right, y down, z away, which is right-handed; NaN if not annotated.
            The origin does not matter, so joints relative to the pelvis do as well.
        annotated: (N, K) bool, the joints that count; left out: those with a finite position.
        skeleton: names, parents and flip pairs of the K joints.
        subject, action: (N,) names; left out: nothing is told per subject (Bone Std needs them), or per action.
        sequence: (N,) names, Human3.6M's subactions say. The bootstrap draws people of the same sequence, subject and
            action together, since neighboring frames are not independent. Left out: it draws those of the same subject
            and action together; if these are not both known, each person by itself.
        protocol: the one of Human3.6M that tests on these people, in words; '' if it is not known.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """

    joints: np.ndarray
    annotated: np.ndarray | None = None
    skeleton: Skeleton = MPII
    subject: np.ndarray | None = None
    action: np.ndarray | None = None
    sequence: np.ndarray | None = None
    protocol: str = ""

    def __post_init__(self) -> None:
        joints, names = np.asarray(self.joints, dtype=np.float64), self.skeleton.names
        if joints.ndim != 3 or joints.shape[1:] != (len(names), 3):
            raise PoseError(f"3D ground truth has shape {joints.shape}; expected (people, {len(names)}, 3), in mm")
        annotated = np.isfinite(joints).all(axis=-1) if self.annotated is None else np.asarray(self.annotated, bool)
        held = {"joints": joints, "annotated": annotated}
        held |= {
            name: np.asarray(values).astype(str)
            for name in ("subject", "action", "sequence")
            if (values := getattr(self, name)) is not None
        }
        for name, values in held.items():
            wanted = joints.shape[: 2 if name == "annotated" else 1]
            if name != "joints" and values.shape != wanted:
                raise PoseError(f"3D ground truth: {name} has shape {values.shape}, expected {wanted}")
            object.__setattr__(self, name, values)
        check_finite("3D ground truth", joints, annotated, names)

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def known(self) -> np.ndarray:
        """(N, K, 3) the joints, NaN if not annotated."""
        return np.where(self.annotated[..., None], self.joints, np.nan)

    @cached_property
    def sequences(self) -> Sequences:
        """Which people the bootstrap draws together."""
        labels = [values for values in (self.subject, self.action, self.sequence) if values is not None]
        if self.sequence is None and len(labels) < 2:
            labels.append(np.arange(len(self)))
        codes = np.stack([np.unique(values, return_inverse=True)[1] for values in labels], axis=-1)
        _, first, index = np.unique(codes, axis=0, return_index=True, return_inverse=True)
        named = (None if values is None else values[first] for values in (self.subject, self.action))
        return Sequences(index.reshape(-1), *named, len(first))

    def check(self, pred: ArrayLike) -> np.ndarray:
        """Predicted joints of these people as float64 (N, K, 3), NaN if not annotated.

        Raises:
            PoseError: another shape, or an annotated joint without a finite predicted position.
        """
        pred = check_predictions(pred, self.joints, self.annotated, self.skeleton.names, "(people, joints, 3), in mm")
        return np.where(self.annotated[..., None], pred, np.nan)
