"""What every metric takes, checked once: ground truth, and predictions of the same people and joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.measures import PCKH, Measure
from heads.skeleton import MPII, Skeleton

BOX_PER_SCALE = 200.0  # image pixels of the longer side of a person's box per unit of MPII's scale


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The ground truth of N people with K joints. Any arrays will do; what is left out is filled in as stated.

    Attributes:
        joints: (N, K, D) image pixels (D = 2, or more); NaN if not annotated.
        head_size: (N,) image pixels, 0.6 times the diagonal of MPII's head box. PCKh leaves out, and counts, people
            whose head size is NaN or not positive; left out: everybody's is NaN.
        scale: (N,) MPII's scale (person height / 200 px), which sets the crop's side: 250 * scale image pixels. People
            whose scale is NaN or not positive count in image pixels only; left out: everybody's is NaN.
        annotated: (N, K) bool, the joints that count; left out: those with a finite position.
        skeleton: names, parents and flip pairs of the K joints.
        measure: what PCK is counted in; left out: head sizes, which is PCKh.
        size: (N,) that unit in image pixels, NaN where it is unknown; left out: what `measure` tells.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position.
    """

    joints: np.ndarray
    head_size: np.ndarray | None = None
    scale: np.ndarray | None = None
    annotated: np.ndarray | None = None
    skeleton: Skeleton = MPII
    measure: Measure = PCKH
    size: np.ndarray | None = None

    def __post_init__(self) -> None:
        joints, names = np.asarray(self.joints, dtype=np.float64), self.skeleton.names
        if joints.ndim != 3:
            raise PoseError(f"ground truth has shape {joints.shape}; give it as (people, joints, dimensions)")
        if joints.shape[1] != len(names):
            raise PoseError(f"poses have {joints.shape[1]} joints but {len(names)} are named; name each joint")
        object.__setattr__(self, "joints", joints)
        unknown = np.full(len(joints), np.nan)
        for name, default in (
            ("annotated", np.isfinite(joints).all(axis=-1)), ("head_size", unknown), ("scale", unknown),
        ):  # fmt: skip
            given = getattr(self, name)
            values = default if given is None else np.asarray(given, dtype=default.dtype)
            if values.shape != default.shape:
                raise PoseError(f"ground truth: {name} has shape {values.shape}, expected {default.shape}")
            object.__setattr__(self, name, values)
        check_finite("ground truth", joints, self.annotated, names)
        if self.size is None:
            object.__setattr__(self, "size", self._size())

    def __len__(self) -> int:
        return len(self.joints)

    def _size(self) -> np.ndarray:
        if self.measure.key == "pckh":
            return self.head_size
        if self.measure.key == "box":
            return BOX_PER_SCALE * self.scale
        if not self.skeleton.torso:
            return np.full(len(self), np.nan)
        one, other = (self.skeleton.index(name) for name in self.skeleton.torso)
        length = np.linalg.norm(self.joints[:, one] - self.joints[:, other], axis=-1)
        return np.where(self.annotated[:, one] & self.annotated[:, other], length, np.nan)

    def part(self, people: np.ndarray, joints: np.ndarray) -> GroundTruth:
        """Some of the people (N,) bool, with some of their joints (K,) bool annotated."""
        rows = (self.joints[people], self.head_size[people], self.scale[people], self.annotated[people] & joints)
        return GroundTruth(*rows, self.skeleton, self.measure, self.size[people])

    def check(self, pred: ArrayLike) -> np.ndarray:
        """Predicted joints of these people as float64 (N, K, D).

        Raises:
            PoseError: another shape, or an annotated joint without a finite predicted position.
        """
        return check_predictions(pred, self.joints, self.annotated, self.skeleton.names, "(people, joints, dimensions)")


def has_size(sizes: np.ndarray) -> np.ndarray:
    """Which sizes (head size, scale) are known and usable: finite and positive."""
    return np.isfinite(sizes) & (sizes > 0)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator as float64 (broadcast); NaN, without a warning, if nothing was counted."""
    numerator, denominator = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (numerator, denominator)))
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def check_predictions(
    pred: ArrayLike, joints: np.ndarray, annotated: np.ndarray, names: Sequence[str], shape: str
) -> np.ndarray:
    """Predicted joints as float64, of the ground truth's shape (N, K, D), which is `shape` in words.

    Raises:
        PoseError: another shape, or an annotated joint, (N, K) bool, without a finite predicted position.
    """
    pred = np.asarray(pred, dtype=np.float64)
    if pred.shape != joints.shape:
        raise PoseError(
            f"predictions have shape {pred.shape} and ground truth {joints.shape}; give both as {shape}, of the same "
            "people, joints and dimensions"
        )
    check_finite("prediction", pred, annotated, names)
    return pred


def check_finite(what: str, joints: np.ndarray, annotated: np.ndarray, names: Sequence[str]) -> None:
    """Raises PoseError if an annotated joint, (N, K) bool, of the joints (N, K, D) has no finite position."""
    bad = np.argwhere(annotated & ~np.isfinite(joints).all(axis=-1))
    if len(bad):
        person, joint = bad[0]
        raise PoseError(
            f"{what}: row {person}, joint '{names[joint]}' is annotated but has no finite position "
            f"({len(bad)} such joints); give a position or mark it as not annotated"
        )
