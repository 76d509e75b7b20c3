"""Joints that a dataset does not label, from those that it does."""

from __future__ import annotations

from dataclasses import replace

from mpii_tools.people import People


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
