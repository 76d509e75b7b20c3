"""Joints of people: of another skeleton, by their names; and those without a label, by rule from others."""

import os
from dataclasses import replace

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from mpii_tools.annotations.reading import Findings
from mpii_tools.people import People
from mpii_tools.skeletons import find_joints


def select_joints(path: str | os.PathLike, people: People, skeleton: Skeleton) -> tuple[People, Findings]:
    """The people with the joints of `skeleton`, found by name (`find_joints`); the others are missing.

    Args:
        path: of the annotations, for messages.

    Returns:
        the people, and the joints of the annotations that the skeleton leaves out.

    Raises:
        PoseError: when the skeleton has none of the annotated joints.
    """
    places = find_joints(skeleton, people.joint_names)
    if not (has := np.array([place is not None for place in places])).any():
        have = ", ".join(people.joint_names)
        raise PoseError(f"{path}: none of --skeleton's joints is annotated, only {have}; choose another skeleton")
    order = [place or 0 for place in places]
    selected = replace(
        people,
        joints=np.where(has[:, None], people.joints[:, order], np.nan),
        visible=np.where(has, people.visible[:, order], -1).astype(people.visible.dtype),
        derived=has & people.derived[:, order],
        skeleton=skeleton,
    )
    left_out = [name for place, name in enumerate(people.joint_names) if place not in places]
    return selected, {f"joints of {path} left out: not in the skeleton": left_out}


def unlabeled_joints(people: People) -> Findings:
    """Joints that nobody of a split has, split by split; a test split has none."""
    rows_of = {split: people.split == split for split in sorted(set(people.split.tolist()) - {"test"})}
    where = "joints that nobody has{}: NaN in predictions, unless mirror images teach them"
    return {
        where.format(f" in {split}" if split else ""): people.joint_names_where(people.select(rows).unlabeled)
        for split, rows in rows_of.items()
    }


def derive_joints(people: People) -> People:
    """The people with missing joints put in the middle of others by the rules of their skeleton (`derived`).

    A joint is filled only if it is missing and all the others are annotated; it is marked `derived`, so that training
    may use it and evaluation does not. The rule commutes with flips and with every affine map. MPII's pelvis and
    thorax are the midpoints of hips and of shoulders.
    """
    annotated, skeleton = people.annotated, people.skeleton
    joints, derived = people.joints.copy(), people.derived.copy()
    for name, others in skeleton.derived:
        joint, sources = skeleton.index(name), [skeleton.index(other) for other in others]
        fill = ~people.supervised[:, joint] & annotated[:, sources].all(axis=1)
        joints[fill, joint] = joints[fill][:, sources].mean(axis=1)
        derived[fill, joint] = True
    return replace(people, joints=joints, derived=derived)
