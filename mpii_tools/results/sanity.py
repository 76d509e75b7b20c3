"""What makes predictions doubtful: pixels counted from the wrong origin, an image's people in another order, fillers.

Whether predictions count pixels from 1 although annotations, once read, count from 0, or the other way round: a
network's own bias grows with the person, as its output has a fixed resolution in the crop; a wrong origin is one
pixel for everybody. So the offset from the ground truth is extrapolated to a person of no size, which tells the two
apart: over three published sets of predictions for MPII's validation people it is -0.26 to 0.12 px as they are, 0.63 to
0.97 shifted by one pixel, -0.76 to -1.09 shifted the other way.

Fillers are zeros, or one place, where a file has to hold something for every joint. A network's outputs do not repeat
to the last digit. Heatmaps' do on their grid, so that a coincidence alone tells nothing: of two published sets of
predictions for MPII's validation people, no joint is at 0, 0, no two joints are at one place in more than 10 % of the
people, and no joint is at one place in more than three; one person of one set has all joints at one place. In a third
set (`tompson.h5`) 3,092 joints are at 0, 0, and pelvis and thorax are at one place in 97 % of the people.
"""

from dataclasses import replace

import numpy as np

from mpii_tools.annotations.labels import missing_points
from mpii_tools.annotations.placement import NORMALIZED, REMEDIES, wrong_units
from mpii_tools.people import People, group_rows

# Where annotators agree on the point. Hips, shoulders, neck and head are placed by rules that differ between systems.
LIMBS = ("r_ankle", "r_knee", "l_knee", "l_ankle", "r_wrist", "r_elbow", "l_elbow", "l_wrist")
NEAR = 0.5  # head sizes: joints found, which alone tell of the origin
SLIP = 0.5  # px: half of a slip
WIDEST = 0.3  # px: half the width of a 95 % confidence interval that still tells 1 from 0
# Of the error: in none of 215 images of MPII's validation people, in three published sets or the mean pose.
NEARER = 0.5
ENOUGH = 3  # people, or joints of a person, that share a place: two may by chance
EXACT = 0.01  # px: a joint as near to the ground truth is none, whatever it shares
SHOWN = 3  # joints named in a warning


def measure_offset(joints: np.ndarray, people: People) -> tuple[float, float, int] | None:
    """How far predictions (N, K, D) are right of and below the ground truth, extrapolated to a person of no size.

    Least squares of offset / head size = bias of the joint + pixels / head size, which weighs small people most; the
    margin takes a person's joints as one.

    Returns:
        image pixels, the mean over x and y; half the width of their 95 % confidence interval over people; the number of
        limb joints near the ground truth, on which they are measured. None if these are fewer than 100.
    """
    limbs = [people.joint_names.index(name) for name in LIMBS if name in people.joint_names]
    offset = (joints[..., :2] - people.joints)[:, limbs]
    size = np.broadcast_to(people.head_size[:, None], offset.shape[:2])
    with np.errstate(invalid="ignore"):
        near = people.annotated[:, limbs] & (size > 0) & (np.linalg.norm(offset, axis=-1) < NEAR * size)
    person, joint = np.nonzero(near)
    if len(person) < 100:
        return None
    joint_mean = np.maximum(np.bincount(joint), 1)
    target, inverse = (
        values - (np.bincount(joint, values) / joint_mean)[joint]  # minus its joint's mean
        for values in (offset[near].mean(axis=1) / size[near], 1 / size[near])
    )
    if not (weight := inverse @ inverse):
        return None
    pixels = (inverse @ target) / weight
    pull = np.bincount(person, inverse * (target - pixels * inverse))
    return float(pixels), float(1.96 * np.sqrt(pull @ pull) / weight), len(person)


