"""MPII's `RELEASE` struct with all its irregularities, unpacked into plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.formats.mat_struct import EMPTY, get, numbers, records, text
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL

JOINTS = len(MPII)


@dataclass(frozen=True)
class Release:
    """MPII's `RELEASE`, unpacked one level: one entry per image.

    Attributes:
        images: (I,) file names.
        annorects: I values as `mat_file` gives them: a list of rects, or an empty matrix.
        train: (I,) bool, img_train.
        version: of the annotations; MPII's is '12'.
        single: for each image the 1-based rects that the benchmark scores.
    """

    images: np.ndarray
    annorects: list[object]
    train: np.ndarray
    single: list[set[int]]
    version: str

    def is_single(self, rects: Rects) -> np.ndarray:
        """(R,) bool: the rects that single_person lists."""
        places = zip(rects.entry.tolist(), rects.number.tolist(), strict=True)
        return np.array([number in self.single[entry] for entry, number in places], dtype=bool)


@dataclass(frozen=True)
class Rects:
    """R rects, as arrays; NaN for a missing value. 0-based image pixels.

    Attributes:
        entry: (R,) index of the image in annolist.
        number: (R,) 1-based position among the image's rects.
        box: (R, 4) head box x1, y1, x2, y2.
        center: (R, 2) objpos.
        scale: (R,).
        joints: (R, 16, 2).
        visible: (R, 16) 1, 0, or -1 if empty or not annotated.
        repeated: rows in which a joint is labelled twice (the last one counts).
        malformed: row -> what is wrong, for rects whose fields are not MPII's; they have no values above.
    """

    entry: np.ndarray
    number: np.ndarray
    box: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    joints: np.ndarray
    visible: np.ndarray
    repeated: list[int]
    malformed: dict[int, str]

    def ids(self, images: np.ndarray) -> np.ndarray:
        """(R,) person_ids `image#number`, from the (I,) names of the entries."""
        pairs = zip(images[self.entry].tolist(), self.number.tolist(), strict=True)
        return np.array([f"{image}#{number}" for image, number in pairs], dtype=np.str_)

    @property
    def head_size(self) -> np.ndarray:
        """(R,) 0.6 * the head box's diagonal; NaN without a box."""
        return HEAD_SIZE_PER_DIAGONAL * np.hypot(self.box[:, 2] - self.box[:, 0], self.box[:, 3] - self.box[:, 1])


def unpack_release(path: Path, stored: dict[str, object]) -> Release:
    """The parts of a loaded `RELEASE`. Raises PoseError if one is missing or their lengths differ."""
    try:
        (release,) = records(stored["RELEASE"])
        entries = records(release["annolist"])
        images = np.array([text(records(entry["image"])[0]["name"]) for entry in entries], dtype=np.str_)
        train = np.asarray(release["img_train"]).ravel().astype(bool)
        cells = release["single_person"]
        single = [set(np.asarray(value, dtype=np.int64).ravel().tolist()) for value in cells]
        annorects = [get(entry, "annorect") for entry in entries]
        version = str(release.get("version", ""))
    except (KeyError, ValueError, IndexError, TypeError, OverflowError) as error:
        raise PoseError(
            f"{path}: its RELEASE is not MPII's ({type(error).__name__}: {error}); expected annolist, img_train and "
            "single_person as in mpii_human_pose_v1_u12_1.mat"
        ) from error
    if not len(images) == len(train) == len(single):
        raise PoseError(
            f"{path}: RELEASE has {len(images)} images in annolist, {len(train)} in img_train, "
            f"{len(single)} in single_person; expected one number, so get the file again"
        )
    return Release(images, annorects, train, single, version)


def read_rects(path: Path, annorects: list[object]) -> Rects:
    """Every rect of every image, whatever fields it has, in whatever order they and its points come.

    Args:
        path: for the error message.
        annorects: one value per image: a list of rects, or an empty matrix.

    Raises:
        PoseError: if not one of the rects is MPII's; the message has the first fault.
    """
    entry, position, place, points_of, malformed = [], [], [], [], {}
    for index, annorect in enumerate(annorects):
        try:
            rects = records(annorect)
        except ValueError as error:
            raise PoseError(f"{path}: annolist({index + 1}).annorect: {error}; get the file again") from error
        for rect_index, rect in enumerate(rects):
            row = len(entry)
            entry.append(index)
            position.append(rect_index + 1)
            try:
                fields, points = _read_rect(rect)
            except (KeyError, ValueError, IndexError) as error:
                fields, points = [np.nan] * 7, []
                fault = f"no field {error}" if isinstance(error, KeyError) else str(error)
                malformed[row] = f"annolist({index + 1}).annorect({rect_index + 1}): {fault}"
            place.append(fields)
            points_of += [(row, *point) for point in points]
    if malformed and len(malformed) == len(entry):
        raise PoseError(
            f"{path}: none of its {len(entry):,} rects is as MPII has them; first {malformed[0]}; get it again"
        )

    table = np.array(place, dtype=np.float64).reshape(-1, 7)
    point = np.array(points_of, dtype=np.float64).reshape(-1, 5)
    row, joint = point[:, 0].astype(int), point[:, 3].astype(int)
    joints = np.full((len(table), JOINTS, 2), np.nan)
    joints[row, joint] = point[:, 1:3] - 1.0
    visible = np.full((len(table), JOINTS), -1, np.int8)
    visible[row, joint] = np.nan_to_num(point[:, 4], nan=-1)
    keys, counts = np.unique(row * JOINTS + joint, return_counts=True)
    return Rects(
        entry=np.array(entry, dtype=int),
        number=np.array(position, dtype=int),
        box=table[:, :4] - 1.0,
        center=table[:, 5:] - 1.0,
        scale=table[:, 4],
        joints=joints,
        visible=visible,
        repeated=np.unique(keys[counts > 1] // JOINTS).tolist(),
        malformed=malformed,
    )


def _read_rect(rect: dict[str, object]) -> tuple[list[float], list[list[float]]]:
    """[x1, y1, x2, y2, scale, x, y] and the points [x, y, id, is_visible]. Raises ValueError or KeyError."""
    objpos = records(get(rect, "objpos"))
    center = [objpos[0]["x"], objpos[0]["y"]] if objpos else [EMPTY, EMPTY]
    fields = numbers([*(get(rect, name) for name in ("x1", "y1", "x2", "y2", "scale")), *center])
    points = []
    for point in (p for a in records(get(rect, "annopoints")) for p in records(get(a, "point"))):
        x, y, joint, visible = numbers([point["x"], point["y"], point["id"], get(point, "is_visible")])
        if joint not in range(JOINTS):
            raise ValueError(f"a point of id {joint:g}; MPII's ids are 0 to {JOINTS - 1}")
        if not (np.isfinite(x) and np.isfinite(y)):
            raise ValueError(f"point {joint:g} is at ({x:g}, {y:g})")
        points.append([x, y, joint, visible if visible in (0, 1) else np.nan])
    return fields, points
