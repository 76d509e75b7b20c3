"""Skeletons by name, as data; one of your own is a JSON file with the same fields."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence

from checkpoints.errors import PoseError
from checkpoints.files import read_text
from heads.skeleton import MPII, Skeleton

_FINGERS = {"Thumb": "thumb", "Forefinger": "forefinger", "Middle": "middle_finger", "Ring": "ring_finger",
            "Pinky": "pinky_finger"}  # fmt: skip


def _fingers() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((group, tuple(f"{name}{joint}" for joint in range(1, 5))) for group, name in _FINGERS.items())


SKELETONS = {
    "mpii": MPII,
    # COCO's keypoints and sigmas. It labels no trunk: the shoulders hang on the nose and the hips on the shoulders.
    "coco17": Skeleton(
        names=("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
               "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
               "right_knee", "left_ankle", "right_ankle"),
        parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
        flip_pairs=tuple((left + 1, left) for left in range(1, 17, 2)),
        groups=(
            ("Head", ("nose", "left_eye", "right_eye", "left_ear", "right_ear")),
            *((part.capitalize(), (f"left_{part}", f"right_{part}"))
              for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")),
        ),
        torso=("left_shoulder", "right_hip"),
        sigmas=(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087,
                0.087, 0.089, 0.089),
    ),
    # Leeds Sports Pose in its own order, under MPII's names.
    "lsp14": Skeleton(
        names=("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "r_wrist", "r_elbow", "r_shoulder",
               "l_shoulder", "l_elbow", "l_wrist", "upper_neck", "head_top"),
        parents=(1, 2, 12, 12, 3, 4, 7, 8, 12, 12, 9, 10, -1, 12),
        flip_pairs=((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9)),
        torso=("l_shoulder", "r_hip"),
        sigmas=(0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.062, 0.072, 0.179, 0.179, 0.072, 0.062, 0.026, 0.026),
    ),
    # A hand as OneHand10K and COCO-WholeBody have it, with the latter's sigmas; a mirrored hand is a hand.
    "hand21": Skeleton(
        names=("wrist", *(name for _, joints in _fingers() for name in joints)),
        parents=(-1, *(0 if joint % 4 == 1 else joint - 1 for joint in range(1, 21))),
        groups=(("Wrist", ("wrist",)), *_fingers()),
        sigmas=(0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026, 0.017,
                0.021, 0.021, 0.032, 0.02, 0.019, 0.022, 0.031),
        same_in_mirror=True,
    ),
    # AP-10K's animals, with the sigmas that mmpose evaluates them by.
    "animal17": Skeleton(
        names=("l_eye", "r_eye", "nose", "neck", "root_of_tail", "l_shoulder", "l_elbow", "l_f_paw", "r_shoulder",
               "r_elbow", "r_f_paw", "l_hip", "l_knee", "l_b_paw", "r_hip", "r_knee", "r_b_paw"),
        parents=(2, 2, 3, -1, 3, 3, 5, 6, 3, 8, 9, 4, 11, 12, 4, 14, 15),
        flip_pairs=((1, 0), (8, 5), (9, 6), (10, 7), (14, 11), (15, 12), (16, 13)),
        groups=(
            ("Head", ("l_eye", "r_eye", "nose")), ("Neck", ("neck",)), ("Tail", ("root_of_tail",)),
            *((title, (f"l_{part}", f"r_{part}")) for title, part in (
                ("Shoulder", "shoulder"), ("Elbow", "elbow"), ("Front paw", "f_paw"), ("Hip", "hip"), ("Knee", "knee"),
                ("Back paw", "b_paw"))),
        ),
        sigmas=(0.025, 0.025, 0.026, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087,
                0.087, 0.089, 0.089),
    ),
}  # fmt: skip

# Other words for a joint, tried where the word itself is not among the names.
ALIASES = {"head": "head_top", "headtop": "head_top", "neck": "upper_neck", "upperneck": "upper_neck"}


def get_skeleton(name: str | os.PathLike) -> Skeleton:
    """The skeleton of that name in `SKELETONS`, else that of the JSON file of that path (`Skeleton.from_json`).

    Raises:
        PoseError: neither a name nor a file, or a file that holds no skeleton.
    """
    if str(name) in SKELETONS:
        return SKELETONS[str(name)]
    try:
        return Skeleton.from_json(json.loads(read_text(name)))
    except FileNotFoundError:
        raise PoseError(f"--skeleton {name}: no such file; give a JSON file, or {' or '.join(SKELETONS)}") from None
    except PoseError as error:
        raise PoseError(f"{name}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise PoseError(f"{name}: not a whole JSON file ({error}); give names, parents and flip_pairs") from error


def find_joints(skeleton: Skeleton, names: Sequence[str]) -> list[int | None]:
    """Where each joint of the skeleton is among `names`, None if nowhere.

    Case, spaces and `right_`, `Right`, `r_` make no difference, nor do the words of `ALIASES`.
    """
    place = {plain(name): index for index, name in enumerate(names)}
    for word, meant in ALIASES.items():
        if word in place:
            place.setdefault(meant, place[word])
    return [place.get(plain(name)) for name in skeleton.names]


def skeleton_of(names: Sequence[str], edges: Iterable[Sequence[int]] = ()) -> tuple[Skeleton, list[int], bool]:
    """The skeleton of joints of which only the names, and perhaps edges, are known.

    Args:
        names: K names, in the order of some file.
        edges: index pairs of joints; a tree along them from the first joint is taken where no skeleton of `SKELETONS`
            has these joints, and joints that it does not reach hang on the first. Flip pairs follow from the names.

    Returns:
        the skeleton, the place of each of its joints in `names`, and whether it is one of `SKELETONS`.

    Raises:
        PoseError: no name, or a repeated one.
    """
    for skeleton in SKELETONS.values():
        order = find_joints(skeleton, names)
        if None not in order and sorted(order) == list(range(len(names))):
            return skeleton, order, True
    if not names:
        raise PoseError("skeleton: no joint is named; give one or more names")
    plainly = [plain(name) for name in names]
    pairs = [(right, plainly.index(f"l_{name[2:]}")) for right, name in enumerate(plainly)
             if name.startswith("r_") and f"l_{name[2:]}" in plainly]  # fmt: skip
    return Skeleton(tuple(names), _spanning_tree(len(names), edges), tuple(pairs)), [*range(len(names))], False


def mirror_note(skeleton: Skeleton) -> str:
    """What to tell whoever may expect mirrored images of a skeleton; empty if there is nothing to tell."""
    if not skeleton.can_mirror:
        return "no left and right among the joints: a mirrored image is not used; give flip_pairs in --skeleton"
    if skeleton.flip_pairs or skeleton in SKELETONS.values():
        return ""
    # What was asked for, or a folder of people prepared when [] was written for want of pairs too.
    return "flip_pairs is []: mirrored images are used, with every joint under its own name"


def plain(name: str) -> str:
    """A joint's name in lower case with `r_` or `l_` before it: `Right Ankle`, `right_ankle`, `RAnkle` -> `r_ankle`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=^[LR])(?=[A-Z][a-z])", "_", name.strip())
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    if words and words[0] in ("right", "left"):
        words[0] = words[0][0]
    return "_".join(words)


def _spanning_tree(joints: int, edges: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Parents of a tree along the edges from joint 0, breadth first."""
    beside: dict[int, list[int]] = {joint: [] for joint in range(joints)}
    for one, other in edges:
        beside[one].append(other)
        beside[other].append(one)
    parents = {0: -1}
    waiting = [0]
    for joint in waiting:
        for other in beside[joint]:
            if other not in parents:
                parents[other] = joint
                waiting.append(other)
    return tuple(parents.get(joint, 0) for joint in range(joints))
