"""A person's place: center and scale from joints or a box, for annotations that have neither; and whether they, boxes
and joints are in pixels and fit each other, or look like other units."""

import os
from dataclasses import replace

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.reading import Findings, name_people
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

FEW = 3  # annotated joints from which a pose has an extent that tells something
SMALL = 0.05  # of the crop's side; the least of 2,958 validation people of MPII is 0.18, of 8,000 of LSP-extended 0.36
# Fewer joints than MANY may be those of a face alone, as COCO's often are: nose and eyes span 0.03 of a whole body's
# crop. A scale in pixels makes that, too, 200 times smaller.
MANY, SMALL_OF_FEW = 8, 0.01

NORMALIZED = "joints within 0..1, not in pixels"
PERCENT = "joints within 0..100 of images of 200 pixels and more, not in pixels"
LARGE = 200  # pixels, of both sides of the images of people who are in percent if all of them are within 0..100
TINY = f"joints that span under {100 * SMALL:.0f} % of the crop (is scale in pixels, not height / 200?)"
AWAY = "every joint outside the crop (are center and joints in the same units?)"
REMEDIES = {
    NORMALIZED: "multiply x by the image's width and y by its height",
    PERCENT: "multiply x by the image's width / 100 and y by its height / 100",
    TINY: "scale is the person's height in pixels divided by 200",
    AWAY: "center and joints are pixels of the same image, scale is the person's height in pixels / 200",
}


def crop_around(joints: np.ndarray, margin: float = JOINTS_MARGIN, least: float = MIN_SIDE) -> tuple[np.ndarray, ...]:
    """MPII center and scale of crops centered on the box of the joints, of `margin` times its longer side.

    Args:
        joints: (N, K, 2) image pixels, NaN if missing; a person without a joint gets NaN.
        least: pixels that the crop's side has at least.

    Returns:
        center (N, 2) and scale (N,), as `People` holds them: the crop's own center is 15 * scale below `center`.
    """
    low, high = np.fmin.reduce(joints, axis=1), np.fmax.reduce(joints, axis=1)
    return place_squares((low + high) / 2, np.maximum(margin * (high - low).max(axis=1), least))


def check_boxes(
    boxes: np.ndarray, sizes: np.ndarray | float = np.nan
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Annotated boxes as (N, 4) x1, y1, x2, y2, NaN for what is none; MPII's center and scale of their crops; and notes
    -> (N,) whom they are about.

    If most that are known end beyond their image, and are inside it as x1, y1, x2, y2, all are read so.

    Args:
        boxes: (N, 4) x, y, width, height, as a file has them, NaN without.
        sizes: (N, 2) width and height of their images; NaN if unknown.
    """
    known, doubtful = np.isfinite(boxes).all(axis=1), find_form_faults(boxes, sizes) != ""
    as_corners = 2 * doubtful.sum() > known.sum()
    corners = boxes if as_corners else np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    faults = np.where(known, find_box_faults(corners, sizes), "")
    notes = {AS_CORNERS: known} if as_corners else {DOUBTFUL: doubtful}
    notes |= {f"people whose box {fault}; not used": faults == fault for fault in np.unique(faults) if fault}
    with np.errstate(over="ignore", invalid="ignore"):
        corners = np.where((known & (faults == ""))[:, None], corners, np.nan)
        return corners, *place_squares(*box_squares(corners)), notes


def find_elsewhere(joints: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) bool: people most of whose joints lie outside their box, if most people are so; else nobody.

    Args:
        joints: (N, K, 2), NaN for none.
        boxes: (N, 4) x1, y1, x2, y2, as `check_boxes` returns them.
    """
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    outside = ((joints < low) | (joints > high)).any(axis=-1).sum(axis=1)
    elsewhere = 2 * outside > np.isfinite(joints).all(axis=-1).sum(axis=1)
    return elsewhere & (2 * elsewhere.sum() > np.isfinite(boxes).all(axis=1).sum())


def place_people(people: People) -> tuple[People, Findings]:
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
    head = [people.joint_names.index(name) for name in ("head_top", "upper_neck") if name in people.joint_names]
    length = np.linalg.norm(joints[:, head[:1]] - joints[:, head[1:]], axis=-1).sum(axis=1)  # 0 without both joints
    headless = bare & np.isnan(head_size) & (length > 0)
    head_size[headless] = HEAD_SIZE_PER_LENGTH * length[headless]
    placed = replace(people, center=center, scale=scale, head_size=head_size)
    return placed, name_people(people, {FROM_JOINTS: bare, FROM_HEAD: headless})


def wrong_units(people: People, joints: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What looks like another unit -> (N,) bool; a person has at most one. Nobody with fewer than 3 annotated joints.

    A missing joint says nothing, nor does a center or scale that is NaN. Percent is told by all people, 3 or more,
    where the annotations say how large their images are.

    Args:
        joints: (N, K, 2) others than the people's own, NaN where missing.
    """
    annotated = people.annotated if joints is None else np.isfinite(joints).all(axis=-1)
    told = annotated.sum(axis=1) >= FEW
    joints = np.where((annotated & told[:, None])[..., None], people.joints if joints is None else joints, np.nan)
    low, high = (reduce(joints, axis=1) for reduce in (np.fmin.reduce, np.fmax.reduce))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Readers of 1-based files have subtracted 1, and some joints lie a little beyond the image.
        normalized, percent = (((low >= -1.5) & (high <= most)).all(axis=1) for most in (1.5, 101.5))
        percent &= (people.image_size >= LARGE).all(axis=1) & ~normalized
        percent &= percent.sum() == told.sum() >= FEW
        least = np.where(annotated.sum(axis=1) < MANY, SMALL_OF_FEW, SMALL)
        tiny = ((high - low).max(axis=1) < least * people.crop_side) & ~normalized & ~percent
        from_center = np.abs(joints - people.crop_center[:, None]).max(axis=-1)
        away = (np.fmin.reduce(from_center, axis=1) > people.crop_side / 2) & (people.crop_side > 0)
    return {NORMALIZED: normalized, PERCENT: percent, TINY: tiny, AWAY: away & ~tiny & ~normalized & ~percent}


def require_pixels(path: str | os.PathLike, people: People) -> None:
    """Nothing, for annotations in pixels.

    Raises:
        PoseError: when most people with a pose look like those of other units: no score of theirs means anything.
    """
    told = int((people.annotated.sum(axis=1) >= FEW).sum())
    for what, wrong in wrong_units(people).items():
        if wrong.sum() > told / 2:
            raise PoseError(
                f"{path}: {wrong.sum():,} of {told:,} people, first {people.person_ids[wrong][0]}, have {what}; "
                f"{REMEDIES[what]}"
            )
