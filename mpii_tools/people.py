"""Annotated people as tables of arrays, in depth too: what every reader returns and every dataset is made from."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from checkpoints.errors import PoseError, escape_name
from heads.skeleton import CROP_SIDE, MPII, Skeleton
from mpii_tools.cameras import back_project

BOX_MARGIN = 1.25  # crop side / longer side of a whole person's box, as MPII's is 1.25 of the person's height
CENTER_SHIFT = 15.0  # image pixels per unit of scale, downwards
HEAD_SIZE_PER_SCALE = 25.0  # image pixels per unit of scale
HEAD_SIZE_PER_DIAGONAL = 0.6  # of the head box
NO_FRAME = -1
BLOCK = 2**14  # people whose rays are traced at a time
LONGEST = 4096  # letters of a name; an array of text is as wide as its longest


@dataclass(frozen=True)
class People:
    """N people with K joints, one row each; image pixels, 0-based, pixel centers at integers.

    Columns that a format lacks may be left out. What is given may be lists, or one value for everybody.

    Attributes:
        images: (N,) image file names, with escapes for what cannot be printed.
        joints: (N, K, 2) x, y; NaN is the only mark of a missing joint.
        person_ids: (N,) unique names, `image#r` with r the 1-based rect (or occurrence, unless given) in that image.
        center: (N, 2) MPII's objpos. NaN if unknown.
        scale: (N,) MPII's scale: person height / 200 px. NaN if unknown.
        head_size: (N,) PCKh's unit in image pixels. NaN if unknown.
        split: (N,) 'train', 'valid', 'test' or ''.
        scored: (N,) people the benchmark scores (single_person); True for formats without that flag.
        visible: (N, K) 1 visible, 0 occluded, -1 unknown or not annotated.
        derived: (N, K) joints filled by a rule, not annotated: training may use them, evaluation never does.
        area: (N,) square image pixels of the person, COCO's `area`: OKS's unit. NaN if unknown.
        image_size: (N, 2) width and height of the image that was labeled, as the annotations say. NaN if unknown.
        skeleton: names and tree of the K joints.
        image_ids: (N,) what the annotations call the images beside their names, COCO's `images[].id`: int64, or text
            as the file has it; None where they have none. Ids of several joined files may say one thing twice.
        category_ids: (N,) the same of COCO's `category_id`.
        depth: of the N people, in this order; None for people in two dimensions.

    Raises:
        PoseError: when a column's shape does not match the others, a name cannot be printed, or a camera has no focal
            length above 0.
    """

    images: np.ndarray
    joints: np.ndarray
    person_ids: np.ndarray | None = None
    center: np.ndarray | float = np.nan
    scale: np.ndarray | float = np.nan
    head_size: np.ndarray | float = np.nan
    split: np.ndarray | str = ""
    scored: np.ndarray | bool = True
    visible: np.ndarray | int = -1
    derived: np.ndarray | bool = False
    area: np.ndarray | float = np.nan
    image_size: np.ndarray | float = np.nan
    skeleton: Skeleton = MPII
    image_ids: np.ndarray | None = None
    category_ids: np.ndarray | None = None
    depth: "Depth | None" = None

    def __post_init__(self) -> None:
        if self.person_ids is None:
            object.__setattr__(self, "person_ids", number_occurrences(np.asarray(self.images)))
        columns = COLUMNS | dict.fromkeys(self.ids, (None,))
        set_columns(self, "people", columns, np.size(self.person_ids), {"K": len(self.joint_names)})
        object.__setattr__(self, "joints", np.where(self.supervised[..., None], self.joints, np.nan))
        require_printable("people", *[column for column in self.ids.values() if column.dtype.kind == "U"])
        for name in ("images", "person_ids"):
            object.__setattr__(self, name, escape_names(getattr(self, name)))
        if self.depth is not None:
            if (shape := self.depth.z.shape) != self.visible.shape:
                raise PoseError(
                    f"depth: {shape[0]:,} rows of {shape[1]} joints, the people have {len(self.joint_names)} and are "
                    f"{len(self):,}"
                )
            if len(wrong := self.person_ids[(self.depth.camera[:, :2] <= 0).any(axis=1)]):
                raise PoseError(f"depth: the camera of person '{wrong[0]}' has no focal length above 0")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the K joints."""
        return self.skeleton.names

    @property
    def ids(self) -> dict[str, np.ndarray]:
        """The columns of `ID_COLUMNS` that the annotations have."""
        return {name: getattr(self, name) for name in ID_COLUMNS if getattr(self, name) is not None}

    def joint_names_where(self, mask: np.ndarray) -> list[str]:
        """The names of the joints of a mask (K,) bool."""
        return [name for name, wanted in zip(self.joint_names, mask.tolist(), strict=True) if wanted]

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

    def select(self, rows: np.ndarray) -> "People":
        """The people of `rows` (indices or a boolean mask), in that order."""
        part = copy(self)  # its rows were checked, and preparing selects for each image
        depth = None if self.depth is None else self.depth.select(rows)
        vars(part).update({name: getattr(self, name)[rows] for name in (*COLUMNS, *self.ids)}, depth=depth)
        return part

    @property
    def coordinates(self) -> np.ndarray:
        """(N, K, D) joints, x and y in image pixels; for people with depth z beside, mm relative to the root."""
        return self.joints if self.depth is None else np.concatenate([self.joints, self.depth.z[..., None]], axis=-1)

    @property
    def camera_joints(self) -> np.ndarray:
        """(N, K, 3) joints of people with depth in camera coordinates, mm; NaN where the depth is not known."""
        return self.depth.to_camera(self.coordinates)


