"""What makes predictions doubtful: an image's people in another order, other units, fillers.

Fillers are zeros, or one place, where a file has to hold something for every joint. A network's outputs do not repeat
to the last digit. Heatmaps' do on their grid, so that a coincidence alone tells nothing: of two published sets of
predictions for MPII's validation people, no joint is at 0, 0, no two joints are at one place in more than 10 % of the
people, and no joint is at one place in more than three; one person of one set has all joints at one place. In a third
set (`tompson.h5`) 3,092 joints are at 0, 0, and pelvis and thorax are at one place in 97 % of the people.
"""

import numpy as np

from mpii_tools.annotations.labels import missing_points
from mpii_tools.annotations.placement import NORMALIZED, REMEDIES, wrong_units
from mpii_tools.people import People, group_rows

# Of the error: in none of 215 images of MPII's validation people, in three published sets or the mean pose.
NEARER = 0.5
ENOUGH = 3  # people, or joints of a person, that share a place: two may by chance
EXACT = 0.01  # px: a joint as near to the ground truth is none, whatever it shares
SHOWN = 3  # joints named in a warning


def count_swapped(joints: np.ndarray, people: People) -> tuple[int, int]:
    """Images in which predictions (N, K, D) are nearer to the people by far in another order; images of several people.

    By far: each is nearest to another person, and the sum of their mean joint errors there is less than half.
    """
    several = swapped = 0
    labeled = np.flatnonzero(people.annotated.any(axis=1))
    _, number, counts = np.unique(people.images[labeled], return_inverse=True, return_counts=True)
    together = labeled[counts[number] > 1]  # half a million who are alone take no memory below
    for places in group_rows(people.images[together]).values():
        rows = together[places]
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
    shares = int(wrong_units(people, points)[NORMALIZED].sum())
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
    place = np.where(placed[..., None], points, np.nan) @ [1, 1j]
    same = place[:, :, None] == place[:, None]  # (N, K, K) joints of a person at one place; NaN is no place
    alike, shared, both = same.sum(axis=2), same.sum(axis=0), placed.T.astype(int) @ placed
    often = (shared >= ENOUGH) & (2 * shared > both) & ~np.eye(len(both), dtype=bool)
    crowded = (alike >= ENOUGH) & (2 * alike > placed.sum(axis=1, keepdims=True))
    # A place of more than half of the people is the middle one of theirs in order; NaN comes last, here of nobody.
    ranked = (np.sort(np.append(column, np.nan)) for column in place.T)
    middle = place == [column[half] for column, half in zip(ranked, placed.sum(axis=0) // 2, strict=True)]
    usual = (middle.sum(axis=0) >= ENOUGH) & (2 * middle.sum(axis=0) > placed.sum(axis=0))
    with np.errstate(invalid="ignore"):
        counted = people.annotated & ~(np.abs(points - people.joints).max(axis=-1) < EXACT)
    kinds = {
        "at 0, 0 or -1, -1": zero,
        "at one place in most people": middle & usual,
        "at one place with most joints of the person": crowded,
        "at the place of another joint": (same & often).any(axis=2),
    }
    fillers = {}
    for kind, mask in kinds.items():
        fillers[kind], counted = counted & mask, counted & ~mask
    return {kind: mask for kind, mask in fillers.items() if mask.any()}


def find_constant_joints(joints: np.ndarray, people: People) -> np.ndarray:
    """(K,) bool: joints of predictions (N, K, 2 or more) that are at 0, 0 or at one place for everybody: fillers.

    Not if all joints are, as a constant pose is a prediction; if fewer than 3 people have it, but for 0, 0; where the
    ground truth is; nor the root of poses in 3D, from which depths count.
    """
    points = joints[..., :2]
    low, high = (extreme.reduce(points, axis=0, initial=np.nan) for extreme in (np.fmin, np.fmax))
    right = (np.abs(points - people.joints).max(axis=-1) < EXACT).any(axis=0)
    enough = missing_points(low) | (np.isfinite(points).all(axis=-1).sum(axis=0) >= ENOUGH)
    same = (low == high).all(axis=-1)
    if joints.shape[-1] == 3:
        right[people.skeleton.root] = True
    return same & enough & ~right & ~same[np.isfinite(low).all(axis=-1)].all()


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
