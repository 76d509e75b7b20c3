"""What is known of people in three dimensions: one optional table beside `People`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.depth.cameras import back_project
from mpii_tools.people import require_printable, require_unique, set_columns

PARAMETERS, COEFFICIENTS = 4, 5  # fx fy cx cy; k1 k2 k3 p1 p2
NO_FRAME = -1


@dataclass(frozen=True)
class Depth:
    """Depths and cameras of N people with K joints, one row each; camera coordinates, mm.

    Columns that a dataset lacks may be left out. One camera, or one name, may serve all.

    Attributes:
        person_ids: (N,) those of `People`.
        z: (N, K) a joint's depth minus the root's, away from the camera; the root's is 0. NaN if unknown.
        camera: (N, 4) focal lengths fx, fy and principal point cx, cy in image pixels. NaN if unknown.
        distortion: (N, 5) k1, k2, k3, p1, p2 of `mpii_tools.depth.cameras`; zeros without.
        root_depth: (N,) the root's distance from the camera along its axis. NaN if unknown.
        subject: (N,) who it is, '' if unknown.
        action: (N,) what they do, '' if unknown.
        sequence: (N,) what was recorded in one go, by all cameras, '' if unknown: what confidence intervals resample.
        frame: (N,) number in the sequence, -1 if unknown.
        protocol: (N,) the one of Human3.6M that tests on the image, in words; '' if unknown or none.

    Raises:
        PoseError: a column whose shape does not match the others, a name that cannot be printed, or a camera without a
            focal length above 0.
    """

    person_ids: np.ndarray
    z: np.ndarray
    camera: np.ndarray | float = np.nan
    distortion: np.ndarray | float = 0.0
    root_depth: np.ndarray | float = np.nan
    subject: np.ndarray | str = ""
    action: np.ndarray | str = ""
    sequence: np.ndarray | str = ""
    frame: np.ndarray | int = NO_FRAME
    protocol: np.ndarray | str = ""

    def __post_init__(self) -> None:
        shape = np.shape(self.z)
        if len(shape) != 2:
            raise PoseError(f"depth: column 'z' has shape {shape}, expected (people, joints)")
        set_columns(self, "depth", COLUMNS, {"K": shape[1]})
        require_unique("depth", self.person_ids)
        require_printable("depth", self.person_ids, self.subject, self.action, self.sequence, self.protocol)
        if (wrong := (self.camera[:, :2] <= 0).any(axis=1)).any():
            raise PoseError(f"depth: the camera of person '{self.person_ids[wrong][0]}' has no focal length above 0")

    def __len__(self) -> int:
        return len(self.person_ids)

    @property
    def placed(self) -> np.ndarray:
        """(N,) bool: people whose camera and root's depth are known, so that pixels can be taken back to mm."""
        return np.isfinite(self.camera).all(axis=1) & np.isfinite(self.distortion).all(axis=1) & (self.root_depth > 0)

    @property
    def common_protocol(self) -> str:
        """The protocol of all people; '' if it is unknown, or they have more than one."""
        found = set(self.protocol.tolist())
        return found.pop() if len(found) == 1 else ""

    def select(self, rows: np.ndarray) -> Depth:
        """The people of `rows` (indices or a boolean mask), in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def of(self, person_ids: Sequence[str]) -> Depth:
        """The rows of these people, in their order. Raises PoseError for one who is not in the table."""
        row_of = {person: row for row, person in enumerate(self.person_ids.tolist())}
        if missing := [person for person in person_ids if person not in row_of]:
            raise PoseError(f"depth: has no row of person '{missing[0]}' ({len(missing):,} are missing)")
        return self.select(np.array([row_of[person] for person in person_ids], dtype=int))

    def beside(self, joints: np.ndarray) -> np.ndarray:
        """Joints (N, K, 2) of the people, image pixels, with their z beside: (N, K, 3)."""
        return np.concatenate([joints, self.z[..., None]], axis=-1)

    def to_camera(self, joints: np.ndarray) -> np.ndarray:
        """Poses in camera coordinates, mm, with the depth of the root as the table has it.

        Whoever predicts x, y in pixels and z relative to the root needs that depth. The paper does not say which it
        takes; this takes the ground truth's, as later published code does.

        Args:
            joints: (N, K, 3) x, y in image pixels and z in mm relative to the root, predicted or not.

        Returns:
            (N, K, 3) mm; NaN for people who are not `placed`.
        """
        depth = np.where(self.placed, self.root_depth, np.nan)[:, None] + joints[..., 2]
        return back_project(joints[..., :2], depth, self.camera, self.distortion)


# Of `Depth`: type, and the shape of a row.
COLUMNS = {
    "person_ids": (np.str_,), "z": (np.float64, "K"), "camera": (np.float64, PARAMETERS),
    "distortion": (np.float64, COEFFICIENTS), "root_depth": (np.float64,), "subject": (np.str_,), "action": (np.str_,),
    "sequence": (np.str_,), "frame": (np.int64,), "protocol": (np.str_,),
}  # fmt: skip
make_depth = Depth


def join_depths(parts: Sequence[Depth], person_ids: np.ndarray) -> Depth:
    """All rows of some tables, under new `person_ids` (N,)."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return Depth(**{**columns, "person_ids": person_ids})