@dataclass(frozen=True)
class Depth:
    """What is known of N people with K joints in three dimensions, one row each; camera coordinates, mm.

    Columns that a dataset lacks may be left out. One camera, or one name, may serve all.

    Attributes:
        z: (N, K) a joint's depth minus the root's, away from the camera; the root's is 0. NaN if unknown.
        camera: (N, 4) focal lengths fx, fy and principal point cx, cy in image pixels. NaN if unknown.
        distortion: (N, 5) k1, k2, k3, p1, p2 of `mpii_tools.cameras`; zeros without.
        root_depth: (N,) the root's distance from the camera along its axis. NaN if unknown.
        subject: (N,) who it is, '' if unknown.
        action: (N,) what they do, '' if unknown.
        sequence: (N,) what was recorded in one go, by all cameras, '' if unknown: what confidence intervals resample.
        frame: (N,) number in the sequence, -1 if unknown.
        protocol: (N,) the one of Human3.6M that tests on the image, in words; '' if unknown or none.

    Raises:
        PoseError: a column whose shape does not match the others, or a name that cannot be printed.
    """

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
        set_columns(self, "depth", DEPTH_COLUMNS, shape[0], {"K": shape[1]})
        require_printable("depth", self.subject, self.action, self.sequence, self.protocol)

    def __len__(self) -> int:
        return len(self.z)

    @property
    def placed(self) -> np.ndarray:
        """(N,) bool: people whose camera and root's depth are known, so that pixels can be taken back to mm."""
        return np.isfinite(self.camera).all(axis=1) & np.isfinite(self.distortion).all(axis=1) & (self.root_depth > 0)

    def common_protocol(self, rows: np.ndarray) -> str:
        """The protocol of the people of `rows`; '' if it is unknown, or they have more than one."""
        protocols = np.unique(self.protocol[rows])
        return protocols.item() if len(protocols) == 1 else ""

    def select(self, rows: np.ndarray) -> "Depth":
        """The people of `rows` (indices or a boolean mask), in that order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in DEPTH_COLUMNS})

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
        seen = np.empty(joints.shape)
        for start in range(0, len(joints), BLOCK):
            rows = slice(start, start + BLOCK)
            seen[rows] = back_project(joints[rows, :, :2], depth[rows], self.camera[rows], self.distortion[rows])
        return seen


# Of `People`, in the order of its files: type, and the shape of a row.
COLUMNS = {
    "images": (np.str_,), "person_ids": (np.str_,), "joints": (np.float64, "K", 2), "center": (np.float64, 2),
    "scale": (np.float64,), "head_size": (np.float64,), "split": (np.str_,), "scored": (np.bool_,),
    "visible": (np.int8, "K"), "derived": (np.bool_, "K"), "area": (np.float64,),
    "image_size": (np.float64, 2),
}  # fmt: skip

ID_COLUMNS = ("image_ids", "category_ids")  # which a file may lack

# Of `Depth`.
DEPTH_COLUMNS = {
    "z": (np.float64, "K"), "camera": (np.float64, 4), "distortion": (np.float64, 5), "root_depth": (np.float64,),
    "subject": (np.str_,), "action": (np.str_,), "sequence": (np.str_,), "frame": (np.int64,), "protocol": (np.str_,),
}  # fmt: skip


def set_columns(table: object, what: str, columns: Mapping[str, tuple], rows: int, lengths: Mapping[str, int]) -> None:
    """Make each column of a frozen table an array; one value, or one row of several, holds for all of its rows.

    Args:
        what: it is, for messages.
        columns: name -> type and the shape of a row, whose names are those of `lengths`.
        rows: of the table.

    Raises:
        PoseError: a column of another shape.
    """
    for name, (kind, *row) in columns.items():
        column, row = getattr(table, name), tuple(lengths.get(length, length) for length in row)
        column = text_array(column) if isinstance(column, list) and kind is np.str_ else np.asarray(column, dtype=kind)
        shape = (rows, *row)
        if column.shape in ((), row):
            column = np.broadcast_to(column, shape).copy()
        if column.shape != shape:
            raise PoseError(f"{what}: column '{name}' has shape {column.shape}, expected {shape}")
        object.__setattr__(table, name, column)


def text_array(names: Iterable[str]) -> np.ndarray:
    """(N,) names as an array of text. Raises PoseError for one that is longer than any path."""
    names = [*names]
    if (longest := max(map(len, names), default=0)) > LONGEST:
        raise PoseError(f"a name of {longest:,} letters, more than {LONGEST:,}; shorten it")
    return np.array(names, dtype=np.str_)


def escape_names(names: np.ndarray) -> np.ndarray:
    """Names (N,) as messages and tables can hold them (`escape_name`); images are found by them all the same."""
    return text_array(map(escape_name, names.tolist()))


def require_printable(what: str, *columns: np.ndarray) -> None:
    """Raises PoseError for a name with a line end or an escape sequence: it would come out in messages and tables."""
    strange = next((name for column in columns for name in column.tolist() if not name.isprintable()), None)
    if strange is not None:
        raise PoseError(f"{what}: the name {strange!r} holds characters that cannot be printed")


def require_unique(what: str, person_ids: np.ndarray, verb: str = "appears") -> None:
    """Raises PoseError for a person_id that appears twice."""
    ids, counts = np.unique(person_ids, return_counts=True)
    if (counts > 1).any():
        raise PoseError(f"{what}: person '{ids[counts > 1][0]}' {verb} more than once; keep one")


def find_rows(what: str, table: np.ndarray, person_ids: np.ndarray) -> np.ndarray:
    """Which rows of a table, whose person_ids are given, are those of other `person_ids`, in the order of these.

    Raises:
        PoseError: the table lacks one of them.
    """
    row_of = {person: row for row, person in enumerate(table.tolist())}
    if missing := [person for person in person_ids.tolist() if person not in row_of]:
        raise PoseError(f"{what}: has no row of person '{missing[0]}' ({len(missing):,} are missing)")
    return np.array([row_of[person] for person in person_ids.tolist()], dtype=int)


def join_people(parts: Sequence[People]) -> People:
    """All people of some parts of one skeleton, with depth if all parts have some."""
    depths = [part.depth for part in parts]
    shared = [name for name in ID_COLUMNS if all(name in part.ids for part in parts)]
    columns = dict.fromkeys(ID_COLUMNS) | join_columns(parts, [*COLUMNS, *shared])
    return replace(parts[0], **columns, depth=Depth(**join_columns(depths, DEPTH_COLUMNS)) if all(depths) else None)


def join_columns(tables: Sequence[object], columns: Iterable[str]) -> dict[str, np.ndarray]:
    """The columns of all rows of some tables."""
    return {name: np.concatenate([getattr(table, name) for table in tables]) for name in columns}


def group_rows(images: np.ndarray) -> dict[str, list[int]]:
    """Image -> the rows of its people, in the order of the first of them."""
    rows_of: dict[str, list[int]] = {}
    for row, image in enumerate(images.tolist()):
        rows_of.setdefault(image, []).append(row)
    return rows_of


def number_occurrences(images: np.ndarray) -> list[str]:
    """`image#1`, `image#2`, ... for the first, second, ... row of the same image."""
    rows_of = group_rows(images)
    names = {row: f"{image}#{number}" for image, rows in rows_of.items() for number, row in enumerate(rows, 1)}
    return [names[row] for row in range(len(images))]


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
