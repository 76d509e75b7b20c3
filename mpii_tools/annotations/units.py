"""Whether joints, center and scale are in pixels and fit each other: what other units look like."""

import os

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.people import People

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


def wrong_units(people: People) -> dict[str, np.ndarray]:
    """What looks like another unit -> (N,) bool; a person has at most one. Nobody with fewer than 3 annotated joints.

    A missing joint says nothing, nor does a center or scale that is NaN. Percent is told by all people, 3 or more,
    where the annotations say how large their images are.
    """
    told = people.annotated.sum(axis=1) >= FEW
    joints = np.where((people.annotated & told[:, None])[..., None], people.joints, np.nan)
    low, high = (reduce(joints, axis=1) for reduce in (np.fmin.reduce, np.fmax.reduce))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Readers of 1-based files have subtracted 1, and some joints lie a little beyond the image.
        normalized, percent = (((low >= -1.5) & (high <= most)).all(axis=1) for most in (1.5, 101.5))
        percent &= (people.image_size >= LARGE).all(axis=1) & ~normalized
        percent &= percent.sum() == told.sum() >= FEW
        least = np.where(people.annotated.sum(axis=1) < MANY, SMALL_OF_FEW, SMALL)
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
