"""Annotated people as a table of arrays: what every reader returns and every dataset is made from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import CROP_SIDE, MPII, Skeleton

BOX_MARGIN = 1.25  # crop side / longer side of a whole person's box, as MPII's is 1.25 of the person's height
CENTER_SHIFT = 15.0  # image pixels per unit of scale, downwards
HEAD_SIZE_PER_SCALE = 25.0  # image pixels per unit of scale
HEAD_SIZE_PER_DIAGONAL = 0.6  # of the head box


@dataclass(frozen=True)
class People:
    """N people with K joints, one row each; image pixels, 0-based, pixel centers at integers.

    Attributes:
        images: (N,) image file names.
        person_ids: (N,) unique names, `image#r` with r the 1-based rect (or occurrence) in that image.
        joints: (N, K, 2) x, y; NaN is the only mark of a missing joint.
        center: (N, 2) MPII's objpos. NaN if unknown.
        scale: (N,) MPII's scale: person height / 200 px. NaN if unknown.
        head_size: (N,) PCKh's unit in image pixels. NaN if unknown.
        split: (N,) 'train', 'valid', 'test' or ''.
        scored: (N,) people the benchmark scores (single_person); True for formats without that flag.
        visible: (N, K) 1 visible, 0 occluded, -1 unknown or not annotated.
        derived: (N, K) joints filled by a rule, not annotated: training may use them, evaluation never does.
        area: (N,) square image pixels of the person, COCO's `area`: OKS's unit. NaN if unknown.
        skeleton: names and tree of the K joints.

    Raises:
        PoseError: when a column's shape does not match the others, or a name cannot be printed.
    """

    images: np.ndarray
    person_ids: np.ndarray
    joints: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    head_size: np.ndarray
    split: np.ndarray
    scored: np.ndarray
    visible: np.ndarray
    derived: np.ndarray
    area: np.ndarray
    skeleton: Skeleton = MPII

    def __post_init__(self) -> None:
        people, joints = self.images.size, len(self.joint_names)
        expected = {"joints": (people, joints, 2), "center": (people, 2)}
        expected |= {"visible": (people, joints), "derived": (people, joints)}
        for name in COLUMNS:
            shape, want = getattr(self, name).shape, expected.get(name, (people,))
            if shape != want:
                raise PoseError(f"people: column '{name}' has shape {shape}, expected {want}")
        # A line end or an escape sequence in a name would come out in messages, tables and file names.
        strange = next((name for name in [*self.images, *self.person_ids] if not name.isprintable()), None)
        if strange is not None:
            raise PoseError(f"people: the name {str(strange)!r} holds characters that cannot be printed")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the K joints."""
        return self.skeleton.names

    def joint_names_where(self, mask: np.ndarray) -> list[str]:
        """The names of the joints of a mask (K,) bool."""
        return [name for name, chosen in zip(self.joint_names, mask.tolist(), strict=True) if chosen]

    @property
    def annotated(self) -> np.ndarray:
        """(N, K) bool: joints that an annotator placed; what evaluation counts."""
        return self.supervised & ~self.derived

    @property
    def supervised(self) -> np.ndarray:
        """(N, K) bool: joints with a value, annotated or derived; what training uses."""
        return np.isfinite(self.joints).all(axis=-1)

    @property
    def unlabeled(self) -> np.ndarray:
        """(K,) bool: joints that nobody has, annotated or derived."""
        return ~self.supervised.any(axis=0)

    @property
    def crop_center(self) -> np.ndarray:
        """(N, 2) center of the person's square crop in image pixels: objpos moved down by 15 * scale."""
        return self.center + np.stack([np.zeros_like(self.scale), CENTER_SHIFT * self.scale], axis=-1)

    @property
    def crop_side(self) -> np.ndarray:
        """(N,) side of the person's square crop in image pixels: 200 * scale * 1.25."""
        return CROP_SIDE * self.scale

    def select(self, rows: np.ndarray) -> People:
        """The people of `rows` (indices or a boolean mask), in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})


COLUMNS = tuple(f.name for f in fields(People) if f.name != "skeleton")


def make_people(
    images: np.ndarray | list[str],
    joints: np.ndarray,
    *,
    person_ids: np.ndarray | list[str] | None = None,
    center: np.ndarray | None = None,
    scale: np.ndarray | None = None,
    head_size: np.ndarray | None = None,
    split: str | np.ndarray = "",
    scored: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    derived: np.ndarray | None = None,
    area: np.ndarray | None = None,
    skeleton: Skeleton = MPII,
) -> People:
    """People from what an annotation format has; columns it lacks become NaN, unknown or True.

    Args: as the attributes of `People`; `person_ids` default to `image#occurrence`.
    """
    images = np.asarray(images, dtype=np.str_)
    joints = np.array(joints, dtype=np.float64)
    people = len(images)
    joints[~np.isfinite(joints).all(axis=-1)] = np.nan
    if person_ids is None:
        person_ids = number_occurrences(images)

    def floats(values: np.ndarray | None, *shape: int) -> np.ndarray:
        return np.full((people, *shape), np.nan) if values is None else np.asarray(values, dtype=np.float64)

    return People(
        images=images,
        person_ids=np.asarray(person_ids, dtype=np.str_),
        joints=joints,
        center=floats(center, 2),
        scale=floats(scale),
        head_size=floats(head_size),
        split=np.broadcast_to(np.asarray(split, dtype=np.str_), (people,)).copy(),
        scored=np.ones(people, bool) if scored is None else np.asarray(scored, dtype=bool),
        visible=np.full(joints.shape[:2], -1, np.int8) if visible is None else np.asarray(visible, np.int8),
        derived=np.zeros(joints.shape[:2], bool) if derived is None else np.asarray(derived, bool),
        area=floats(area),
        skeleton=skeleton,
    )


def number_occurrences(images: np.ndarray) -> list[str]:
    """`image#1`, `image#2`, ... for the first, second, ... row of the same image."""
    seen: dict[str, int] = {}
    names = []
    for image in images.tolist():
        seen[image] = seen.get(image, 0) + 1
        names.append(f"{image}#{seen[image]}")
    return names


def box_squares(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The squares that crops show of people's boxes: around the center, BOX_MARGIN of the longer side.

    Args:
        boxes: (N, 4) x1, y1, x2, y2; edges as COCO's, so that 0 is half a pixel before the first pixel's center.

    Returns:
        crop center (N, 2) in image pixels, whose centers are at integers, and crop side (N,).
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    return (low + high) / 2 - 0.5, BOX_MARGIN * (high - low).max(axis=1, initial=0)


def place_squares(middle: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII center (N, 2) and scale (N,) of people whose crops are squares around `middle` (N, 2) of `side` (N,) pixels.

    The inverse of `People.crop_center` and `People.crop_side`.
    """
    scale = side / CROP_SIDE
    return middle - np.stack([np.zeros_like(scale), CENTER_SHIFT * scale], axis=1), scale
