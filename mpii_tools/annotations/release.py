"""MPII's `RELEASE` struct with all its irregularities, unpacked into plain arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.formats.mat_struct import EMPTY, get, number, records, text
from mpii_tools.people import HEAD_SIZE_PER_DIAGONAL, People

JOINTS = len(MPII)
UNLABELED = [np.nan, np.nan, -1.0]  # x, y, is_visible


@dataclass(frozen=True)
class Release:
    """MPII's `RELEASE`, unpacked one level: one entry per image.

    Attributes:
        images: I file names.
        annorects: I values as `mat_file` gives them: a list of rects, or an empty matrix.
        train: (I,) bool, img_train.
        version: of the annotations; MPII's is '12'.
        single: for each image the 1-based rects that the benchmark scores.
    """

    images: list[str]
    annorects: list[object]
    train: np.ndarray
    single: list[set[int]]
    version: str

    def is_single(self, rects: "Rects") -> np.ndarray:
        """(R,) bool: the rects that single_person lists."""
        places = zip(rects.entry.tolist(), rects.number.tolist(), strict=True)
        return np.array([number in self.single[entry] for entry, number in places], dtype=bool)


@dataclass(frozen=True)
class Rects:
    """R rects.

    Attributes:
        entry: (R,) index of the image in annolist.
        number: (R,) 1-based position among the image's rects.
        people: R people `image#number`, NaN for what a rect lacks; the head size is 0.6 * the head box's diagonal.
        repeated: (R,) bool, whether a joint is labelled twice (the last one counts).
        malformed: row -> what is wrong, for rects whose fields are not MPII's; they have no values in `people`.
    """

    entry: np.ndarray
    number: np.ndarray
    people: People
    repeated: np.ndarray
    malformed: dict[int, str]

    @property
    def placed(self) -> np.ndarray:
        """(R,) bool: rects with objpos and a scale, which can be cropped."""
        return np.isfinite(self.people.center).all(axis=1) & (self.people.scale > 0)


def unpack_release(path: Path, stored: dict[str, object]) -> Release:
    """The parts of a loaded `RELEASE`. Raises PoseError if one is missing or their lengths differ."""
    try:
        (release,) = records(stored["RELEASE"])
        entries = records(release["annolist"])
        images = [text(records(entry["image"])[0]["name"]) for entry in entries]
        train = np.asarray(release["img_train"]).ravel().astype(bool)
        single = [set(np.asarray(value, dtype=np.int64).ravel().tolist()) for value in release["single_person"]]
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


def read_rects(path: Path, annorects: list[object], images: list[str]) -> Rects:
    """Every rect of every image, whatever fields it has, in whatever order they and its points come.

    Args:
        path: for the error message.
        annorects: one value per image: a list of rects, or an empty matrix.
        images: their names.

    Raises:
        PoseError: if not one of the rects is MPII's; the message has the first fault.
    """
    rows, malformed = [], {}
    for index, annorect in enumerate(annorects):
        try:
            rects = records(annorect)
        except ValueError as error:
            raise PoseError(f"{path}: annolist({index + 1}).annorect: {error}; get the file again") from error
        for position, rect in enumerate(rects, start=1):
            try:
                values = _read_rect(rect)
            except (KeyError, ValueError, IndexError) as error:
                values = [np.nan] * 7, [UNLABELED] * JOINTS, False
                fault = f"no field {error}" if isinstance(error, KeyError) else str(error)
                malformed[len(rows)] = f"annolist({index + 1}).annorect({position}): {fault}"
            rows.append((index, position, *values))
    if malformed and len(malformed) == len(rows):
        raise PoseError(
            f"{path}: none of its {len(rows):,} rects is as MPII has them; first {malformed[0]}; get it again"
        )
    entry, position, fields, points, repeated = zip(*rows, strict=True) if rows else ((),) * 5
    fields, points = np.array(fields).reshape(-1, 7), np.array(points).reshape(-1, JOINTS, 3)
    box = fields[:, :4] - 1.0
    people = People(
        images=[images[index] for index in entry],
        joints=points[..., :2] - 1.0,
        person_ids=[f"{images[index]}#{place}" for index, place in zip(entry, position, strict=True)],
        center=fields[:, 5:] - 1.0,
        scale=fields[:, 4],
        head_size=HEAD_SIZE_PER_DIAGONAL * np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]),
        visible=points[..., 2],
    )
    return Rects(np.array(entry, int), np.array(position, int), people, np.array(repeated, bool), malformed)


def _read_rect(rect: dict[str, object]) -> tuple[list[float], list[list[float]], bool]:
    """[x1, y1, x2, y2, scale, x, y], each joint's [x, y, is_visible], and whether one is there twice.

    Raises ValueError or KeyError.
    """
    objpos = records(get(rect, "objpos"))
    center = [objpos[0]["x"], objpos[0]["y"]] if objpos else [EMPTY, EMPTY]
    fields = [number(value) for value in [*(get(rect, name) for name in ("x1", "y1", "x2", "y2", "scale")), *center]]
    points, repeated = [UNLABELED] * JOINTS, False
    for point in (p for a in records(get(rect, "annopoints")) for p in records(get(a, "point"))):
        x, y, joint, visible = map(number, (point["x"], point["y"], point["id"], get(point, "is_visible")))
        if joint not in range(JOINTS):
            raise ValueError(f"a point of id {joint:g}; MPII's ids are 0 to {JOINTS - 1}")
        if not (np.isfinite(x) and np.isfinite(y)):
            raise ValueError(f"point {joint:g} is at ({x:g}, {y:g})")
        repeated |= points[int(joint)] is not UNLABELED
        points[int(joint)] = [x, y, visible if visible in (0, 1) else -1]
    return fields, points, repeated
