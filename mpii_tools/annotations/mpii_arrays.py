"""MPII as arrays, a row per person: Newell's HDF5 (of the stacked hourglass), and the evaluators' `gt_valid.mat`."""

from pathlib import Path

import numpy as np

from checkpoints import PoseError, name_fault
from mpii_tools.annotations.reading import Reading, build_reading
from mpii_tools.annotations.splits import name_rows, split_by_name
from mpii_tools.formats.arrays import as_array, numeric
from mpii_tools.people import CENTER_SHIFT, HEAD_SIZE_PER_DIAGONAL, HEAD_SIZE_PER_SCALE, text_array

WIDENED = 1.25  # what Newell multiplied scale by


# gt_valid.mat's names for the joints, in MPII's order.
NAMES = [
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor",
    "neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri",
]  # fmt: skip


def read_newell_h5(path: Path, stored: dict[str, object]) -> Reading:
    """The people of Newell's file: `part`, `center`, `scale`, and optionally `imgname`, `person`, `normalize`.

    `center` and `scale` hold +15 * scale in y and * 1.25; both are undone, exactly but for rounding. (The file of
    his training code has them raw: there `normalize` is 25 * `scale` instead of 20, which tells the two apart.)
    Coordinates were cut to integers on the way in, towards zero, and stay so. A joint at exactly 0, 0 is missing.
    `visible` 1 means not marked occluded. `normalize` is the head size. Split: `splits.split_by_name`.

    Image names come from `imgname`, else from `valid_images.txt` beside the file if it has a line per person,
    else they are `row1`, `row2`, ...

    Args:
        path: the file.
        stored: its arrays.

    Raises:
        PoseError: a file without these arrays.
    """
    for name in {"scale", "normalize", "person"} & set(stored):  # MATLAB's vectors have two axes
        stored[name] = np.ravel(stored[name]) if np.ndim(stored[name]) == 2 else stored[name]
    part = numeric(path, stored, "part", (None, 16, 2))
    count = len(part)
    center = numeric(path, stored, "center", (count, 2))
    scale = numeric(path, stored, "scale", (count,))
    head = numeric(path, stored, "normalize", (count,)) if "normalize" in stored else None
    raw = head is not None and abs(np.nanmedian(head / scale) - HEAD_SIZE_PER_SCALE) < 1.0
    if not raw:
        scale = scale / WIDENED
        center = center - np.stack([np.zeros(count), CENTER_SHIFT * scale], axis=1)

    missing = (part == 0).all(axis=2)
    seen = numeric(path, stored, "visible", missing.shape) > 0 if "visible" in stored else -1
    names, notes = (_image_names(path, stored, count), {}) if "imgname" in stored else name_rows(path.parent, count)
    images, ids = text_array(names), None
    if "person" in stored:
        rect = np.nan_to_num(numeric(path, stored, "person", (count,))).astype(int) + 1
        ids = [f"{image}#{number}" for image, number in zip(images, rect, strict=True)]
    return build_reading(
        "Newell's HDF5",
        images,
        part,
        ~missing,
        {},
        notes,
        person_ids=ids,
        center=center - 1.0,
        scale=scale,
        head_size=head,
        split=split_by_name(path, images, center - 1.0),
        visible=np.where(missing, -1, seen),
    )


def _image_names(path: Path, stored: dict[str, np.ndarray], people: int) -> list[str]:
    """The file names that `imgname` holds. Raises PoseError if it has not one per person."""
    names = stored["imgname"]
    names = np.array(names, dtype=object) if isinstance(names, list) else as_array(names)
    with name_fault(path, "'imgname' holds no file names", "expected text", ValueError, OverflowError):
        if names.ndim == 1 and names.dtype.kind in "SO":
            images = [name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist()]
        else:  # character codes, padded with 0
            codes = numeric(path, stored, "imgname", (people, None))
            images = ["".join(chr(int(code)) for code in row if code > 0) for row in codes]
    if len(images) != people:
        raise PoseError(f"{path}: 'imgname' has {len(images)} names for {people} people; expected one per person")
    return images


def read_gt_valid_mat(path: Path, stored: dict[str, object]) -> Reading:
    """The people of `dataset_joints`, `jnt_missing` (16, N), `pos_gt_src` (16, 2, N), `headboxes_src` (2, 2, N).

    The file holds neither center nor scale (NaN) nor image names: those come from `valid_images.txt` beside it if
    that has a line per person, else they are `row1`, `row2`, ... Only `jnt_missing` makes a joint missing: 13 joints
    of 10 people have a coordinate zeroed without a flag and count, as they do in the evaluators that read this file;
    `notes` names those people.

    Args:
        path: the .mat file.
        stored: its variables.

    Raises:
        PoseError: a file without these arrays.
    """
    raw = numeric(path, stored, "pos_gt_src", (16, 2, None))
    count = raw.shape[2]
    missing = numeric(path, stored, "jnt_missing", (16, count)).T != 0
    box = numeric(path, stored, "headboxes_src", (2, 2, count))
    labels = stored.get("dataset_joints")
    if not isinstance(labels, list) or sorted(map(str, labels)) != sorted(NAMES):
        raise PoseError(f"{path}: 'dataset_joints' names {labels}; expected {NAMES} in any order")
    order = [labels.index(name) for name in NAMES]
    points, missing = raw.transpose(2, 0, 1)[:, order], missing[:, order]

    names, notes = name_rows(path.parent, count)
    zeroed = (points == 0).any(axis=2) & ~missing
    notes["people with a zeroed coordinate that is not flagged missing"] = zeroed.any(axis=1)
    head_size = HEAD_SIZE_PER_DIAGONAL * np.linalg.norm(box[1] - box[0], axis=0)
    return build_reading(
        "gt_valid.mat of HRNet and pytorch-pose", names, points, ~missing, {}, notes, head_size=head_size
    )
