"""A person's center and scale from joints or a box, for annotations that have neither."""

from dataclasses import replace

import numpy as np

from mpii_tools.formats.boxes import find_box_faults, find_form_faults
from mpii_tools.people import People, box_squares, place_squares

# The crop's side is JOINTS_MARGIN times the longer side of the box of annotated joints: the whole box stays inside when
# the paper's augmentation enlarges the person by 25 %. LSP's images were resized so that a person is about 150 px tall;
# MIN_SIDE, two thirds of that, keeps the body in sight when only a few close joints are annotated.
JOINTS_MARGIN = 1.3
MIN_SIDE = 100.0
HEAD_SIZE_PER_LENGTH = 0.75  # of |head_top - upper_neck|: what MPII's 0.6 * box diagonal is, for 93 % of its people

FROM_JOINTS = "people whose center and scale were made from their joints: the annotations have none"
FROM_BOX = "people whose center and scale were made from their box: the annotations have none"
AS_CORNERS = "people whose box was read as x1 y1 x2 y2: with width and height most end beyond their images"
DOUBTFUL = "people whose box ends beyond the image, and would not as x1 y1 x2 y2"
ELSEWHERE = "people most of whose joints lie outside their box (joints x y, boxes left top width height, in pixels?)"
FROM_HEAD = "people whose head size was made from head top and neck: 0.75 of the distance"


def crop_around(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII center and scale whose crop is centered on the box of the annotated joints.

    The crop's side is max(JOINTS_MARGIN * the box's longer side, MIN_SIDE) pixels.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing; at least one joint per person.

    Returns:
        center (N, 2) and scale (N,), as `People` holds them: the crop's own center is 15 * scale below `center`.
    """
    low, high = np.nanmin(joints, axis=1), np.nanmax(joints, axis=1)
    return place_squares((low + high) / 2, np.maximum(JOINTS_MARGIN * (high - low).max(axis=1), MIN_SIDE))


def crop_of_boxes(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MPII center (N, 2) and scale (N,) of the crop around a person's box: its side is 1.25 of the longer side.

    Args:
        boxes: (N, 4) x, y, width, height; edges as COCO's, so that 0 is half a pixel before the first pixel's center.
    """
    return place_squares(*box_squares(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)))


def check_boxes(boxes: np.ndarray, sizes: np.ndarray | float = np.nan) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Annotated boxes (N, 4) x, y, width, height, NaN for what is none; and notes -> (N,) whom they are about.

    If most that are known end beyond their image, and are inside it as x1, y1, x2, y2, all are read so.

    Args:
        boxes: as a file has them, NaN without.
        sizes: (N, 2) width and height of their images; NaN if unknown.
    """
    known, doubtful = np.isfinite(boxes).all(axis=1), find_form_faults(boxes, sizes) != ""
    corners = 2 * doubtful.sum() > known.sum()
    ends = boxes[:, 2:] if corners else boxes[:, :2] + boxes[:, 2:]
    faults = np.where(known, find_box_faults(np.concatenate([boxes[:, :2], ends], axis=1), sizes), "")
    notes = {AS_CORNERS: known} if corners else {DOUBTFUL: doubtful}
    notes |= {f"people whose box {fault}; not used": faults == fault for fault in np.unique(faults) if fault}
    usable = (known & (faults == ""))[:, None]
    return np.where(usable, np.concatenate([boxes[:, :2], ends - boxes[:, :2]], axis=1), np.nan), notes


def find_elsewhere(joints: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) bool: people most of whose joints lie outside their box, if most people are so; else nobody.

    Args:
        joints: (N, K, 2), NaN for none.
        boxes: (N, 4) x, y, width, height, as `check_boxes` returns them.
    """
    low, size = boxes[:, None, :2], boxes[:, None, 2:]
    outside = ((joints < low) | (joints > low + size)).any(axis=-1).sum(axis=1)
    elsewhere = 2 * outside > np.isfinite(joints).all(axis=-1).sum(axis=1)
    return elsewhere & (2 * elsewhere.sum() > np.isfinite(boxes).all(axis=1).sum())


def place_people(people: People) -> tuple[People, dict[str, list[str]]]:
    """The people with what the annotations lack: center and scale from the joints, head size from the head's joints.

    Those who have a center or a scale keep them, right or wrong; a person without a joint stays without.

    Returns:
        The people, and notes that name those who got something.
    """
    joints = np.where(people.annotated[..., None], people.joints, np.nan)
    bare = np.isnan(people.center).any(axis=1) & np.isnan(people.scale) & people.annotated.any(axis=1)
    center, scale, head_size = people.center.copy(), people.scale.copy(), people.head_size.copy()
    if bare.any():
        center[bare], scale[bare] = crop_around(joints[bare])
    headless = np.zeros_like(bare)
    if {"head_top", "upper_neck"} <= set(people.joint_names):
        top, neck = (joints[:, people.joint_names.index(name)] for name in ("head_top", "upper_neck"))
        length = np.linalg.norm(top - neck, axis=-1)
        headless = bare & np.isnan(head_size) & (length > 0)
        head_size[headless] = HEAD_SIZE_PER_LENGTH * length[headless]
    notes = {FROM_JOINTS: people.person_ids[bare].tolist(), FROM_HEAD: people.person_ids[headless].tolist()}
    return replace(people, center=center, scale=scale, head_size=head_size), notes
