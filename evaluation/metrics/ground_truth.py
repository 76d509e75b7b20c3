"""What every metric takes, checked once: ground truth, and predictions of the same people and joints."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.angle_limits import AngleLimits
from evaluation.metrics.bootstrap import split_rows
from evaluation.metrics.conventions import PCKH, Measure
from heads.skeleton import BOX_PER_SCALE, MPII, Skeleton

METERS = 10.0  # a pose spans more in mm, and less in meters
CROP = 224  # pixels on a side of the network's input


@dataclass(frozen=True)
class Sequences:
    """The Q sequences of N people, each of one subject and one action: what the bootstrap draws.

    Attributes:
        index: (N,) which of the Q sequences a person is in.
        subjects, actions: S and A names; [] if they are not known.
        members: (Q, S + A) bool, of which subject and of which action a sequence is.
    """

    index: np.ndarray
    subjects: list[str]
    actions: list[str]
    members: np.ndarray

    @property
    def count(self) -> int:
        """Q."""
        return len(self.members)

    def sum(self, terms: np.ndarray) -> np.ndarray:
        """(Q, ...) sums of the terms (N, ...) of each sequence's people."""
        if self.count == len(terms):
            return terms if (np.diff(self.index) > 0).all() else terms[np.argsort(self.index)]
        sums = np.zeros((self.count, *terms[:0].shape[1:]))
        for rows in split_rows(len(terms)):
            np.add.at(sums, self.index[rows], terms[rows])
        return sums


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The ground truth of N people with K joints in D dimensions. Any arrays will do.

    In 2D joints are in image pixels. In 3D they are in mm along the axes of the camera, x right, y down, z away, which
    is right-handed; the origin does not matter, so joints relative to the pelvis do as well.

    Attributes:
        joints: (N, K, D); NaN, or hidden by a numpy mask, if not annotated.
        head_size: (N,) image pixels, 0.6 times the diagonal of MPII's head box. PCKh leaves out, and counts, people
            whose head size is NaN or not positive; left out: everybody's is NaN.
        scale: (N,) MPII's scale (person height / 200 px), which sets the crop's side: 250 * scale image pixels. People
            whose scale is NaN or not positive count in image pixels only; left out: everybody's is NaN.
        annotated: (N, K) bool, the joints that count; left out: those with a finite position.
        skeleton: names, parents and flip pairs of the K joints.
        measure: what PCK is counted in; left out: head sizes, which is PCKh.
        size: (N,) that unit in image pixels, NaN where it is unknown; left out: what `measure` defines.
        subject, action: (N,) names; left out: there are no scores per subject (Bone Std needs them), or per action.
        sequence: (N,) names, Human3.6M's subactions say. The bootstrap draws people of the same sequence, subject and
            action together, since neighboring frames are not independent. Left out: it draws those of the same subject
            and action together; if these are not both known, each person alone.
        protocol: the one of Human3.6M that tests on these people, in words; '' if it is not known.
        angle_limits: for Illegal Angle, see `load_angle_limits`; left out: it is not measured.
        image: (N,) names of the images; left out: nobody's joint is taken for that of a neighbor (`classify_errors`).
        visible: (N, K) 1 visible, 0 occluded, -1 unknown; left out: unknown.
        others: further annotated people of the images, who are not scored.
        area: (N,) square image pixels; kinds of error are then by OKS, with the skeleton's sigmas.

    Raises:
        PoseError: shapes that do not match, an annotated joint without a finite position, a joint in 2D at exactly
            (0, 0) or (-1, -1) that `annotated` does not vouch for, 3D poses in meters or with a flag for z.
    """

    joints: np.ndarray
    head_size: np.ndarray | None = None
    scale: np.ndarray | None = None
    annotated: np.ndarray | None = None
    skeleton: Skeleton = MPII
    measure: Measure = PCKH
    size: np.ndarray | None = None
    subject: np.ndarray | None = None
    action: np.ndarray | None = None
    sequence: np.ndarray | None = None
    protocol: str = ""
    angle_limits: AngleLimits | None = None
    image: np.ndarray | None = None
    visible: np.ndarray | None = None
    others: GroundTruth | None = None
    area: np.ndarray | None = None

    def __post_init__(self) -> None:
        joints, names, told = fill_masked(self.joints), self.skeleton.names, self.annotated is not None
        if joints.ndim != 3:
            raise PoseError(f"ground truth has shape {joints.shape}; give it as (people, joints, dimensions)")
        if joints.shape[1] != len(names):
            raise PoseError(f"poses have {joints.shape[1]} joints but {len(names)} are named; name each joint")
        object.__setattr__(self, "joints", joints)
        unknown, words = np.full(len(joints), np.nan), np.full(len(joints), "")
        defaults = {
            "annotated": np.isfinite(joints).all(axis=-1), "visible": np.full(joints.shape[:2], -1, np.int8),
            "head_size": unknown, "scale": unknown, **dict.fromkeys(("subject", "action", "sequence", "image"), words),
        }  # fmt: skip
        for name, default in defaults.items():
            if (given := getattr(self, name)) is None and default is words:
                continue  # names have no default
            values = default if given is None else fill_masked(given, str if default is words else default.dtype)
            if values.shape != default.shape:
                raise PoseError(f"ground truth: {name} has shape {values.shape}, expected {default.shape}")
            object.__setattr__(self, name, values)
        self._check_joints("ground truth", joints)
        if self.dimensions == 2 and not told:  # unless the caller says that a joint there counts
            marked = (joints == 0).all(axis=-1) | (joints == -1).all(axis=-1)
            fault = "is at exactly (0, 0) or (-1, -1), where files put a joint that nobody labeled"
            self._refuse("ground truth", marked, fault, "make it NaN, or give `annotated`")
        if self.size is None:
            object.__setattr__(self, "size", self._measure_size())

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def dimensions(self) -> int:
        """D: 2 in image pixels, 3 in mm."""
        return self.joints.shape[-1]

    @cached_property
    def known(self) -> np.ndarray:
        """(N, K, D) the joints, NaN if not annotated."""
        if np.isnan(self.joints[~self.annotated]).all():
            return self.joints
        return np.where(self.annotated[..., None], self.joints, np.nan)

    @cached_property
    def sequences(self) -> Sequences:
        """Which people the bootstrap draws together."""
        labels = [values for values in (self.subject, self.action, self.sequence) if values is not None]
        if self.sequence is None and len(labels) < 2:
            labels.append(np.arange(len(self)))
        codes = np.stack([np.unique(values, return_inverse=True)[1] for values in labels], axis=-1)
        _, first, index = np.unique(codes, axis=0, return_index=True, return_inverse=True)
        names, members = [], []
        for values in (self.subject, self.action):
            names.append([] if values is None else np.unique(values).tolist())
            members.append(np.zeros((len(first), 0), bool) if values is None else values[first, None] == names[-1])
        return Sequences(index.reshape(-1), *names, np.concatenate(members, axis=1))

    def select(self, people: np.ndarray) -> GroundTruth:
        """Some of the people, (N,) bool or rows."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: each[people] for name, each in arrays.items() if isinstance(each, np.ndarray)})

    def check(self, pred: ArrayLike) -> np.ndarray:
        """Predicted joints of these people as float64 (N, K, D), NaN if not annotated.

        Raises:
            PoseError: another shape, an annotated joint without a finite predicted position, 3D poses not in mm.
        """
        pred = fill_masked(pred)
        if pred.shape != self.joints.shape:
            raise PoseError(
                f"predictions have shape {pred.shape} and ground truth {self.joints.shape}; give both as (people, "
                "joints, dimensions), of the same people, joints and dimensions"
            )
        self._check_joints("prediction", pred)
        return np.where(self.annotated[..., None], pred, np.nan)

    def _refuse(self, what: str, bad: np.ndarray, fault: str, cure: str) -> None:
        """Raises PoseError, with the first of them, if any joint is bad, (N, K) bool."""
        for person, joint in np.argwhere(bad)[:1]:
            joint = f"row {person}, joint '{self.skeleton.names[joint]}'"
            raise PoseError(f"{what}: {joint} {fault} ({bad.sum()} such joints); {cure}")

    def _check_joints(self, what: str, joints: np.ndarray) -> None:
        """Raises PoseError for an annotated joint without a finite position, and for 3D poses that are not in mm."""
        bad, cure = self.annotated & ~np.isfinite(joints).all(axis=-1), "give a position or mark it as not annotated"
        self._refuse(what, bad, "is annotated but has no finite position", cure)
        if self.dimensions != 3 or not self.annotated.any():
            return
        known = self.annotated[..., None]  # as `where`, for no copy
        low, high = joints.min(axis=1, where=known, initial=np.inf), joints.max(axis=1, where=known, initial=-np.inf)
        span = np.median((high - low)[self.annotated.any(axis=1)].max(axis=-1))
        if 0 < span < METERS:
            raise PoseError(f"{what}: poses in 3D span {span:.3g}, as if in meters; give mm")
        third = joints[..., 2][self.annotated]
        if third.any() and np.isin(third, (0, 1, 2)).all():
            raise PoseError(f"{what}: the third coordinates are flags of visibility, not mm; give x and y alone")

    def _measure_size(self) -> np.ndarray:
        if self.measure.key != "torso":
            return self.head_size if self.measure.key == "pckh" else BOX_PER_SCALE * self.scale
        ends = [self.known[:, self.skeleton.index(name)] for name in self.skeleton.torso]
        return np.linalg.norm(ends[0] - ends[1], axis=-1) if ends else np.full(len(self), np.nan)


def fill_masked(values: ArrayLike, dtype: object = np.float64) -> np.ndarray:
    """An array of that type; NaN, False, -1 or "" where a numpy mask hides a value."""
    values = np.ma.asarray(values, dtype=dtype)
    return np.ma.filled(values, {"f": np.nan, "b": False, "i": -1}.get(values.dtype.kind, ""))


def has_size(sizes: np.ndarray) -> np.ndarray:
    """Which sizes (head size, scale) are known and usable: finite and positive."""
    return np.isfinite(sizes) & (sizes > 0)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator as float64 (broadcast); NaN, without a warning, if nothing was counted."""
    numerator, denominator = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (numerator, denominator)))
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def nan_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The mean of what is finite; NaN, without a warning, if nothing is."""
    return ratio(np.nansum(values, axis=axis), np.isfinite(values).sum(axis=axis))
