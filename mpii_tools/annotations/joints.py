"""Joints of people: of another skeleton, by their names; and those without a label, by rule from others."""

import os
from dataclasses import replace

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton
from mpii_tools.annotations.reading import Findings, name_people
from mpii_tools.people import People
from mpii_tools.skeletons import find_joints

AGAINST, ALIGNED = -0.5, 0.5  # cosine; length of a sum of directions that is one
FEWEST, EXCHANGED = 20, 0.3  # people; the share of them


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
        raise PoseError(
            f"{path}: none of --skeleton's joints is annotated, only {', '.join(people.joint_names)}; choose another "
            "skeleton"
        )
    order = [place or 0 for place in places]
    left_out = [name for place, name in enumerate(people.joint_names) if place not in places]
    columns = {
        "joints": np.where(has[:, None], people.joints[:, order], np.nan),
        "visible": np.where(has, people.visible[:, order], -1),
        "derived": has & people.derived[:, order],
    }
    notes = {f"joints of {path} left out: not in the skeleton": left_out}
    return replace(people, **columns, skeleton=skeleton), notes


def unlabeled_joints(people: People) -> Findings:
    """Joints that nobody of a split has, split by split; a test split has none."""
    where = "joints that nobody has{}: NaN in predictions, unless mirror images teach them"
    return {
        where.format(f" in {split}" if split else ""): people.joint_names_where(
            people.select(people.split == split).unlabeled
        )
        for split in sorted({*people.split.tolist()} - {"test"})
    }


def describe_joints(people: People) -> list[str]:
    """Lines of who has which joint, what hangs on what, and the sides."""
    skeleton, names = people.skeleton, people.joint_names
    counts = [f"{name} {count:,}" for name, count in zip(names, people.annotated.sum(axis=0).tolist(), strict=True)]
    below = {name: [names[joint] for joint, up in enumerate(skeleton.parents) if up == row]
             for row, name in enumerate(names)}  # fmt: skip
    pairs = [f"{names[right]}/{names[left]}" for right, left in skeleton.flip_pairs]
    made = [f" (in the middle of {' and '.join(of)})" for name, of in skeleton.derived if name == names[skeleton.root]]
    sigma = [f"sigmas of OKS: {sigma:.3g} for all" for sigma in {*skeleton.sigmas} if len({*skeleton.sigmas}) == 1]
    torso = [f"torso: {' to '.join(skeleton.torso)}"] * bool(skeleton.torso)
    return [
        f"people with each joint: {', '.join(counts)}",
        f"tree: root {names[skeleton.root]}{''.join(made)}, {len(names)} joints (skeleton.png shows it, "
        "--skeleton takes skeleton.json, edited)",
        f"bones: {'; '.join(f'{name} < ' + ', '.join(joints) for name, joints in below.items() if joints)}",
        "; ".join([f"right/left: {', '.join(pairs) or 'none'}", *torso, *sigma]),
    ]


def find_exchanged(people: People) -> Findings:
    """People in whom a flip pair lies against their other pairs, if so many of a pair's do as if labels were exchanged.

    A pair's direction is that from the right joint to the left. Against: more than 120 degrees from the mean of the
    others' directions. Of MPII's validation people, LSP-extended and COCO at most 14 % are, of any pair (ankles); with
    one pair exchanged in every second person 42 % or more.
    """
    pairs, found = np.array(people.skeleton.flip_pairs, dtype=int).reshape(-1, 2), {}
    joints = np.where(people.annotated[..., None], people.joints, np.nan)
    across = joints[:, pairs[:, 1]] - joints[:, pairs[:, 0]]
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    others = np.nansum(across, axis=1, keepdims=True) - np.nan_to_num(across)
    length = np.linalg.norm(others, axis=-1)
    told = (length > ALIGNED) & np.isfinite(across).all(axis=-1)
    against = told & ((across * others).sum(axis=-1) < AGAINST * length)
    for (right, left), rows, count in zip(pairs, against.T, told.sum(axis=0), strict=True):
        if count >= FEWEST and rows.sum() > EXCHANGED * count:
            names = f"{people.joint_names[right]} and {people.joint_names[left]}"
            found[f"people whose {names} lie mirrored to their other joints: are labels exchanged?"] = rows
    return name_people(people, found)


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
