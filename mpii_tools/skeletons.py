"""Skeletons by name and as JSON, and the skeleton of joints of which only the names are known."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from checkpoints import PoseError, read_text
from heads.skeleton import SKELETONS as TREES
from heads.skeleton import Skeleton

NAMED = ("groups", "derived")
OPTIONAL = ("flip_pairs", *NAMED, "torso", "sigmas")
FIELDS = {"names", "parents", *OPTIONAL}


def skeleton_to_json(skeleton: Skeleton) -> dict[str, Any]:
    """The fields as JSON values; what is empty is left out. `skeleton_from_json` is its inverse.

    `flip_pairs` is [] for joints that are the same in a mirror, and left out if nobody said so.
    """
    tree: dict[str, Any] = {"names": list(skeleton.names), "parents": list(skeleton.parents)}
    tree |= {"flip_pairs": [list(pair) for pair in skeleton.flip_pairs]} if skeleton.can_mirror else {}
    tree |= {key: {name: list(of) for name, of in getattr(skeleton, key)} for key in NAMED if getattr(skeleton, key)}
    return tree | {key: list(getattr(skeleton, key)) for key in ("torso", "sigmas") if getattr(skeleton, key)}


def skeleton_from_json(tree: object) -> Skeleton:
    """A skeleton from JSON: `names`, `parents` and, if it has them, the other attributes.

    A joint is given by its name or its index; the root's parent is null or -1; `groups` and `derived` are objects.
    `flip_pairs` of [] says that a mirrored image keeps every joint's name; without it none is used.

    Raises:
        PoseError: another format, or a skeleton that is none.
    """
    if not isinstance(tree, dict) or not {"names", "parents"} <= tree.keys() <= FIELDS:
        fields = ", ".join(map(str, tree)) or "nothing" if isinstance(tree, dict) else type(tree).__name__
        raise PoseError(f"skeleton: expected names, parents and any of {', '.join(OPTIONAL)}, found {fields}")
    try:
        names, named = tuple(tree["names"]), {key: tree.get(key, {}).items() for key in NAMED}
        for name in (*names, *(name for name, _ in chain(*named.values()))):
            if not isinstance(name, str) or not name or not name.isprintable():
                raise ValueError(f"{name!r} is no name")
        place = {name: index for index, name in enumerate(names)} | {index: index for index in range(len(names))}
        pairs = tuple((place[right], place[left]) for right, left in tree.get("flip_pairs", ()))
        skeleton = Skeleton(
            names, tuple(-1 if parent in (None, -1) else place[parent] for parent in tree["parents"]), pairs,
            **{key: tuple((name, _joint_names(of, place)) for name, of in items) for key, items in named.items()},
            torso=_joint_names(tree.get("torso", ()), place), sigmas=tuple(map(float, tree.get("sigmas", ()))),
            same_in_mirror="flip_pairs" in tree and not pairs,
        )  # fmt: skip
        check_extras(skeleton)
    except KeyError as error:
        raise PoseError(f"skeleton: {error} is no joint") from error
    except ValueError as error:
        raise PoseError(str(error) if str(error).startswith("skeleton:") else f"skeleton: {error}") from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise PoseError(f"skeleton: a field of another form ({error}); see `ief prepare -h`") from error
    return skeleton


def check_extras(skeleton: Skeleton) -> None:
    """Raises ValueError for groups, derived joints, a torso or sigmas that do not fit the joints."""
    rules, torso, sigmas = dict(skeleton.derived), skeleton.torso, skeleton.sigmas
    for name, others in rules.items():
        skeleton.index(name)
        if not others or set(others) & set(rules):
            raise ValueError(f"'{name}' must be derived from one or more joints that are labeled")
    if len(torso) not in (0, 2) or len(set(torso)) != len(torso):
        raise ValueError(f"torso {list(torso)}; give two different joints, or leave it out")
    if sigmas and (len(sigmas) != len(skeleton) or not all(0 < sigma < float("inf") for sigma in sigmas)):
        raise ValueError(f"{len(sigmas)} sigmas; give {len(skeleton)} numbers above 0, or none")


def _joint_names(joints: Iterable[str | int], place: Mapping[str | int, int]) -> tuple[str, ...]:
    """Joint names from names or indices; `place` holds the index of both, the names first."""
    if isinstance(joints, str):
        raise ValueError(f"{joints!r} is no list of joints")
    names = [*place]
    return tuple(names[place[joint]] for joint in joints)


SKELETONS = {
    **TREES,
    # All joints of MPII, LSP and COCO, the face on the neck; Leeds Sports Pose under MPII's names; a hand as
    # COCO-WholeBody has it; AP-10K's animals with mmpose's sigmas.
    **{name: skeleton_from_json(tree)
       for name, tree in json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8")).items()},
}  # fmt: skip

BODY = SKELETONS["union"]  # every joint that is known by name
ENOUGH = 3  # joints of it, to be a body

# Other words for a joint, tried where the word itself is not among the names.
ALIASES = {"head": "head_top", "headtop": "head_top", "neck": "upper_neck", "upperneck": "upper_neck",
           "mid_hip": "pelvis", "hip_center": "pelvis"}  # fmt: skip

# Words of a name -> what they are here; the two sides; and a side that is written together with what it is of.
WORDS = {
    **dict.fromkeys(("right", "rt", "droit", "droite", "rechts", "derecho", "derecha", "destro", "destra"), "r"),
    **dict.fromkeys(("left", "lt", "gauche", "links", "izquierdo", "izquierda", "sinistro", "sinistra"), "l"),
    "front": "f", "fore": "f", "back": "b", "hind": "b",
}  # fmt: skip
MIRRORED = {"r": "l", "l": "r"}
FUSED = re.compile(r"(left|right|l|r)([^_].+)|(.+[^_])(left|right)")


def get_skeleton(name: str | os.PathLike) -> Skeleton:
    """The skeleton of that name in `SKELETONS`, else that of the JSON file of that path (`skeleton_from_json`).

    Raises:
        PoseError: neither a name nor a file, or a file that holds no skeleton.
    """
    if str(name) in SKELETONS:
        return SKELETONS[str(name)]
    try:
        return skeleton_from_json(json.loads(read_text(name)))
    except FileNotFoundError:
        raise PoseError(f"--skeleton {name}: no such file; give a JSON file, or {' or '.join(SKELETONS)}") from None
    except PoseError as error:
        raise PoseError(f"{name}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise PoseError(f"{name}: not a whole JSON file ({error}); give names, parents and flip_pairs") from error


def find_joints(skeleton: Skeleton, names: Sequence[str]) -> list[int | None]:
    """Where each joint of the skeleton is among `names`, None if nowhere.

    Case, spaces and how and where a side is said make no difference (`plain_names`), nor do the words of `ALIASES`.
    """
    place = {name: index for index, name in enumerate(plain_names(names))}
    for word, meant in ALIASES.items():
        if word in place:
            place.setdefault(meant, place[word])
    return [place.get(name) for name in plain_names(skeleton.names)]


def guess_skeleton(
    names: Sequence[str], edges: Iterable[Sequence[int]] = (), pairs: Sequence[Sequence[int]] = (), middle: int = 0
) -> tuple[Skeleton, list[int], str]:
    """The skeleton of joints of which only the names, and perhaps edges and pairs, are known.

    If no skeleton of `SKELETONS` has these joints, those known by name get the tree of `_restrict_body`, and the others
    hang along the edges, or on its root. Without known joints the root is the middle of the edges' longest path;
    without edges all joints hang on `middle`.

    Args:
        names: K names, in the order of some file.
        edges: index pairs of joints.
        pairs: (right, left) index pairs that a mirror exchanges, for names that tell no side.
        middle: the joint nearest to the center of people.

    Returns:
        the skeleton; the place of each of its joints in `names`, -1 for a derived one, which comes last; and how its
        tree was found, in words, empty for one of `SKELETONS`.

    Raises:
        PoseError: no name, or a repeated one.
        ValueError: pairs that share a joint.
    """
    for skeleton in SKELETONS.values():
        order = find_joints(skeleton, names)
        if None not in order and sorted(order) == list(range(len(names))):
            return skeleton, order, ""
    if not names or len(set(names)) < len(names):
        raise PoseError(f"skeleton: {'a joint name is repeated' if names else 'no joint is named'}; give unique names")
    beside = defaultdict(list)
    for one, other in edges:
        beside[one].append(other)
        beside[other].append(one)
    if body := _restrict_body(names):
        how = "MPII's and COCO's tree of the joints known by name"
    else:
        body = Skeleton((names[_find_middle(beside) if beside else middle],), (-1,))
        how = f"{'a tree along the edges' if beside else 'a star'} from {body.names[0]}"
    every = [*names, *(name for name, _ in body.derived)]
    place = [*map(every.index, body.names)]
    tree = _walk(beside, {place[joint]: place[up] if up >= 0 else -1 for joint, up in enumerate(body.parents)})
    known = dict(zip(place, body.sigmas, strict=False))
    skeleton = replace(
        body,
        names=tuple(every),
        parents=tuple(tree.get(joint, place[body.root]) for joint in range(len(every))),
        flip_pairs=tuple(map(tuple, pair_names(names) or pairs)),
        # One for all where not all are known, as Ultralytics has it.
        sigmas=tuple(known.get(joint) if len(known) == len(every) else 1 / len(every) for joint in range(len(every))),
    )
    return skeleton, [*range(len(names)), *[-1] * (len(every) - len(names))], how


def _restrict_body(names: Sequence[str]) -> Skeleton | None:
    """`BODY` without the joints that are not among the names, called as there; None if fewer than `ENOUGH` are.

    A joint hangs on its nearest ancestor. If several have none, a joint that `BODY` derives from others is added, last,
    as their root; else they hang on the first.
    """
    found = zip(BODY.names, find_joints(BODY, names), strict=True)
    called, derived = {joint: names[place] for joint, place in found if place is not None}, ()
    if len(called) < ENOUGH:
        return None
    above = {joint: [BODY.names[up] for up in BODY.ancestry[row][1:]] for row, joint in enumerate(BODY.names)}
    tops = [joint for joint in called if not called.keys() & {*above[joint]}]
    for name, others in BODY.derived if len(tops) > 1 else ():
        if name not in called and {*others} <= called.keys() and not derived:
            called, derived = {**called, name: name}, ((name, tuple(called[other] for other in others)),)
            tops = [name]
    joints = [*called]
    nearest = [next((up for up in above[joint] if up in called), tops[0]) for joint in joints]
    parts = ((part, tuple(called[joint] for joint in of if joint in called)) for part, of in BODY.groups)
    torso = tuple(called[joint] for joint in BODY.torso if joint in called)
    return Skeleton(
        tuple(called.values()),
        tuple(-1 if joint == tops[0] else joints.index(up) for joint, up in zip(joints, nearest, strict=True)),
        groups=tuple((part, of) for part, of in parts if of),
        derived=derived,
        torso=torso if len(torso) == 2 else (),
        sigmas=tuple(BODY.sigmas[BODY.index(joint)] for joint in joints),
    )


def pair_names(names: Sequence[str]) -> list[tuple[int, int]]:
    """(right, left) index pairs of names that are equal but for their side."""
    plainly = plain_names(names)
    sides = [(name, f"l_{name[2:]}") for name in plainly if name.startswith("r_")]
    return [tuple(map(plainly.index, pair)) for pair in sides if [*map(plainly.count, pair)] == [1, 1]]


def _walk(beside: Mapping[int, Sequence[int]], tree: Mapping[int, int]) -> dict[int, int]:
    """A tree, joint -> parent, grown breadth first along edges."""
    parents, reached = dict(tree), [*tree]
    for joint in reached:
        reached += (new := {other: joint for other in beside.get(joint, ()) if other not in parents})
        parents |= new
    return parents


def _find_middle(beside: Mapping[int, Sequence[int]]) -> int:
    """The middle of the longest path along edges from the joint with most of them: of a tree, its center."""
    start = max(sorted(beside), key=lambda joint: len(beside[joint]))
    end = [*_walk(beside, {start: -1})][-1]
    parents = _walk(beside, {end: -1})
    path = [[*parents][-1]]
    while path[-1] != end:
        path.append(parents[path[-1]])
    return path[len(path) // 2]


def fit_edges(edges: object, joints: int, names: Sequence[str] = ()) -> tuple[list[list[int]], list[str], int]:
    """Drawn edges of `joints` keypoints as pairs of indices; those that join none, in words; and the first's number.

    An end is a number, 1.0 as 1, or one of the `names`. COCO's are counted from 1; others count from 0, which a 0 tells
    if there is no last keypoint of those from 1.
    """
    edges = edges if isinstance(edges, list) else [edges] if edges else []
    numbers = {name: number for number, name in enumerate(names, 1)}
    pairs = [[numbers.get(end, -1) if isinstance(end, str) else
              int(end) if type(end) in (int, float) and end % 1 == 0 else -1 for end in edge]
             if isinstance(edge, list) else [] for edge in edges]  # fmt: skip
    ends = set().union(*pairs)
    first = 0 if 0 in ends and joints not in ends else 1
    fits = [len(pair) == 2 and all(0 <= end - first < joints for end in pair) for pair in pairs]
    fitting = [[end - first for end in pair] for pair, fit in zip(pairs, fits, strict=True) if fit]
    return fitting, [str(edge)[:40] for edge, fit in zip(edges, fits, strict=True) if not fit], first


def mirror_note(skeleton: Skeleton) -> str:
    """What to tell whoever may expect mirrored images of a skeleton; empty if there is nothing to tell."""
    if not skeleton.can_mirror:
        return "no left and right among the joints: a mirrored image is not used; give flip_pairs in --skeleton"
    if skeleton.flip_pairs or skeleton in SKELETONS.values():
        return ""
    # What was asked for, or a folder of people prepared when [] was written for want of pairs too.
    return "flip_pairs is []: mirrored images are used, with every joint under its own name"


def plain_name(name: str) -> str:
    """A joint's name in lower case, its side first: `Right Ankle`, `RAnkle`, `ankle_right`, `ankle.R` -> `r_ankle`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=^[LR])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)", "_", name.strip())
    words = [WORDS.get(word, word) for word in re.split(r"[\W_]+", name.lower()) if word]
    return "_".join(sorted(words, key=lambda word: word not in MIRRORED))


def plain_names(names: Sequence[str]) -> list[str]:
    """`plain_name` of each; a side that is no word of its own counts if both are there: `leye`, `reye` -> `l_eye`."""
    plain, apart = [plain_name(name) for name in names], []
    for name in plain:
        before, rest, start, after = match.groups() if (match := FUSED.fullmatch(name)) else ("", name, "", "")
        apart.append(f"{(before or after)[0]}_{rest or start}" if match else name)
    there = set(apart)
    both = [MIRRORED.get(name[:1], "") + name[1:] in there for name in apart]
    return [name if mirrored else own for name, mirrored, own in zip(apart, both, plain, strict=True)]
