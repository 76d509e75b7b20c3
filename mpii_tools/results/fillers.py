"""Predictions that are no predictions: zeros, or one place, where a file has to hold something for every joint.

A network's outputs do not repeat to the last digit. Heatmaps' do on their grid, so that a coincidence alone tells
nothing: of two published sets of predictions for MPII's validation people, no joint is at 0, 0, no two joints are at
one place in more than 10 % of the people, and no joint is at one place in more than three; one person of one set has
all joints at one place. In a third set (`tompson.h5`) 3,092 joints are at 0, 0, and pelvis and thorax are at one place
in 97 % of the people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpii_tools.annotations.labels import missing_points
from mpii_tools.people import People

ENOUGH = 3  # people, or joints of a person, that share a place: two may by chance
EXACT = 0.01  # px: a joint as near to the ground truth is none, whatever it shares
SHOWN = 3  # joints named in a warning


@dataclass(frozen=True)
class Fillers:
    """Which annotated joints of N people are fillers, and why.

    Attributes:
        joints: (N, K) bool, all of them.
        kinds: what they are, in words -> (N, K) bool; a joint is of one kind, and each has some.
    """

    joints: np.ndarray
    kinds: dict[str, np.ndarray]


def find_fillers(joints: np.ndarray, people: People) -> Fillers:
    """Annotated joints of predictions (N, K, 2 or more) that look like fillers, image pixels.

    At 0, 0 (in files that count from 1, at -1, -1 once read); at the place of most joints of the person; at the place
    of another joint that it shares in most people; at one place in most people. Most: more than half.
    """
    points = np.asarray(joints[..., :2], dtype=np.float64)
    zero = missing_points(points)
    placed = np.isfinite(points).all(axis=-1) & ~zero
    _, numbers = np.unique(points[placed] @ [1, 1j], return_inverse=True)
    place = np.full(placed.shape, -1)  # a number per place in the image
    place[placed] = numbers.ravel()
    alike = np.zeros(place.shape, dtype=np.int64)  # joints of the person at the same place, itself among them
    paired = np.zeros(place.shape, dtype=bool)
    constant = np.zeros(place.shape, dtype=bool)
    for joint, there in enumerate(placed.T):
        same = (place == place[:, [joint]]) & placed
        alike += same
        shared = same.sum(axis=0)
        often = (shared >= ENOUGH) & (2 * shared > (placed & there[:, None]).sum(axis=0))
        often[joint] = False
        if often.any():
            paired[:, joint] = same[:, often].any(axis=1)
        counts = np.bincount(place[there, joint], minlength=1)
        if counts.max() >= ENOUGH and 2 * counts.max() > there.sum():
            constant[:, joint] = place[:, joint] == counts.argmax()
    crowded = (alike >= ENOUGH) & (2 * alike > placed.sum(axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        counted = people.annotated & ~(np.abs(points - people.joints).max(axis=-1) < EXACT)
    kinds = {
        "at 0, 0 or -1, -1": zero,
        "at one place in most people": constant,
        "at one place with most joints of the person": crowded,
        "at the place of another joint": paired,
    }
    left, chosen = counted, {}
    for kind, mask in kinds.items():
        chosen[kind] = mask & left
        left = left & ~mask
    return Fillers(counted & ~left, {kind: mask for kind, mask in chosen.items() if mask.any()})


def filler_warning(joints: np.ndarray, people: People) -> str | None:
    """A warning about predictions (N, K, 2 or more) that hold fillers, in one line; None if they hold none."""
    fillers = find_fillers(joints, people)
    if not fillers.kinds:
        return None
    distance = np.linalg.norm(joints[..., :2] - people.joints, axis=-1)
    rest = distance[people.annotated & ~fillers.joints & np.isfinite(distance)]
    without = f"; the joint error of the others is {rest.mean():.1f} px" if len(rest) else ""
    listed = "; ".join(f"{mask.sum():,} {kind} ({_named(mask, people)})" for kind, mask in fillers.kinds.items())
    return (
        f"{fillers.joints.sum():,} of {people.annotated.sum():,} annotated joints, in "
        f"{fillers.joints.any(axis=1).sum():,} of {len(people):,} people, look like fillers, not "
        f"like predictions: {listed}. They count as they are: as wrong "
        f"in PCKh unless they are near by chance, and with their distance in joint and bone error{without}. A joint "
        "that is NaN for everybody does not count"
    )


def _named(mask: np.ndarray, people: People) -> str:
    """The joints of (N, K) bool, those of most people first."""
    counts = mask.sum(axis=0)
    order = [joint for joint in np.argsort(-counts, kind="stable").tolist() if counts[joint]]
    names = ", ".join(people.joint_names[joint] for joint in order[:SHOWN])
    return names + (", ..." if len(order) > SHOWN else "")
