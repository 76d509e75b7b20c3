"""Leeds Sports Pose and LSP-extended: 14 joints per person, read as MPII-16 without pelvis and thorax."""

import os
import re
from pathlib import Path, PurePosixPath

import numpy as np

from checkpoints import PoseError, require_file
from heads.skeleton import MPII
from mpii_tools.annotations.joints import select_joints
from mpii_tools.annotations.placement import place_people
from mpii_tools.annotations.reading import Reading
from mpii_tools.annotations.splits import VALID, find_listed, read_valid_list
from mpii_tools.formats.arrays import as_array
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.images.sources import ImageFiles, open_images, shard_number
from mpii_tools.people import People
from mpii_tools.skeletons import SKELETONS


def read_lsp(folder: str | os.PathLike) -> Reading:
    """The people of an LSP-extended folder, one per image: `joints.mat` and the images (folder or tar shards).

    Pelvis, thorax and joints with flag 0 are NaN. Pixels become 0-based. Center and scale are those of a crop
    around the annotated joints (`crop_around`); head size is 0.75 * |head_top - upper_neck|, NaN if either is
    missing or both coincide. The original LSP's 3x14xN `joints.mat` is read too: there every joint is annotated
    and the flag means "occluded".

    The split is that of a `valid_images.txt` in the folder, else that of the tar shards (`choose_split`).

    Returns:
        Reading that names the columns without an image and the people without a joint, both left out.

    Raises:
        PoseError: no `joints.mat` of either shape, no image, or none that belongs to a column.
    """
    folder = Path(folder)
    xy, annotated, visible = _load_joints(require_file(folder / "joints.mat"))
    files = open_images(folder)
    names = _column_names(files, len(xy))
    if not (present := np.array([name in files for name in names])).any():
        raise PoseError(
            f"{folder}: none of its {len(files.places):,} images is one of joints.mat's {len(names):,} "
            f"({names[0]}, ...); add the dataset's own images"
        )
    jointless = present & ~annotated.any(axis=1)
    keep = np.flatnonzero(present & ~jointless)
    images, joints = names[keep], np.where(annotated[..., None], xy - 1.0, np.nan)[keep]  # MATLAB's are 1-based
    listed, named = read_valid_list(folder), np.zeros(len(names), bool)
    named[present], list_faults, list_notes = find_listed(names[present], listed or [])
    split, rule = choose_split(images, files, None if listed is None else named[keep])
    people = People(images, joints, split=split, visible=visible[keep], skeleton=SKELETONS["lsp14"])
    people, _ = place_people(select_joints(folder, people, MPII)[0])
    headed = people.annotated[:, [MPII.index("head_top"), MPII.index("upper_neck")]].all(axis=1)
    faults = {"people left out: no joint annotated": names[jointless].tolist(), **list_faults}
    notes = {
        **list_notes,
        "columns of joints.mat left out: no image": names[~present].tolist(),
        "people without head size: head top and neck coincide": images[headed & np.isnan(people.head_size)].tolist(),
        f"{VALID}{rule}": images[split == "valid"].tolist(),
    }
    return Reading(people, "LSP: joints.mat and images", faults, notes)


def choose_split(images: np.ndarray, files: ImageFiles, named: np.ndarray | None) -> tuple[np.ndarray, str]:
    """'train' or 'valid' for each image, and the rule that decided, in words.

    1. `valid_images.txt` in the folder names the validation images, `named` (N,) bool; None without that file.
    2. Images in several tar shards: the shard with the highest number is the validation part.
    3. Neither: every eighth image in name order. The shards hold random images, so no rule on names gives their
       split back, and metrics on this one do not compare with theirs.
    """
    shards = np.array([files.shard(name) or "" for name in images])
    if named is not None:
        valid, rule = named, "named in valid_images.txt"
    elif len(set(shards)) > 1:
        last = max(set(shards), key=shard_number)
        valid, rule = shards == last, f"the images of {last}"
    else:
        valid = np.arange(len(images)) % 8 == 7
        rule = "every eighth image, as there are neither tar shards nor a valid_images.txt"
    return np.where(valid, "valid", "train"), rule


def _load_joints(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels (N, 14, 2), annotated (N, 14) bool, visible (N, 14): 1, 0 or -1 for unknown."""
    stored = as_array(load_mat(path).get("joints"))
    axes = {(14, 3): (2, 0, 1), (3, 14): (2, 1, 0)}.get(stored.shape[:2]) if stored.ndim == 3 else None
    if axes is None or stored.dtype.kind not in "iuf":
        raise PoseError(f"{path}: 'joints' is {stored.dtype} {stored.shape}; expected 14x3xN or 3x14xN; get it again")
    table = stored.transpose(axes).astype(np.float64)
    flag, extended = table[..., 2] > 0, stored.shape[0] == 14
    annotated = (flag | (not extended)) & np.isfinite(table[..., :2]).all(axis=-1)
    return table[..., :2], annotated, np.where(annotated & (not extended), ~flag, -1)


def _column_names(files: ImageFiles, columns: int) -> np.ndarray:
    """Column i is image i + 1: im00001.jpg in LSP-extended, im0001.jpg in LSP; the images here show which."""
    names = (PurePosixPath(path).name for path in files.places)
    digits = max((len(name) for name in names if re.fullmatch(r"im\d+\.jpg", name)), default=11) - 6
    return np.array([f"im{number:0{digits}}.jpg" for number in range(1, columns + 1)])