def origin_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions that seem to have slipped by a pixel; None if they have not."""
    pixels, margin, count = measure_offset(joints, people) or (0.0, np.inf, 0)
    if margin > WIDEST or not SLIP <= abs(pixels) <= 1 + SLIP:  # nearer to one pixel than to none, and surely so
        return None
    side, cure = ("right of and below", "subtract 1") if pixels > 0 else ("left of and above", "add 1")
    return (
        f"the predictions are {abs(pixels):.2f} px (+- {margin:.2f}, 95 %; {count:,} joints) {side} the ground truth, "
        "whatever the person's size, as if their pixels were counted from the wrong origin (.npz files count from 0; "
        f".h5, .mat and .npy from 1); if so, {cure} and evaluate again. The metrics are of the predictions as they are"
    )


def count_swapped(joints: np.ndarray, people: People) -> tuple[int, int]:
    """Images in which predictions (N, K, D) are nearer to the people by far in another order; images of several people.

    By far: each is nearest to another person, and the sum of their mean joint errors there is less than half.
    """
    several = swapped = 0
    labeled = people.annotated.any(axis=1)
    for rows in group_rows(np.where(labeled, people.images, "")).values():
        if len(rows) > 1 and labeled[rows[0]]:
            apart = np.linalg.norm(joints[rows][:, None, :, :2] - people.joints[rows], axis=-1)  # (P, P, K)
            counted = np.isfinite(apart)
            apart = np.where(counted, apart, 0).sum(axis=-1) / np.maximum(counted.sum(axis=-1), 1)
            of_one_each = len(set(apart.argmin(axis=1))) == len(rows)
            swapped += of_one_each and bool(apart.min(axis=1).sum() < NEARER * np.trace(apart))
            several += 1
    return swapped, several


def unit_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions (N, K, D) of which most people's are shares of the image; None if they are not."""
    points = np.where(missing_points(joints[..., :2])[..., None], np.nan, joints[..., :2])
    shares = int(wrong_units(replace(people, joints=points))[NORMALIZED].sum())
    said = f"{shares:,} of {len(people):,} people have {NORMALIZED}; {REMEDIES[NORMALIZED]}"
    return said if 2 * shares > len(people) else None


def order_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions (N, K, D) of an image's people in another order; None if they seem to be in it."""
    swapped, several = count_swapped(joints, people)
    said = (
        f"in {swapped:,} of {several:,} images of several people the predictions are nearer to them by far in another "
        "order; bbox, or person_ids in an .npz, tell who is who. The metrics are of the predictions as they are"
    )
    return said if swapped else None


def find_fillers(joints: np.ndarray, people: People) -> dict[str, np.ndarray]:
    """Annotated joints of predictions (N, K, 2 or more) that look like fillers, image pixels.

    At 0, 0 (in files that count from 1, at -1, -1 once read); at the place of most joints of the person; at the place
    of another joint that it shares in most people; at one place in most people. Most: more than half.

    Returns:
        what they are, in words -> (N, K) bool; a joint is of one kind, and each kind has some.
    """
    points = np.asarray(joints[..., :2], dtype=np.float64)
    zero = missing_points(points)
    placed = np.isfinite(points).all(axis=-1) & ~zero
    place = np.full(placed.shape, -1)  # a number per place in the image
    place[placed] = np.unique(points[placed] @ [1, 1j], return_inverse=True)[1].ravel()
    same = (place[:, :, None] == place[:, None]) & placed[:, :, None]  # (N, K, K) joints of a person at one place
    alike, shared, both = same.sum(axis=2), same.sum(axis=0), placed.T.astype(int) @ placed
    often = (shared >= ENOUGH) & (2 * shared > both) & ~np.eye(len(both), dtype=bool)
    crowded = (alike >= ENOUGH) & (2 * alike > placed.sum(axis=1, keepdims=True))
    counts = [np.bincount(column[column >= 0], minlength=1) for column in place.T]
    most = [count.argmax() if count.max() >= ENOUGH and 2 * count.max() > count.sum() else -2 for count in counts]
    with np.errstate(invalid="ignore"):
        counted = people.annotated & ~(np.abs(points - people.joints).max(axis=-1) < EXACT)
    kinds = {
        "at 0, 0 or -1, -1": zero,
        "at one place in most people": place == most,
        "at one place with most joints of the person": crowded,
        "at the place of another joint": (same & often).any(axis=2),
    }
    fillers = {}
    for kind, mask in kinds.items():
        fillers[kind], counted = counted & mask, counted & ~mask
    return {kind: mask for kind, mask in fillers.items() if mask.any()}


def filler_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions (N, K, 2 or more) that hold fillers, in one line; None if they hold none."""
    if not (kinds := find_fillers(joints, people)):
        return None
    fillers, distance = np.any([*kinds.values()], axis=0), np.linalg.norm(joints[..., :2] - people.joints, axis=-1)
    rest = distance[people.annotated & ~fillers & np.isfinite(distance)]
    without = f"; the joint error of the others is {rest.mean():.1f} px" if len(rest) else ""
    listed, names = [], np.array(people.joint_names)
    for kind, mask in kinds.items():  # the joints of most people first
        ranked = names[np.argsort(-mask.sum(axis=0), kind="stable")][: mask.any(axis=0).sum()].tolist()
        listed.append(f"{mask.sum():,} {kind} ({', '.join(ranked[:SHOWN])}{', ...' * (len(ranked) > SHOWN)})")
    return (
        f"{fillers.sum():,} of {people.annotated.sum():,} annotated joints, in {fillers.any(axis=1).sum():,} of "
        f"{len(people):,} people, look like fillers, not like predictions: {'; '.join(listed)}. They count as they "
        f"are, in PCKh and in joint and bone error{without}. A joint that is NaN for everybody does not count"
    )
