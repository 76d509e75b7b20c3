"""The skeleton tree (Fig. 1 of the paper): joints, their parents, and which joints a mirror swaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from checkpoints.errors import PoseError

Named = tuple[tuple[str, tuple[str, ...]], ...]  # a name -> joint names, as pairs: a frozen dataclass takes no dict


@dataclass(frozen=True)
class Skeleton:
    """A tree of K joints, as data. The root's parent is -1: the constant origin J_0 of the frame.

    Attributes:
        names: K joint names, in the order of every (..., K, D) tensor.
        parents: K indices into `names`; exactly one is -1, the root's.
        flip_pairs: (right, left) index pairs that change places in a mirrored image.
        groups: (name, its joints) of the tables; () groups a person's joints by how their names end, as MPII does.
        derived: (joint, others) where a joint without a label may be put in the middle of others that have one.
        torso: two joints whose distance is the unit of PCK, as LSP's is; () if there is no such pair.
        sigmas: K of COCO's OKS, fractions of the root of a person's area; () if they are not known.
        same_in_mirror: whether a mirrored image shows the joints under their own names, without any pair: a mirrored
            hand is a hand. False if nobody said so.

    Raises:
        PoseError: for two roots, no root, a cycle, a repeated or unknown name or an index out of range.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()
    groups: Named = ()
    derived: Named = ()
    torso: tuple[str, ...] = ()
    sigmas: tuple[float, ...] = ()
    same_in_mirror: bool = False

    def __post_init__(self) -> None:
        joints = len(self.names)
        if len(self.parents) != joints:
            raise PoseError(f"skeleton: {joints} names but {len(self.parents)} parents; give one parent per joint")
        if len(set(self.names)) != joints:
            raise PoseError("skeleton: a joint name is repeated; names must be unique")
        roots = [name for name, parent in zip(self.names, self.parents, strict=True) if parent == -1]
        if len(roots) != 1:
            raise PoseError(f"skeleton: one joint must have parent -1 (the root), found {len(roots)}: {roots}")
        flips = [joint for pair in self.flip_pairs for joint in pair]
        if not all(-1 <= p < joints for p in self.parents) or not all(0 <= j < joints for j in flips):
            raise PoseError(f"skeleton: a parent or flip index is outside 0..{joints - 1}")
        if len(set(flips)) != len(flips):
            raise PoseError("skeleton: a joint is in two flip pairs")
        for joint in range(joints):
            self._walk_to_root(joint)
        self._check_extras()

    def _check_extras(self) -> None:
        """Raises PoseError for groups, derived joints, a torso or sigmas that do not fit the joints."""
        rules = dict(self.derived)
        members = [name for _, joints in (*self.groups, *self.derived) for name in joints]
        for name in (*members, *rules, *self.torso):
            self.index(name)
        chained = [name for name, others in self.derived if not others or set(others) & set(rules)]
        if chained:
            raise PoseError(f"skeleton: '{chained[0]}' must be derived from one or more joints that are labeled")
        if len(self.torso) not in (0, 2) or len(set(self.torso)) != len(self.torso):
            raise PoseError(f"skeleton: torso {list(self.torso)}; give two different joints, or leave it out")
        if self.sigmas and (len(self.sigmas) != len(self.names) or not all(0 < s < float("inf") for s in self.sigmas)):
            raise PoseError(f"skeleton: {len(self.sigmas)} sigmas; give {len(self.names)} numbers above 0, or none")

    def _walk_to_root(self, joint: int) -> list[int]:
        path = []
        while joint != -1:
            if joint in path:
                cycle = " -> ".join(self.names[j] for j in [*path[path.index(joint) :], joint])
                raise PoseError(f"skeleton: the parents form a cycle: {cycle}")
            path.append(joint)
            joint = self.parents[joint]
        return path

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def root(self) -> int:
        """Index of the root joint."""
        return self.parents.index(-1)

    @cached_property
    def ancestry(self) -> tuple[tuple[int, ...], ...]:
        """For each joint, the joint itself and its ancestors up to and with the root."""
        return tuple(tuple(self._walk_to_root(joint)) for joint in range(len(self)))

    @property
    def can_mirror(self) -> bool:
        """Whether it is known what the joints of a mirrored image are; if not, none is used."""
        return bool(self.flip_pairs) or self.same_in_mirror

    @cached_property
    def flip_permutation(self) -> tuple[int, ...]:
        """Index of each joint's mirror image; a joint off every pair maps to itself."""
        order = list(range(len(self)))
        for right, left in self.flip_pairs:
            order[right], order[left] = left, right
        return tuple(order)

    @cached_property
    def sides(self) -> tuple[str, ...]:
        """`right`, `left` or `center` for each joint: the person's side, as the flip pairs (right, left) give it."""
        sides = ["center"] * len(self)
        for right, left in self.flip_pairs:
            sides[right], sides[left] = "right", "left"
        return tuple(sides)

    def index(self, name: str) -> int:
        """Index of the joint called `name`. Raises PoseError for an unknown name."""
        try:
            return self.names.index(name)
        except ValueError:
            raise PoseError(f"unknown joint '{name}'; this skeleton has {', '.join(self.names)}") from None

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; what is empty is left out. `from_json` is its inverse.

        `flip_pairs` is [] for joints that are the same in a mirror, and left out if nobody said so.
        """
        tree: dict[str, Any] = {"names": list(self.names), "parents": list(self.parents)}
        tree |= {"flip_pairs": [list(pair) for pair in self.flip_pairs]} if self.can_mirror else {}
        tree |= {key: {name: list(of) for name, of in getattr(self, key)} for key in NAMED if getattr(self, key)}
        return tree | {key: list(getattr(self, key)) for key in ("torso", "sigmas") if getattr(self, key)}

    @staticmethod
    def from_json(tree: object) -> Skeleton:
        """A skeleton from JSON: `names`, `parents` and, if it has them, the other attributes.

        A joint is given by its name or its index; the root's parent is null or -1; `groups` and `derived` are objects.
        `flip_pairs` of [] says that a mirrored image keeps every joint's name; without it none is used.

        Raises:
            PoseError: another form, or a skeleton that is none.
        """
        if not isinstance(tree, dict) or not {"names", "parents"} <= tree.keys() <= FIELDS:
            found = ", ".join(map(str, tree)) if isinstance(tree, dict) else type(tree).__name__
            raise PoseError(
                f"skeleton: expected names, parents and any of {', '.join(OPTIONAL)}, found {found or 'nothing'}"
            )
        try:
            names = tuple(map(_text, tree["names"]))
            parents = [-1 if p is None or p == -1 else _index(p, names) for p in tree["parents"]]
            pairs = [(_index(right, names), _index(left, names)) for right, left in tree.get("flip_pairs", ())]
            named = {key: tuple((_text(name), _names(of, names)) for name, of in tree.get(key, {}).items())
                     for key in NAMED}  # fmt: skip
            sigmas = tuple(map(float, tree.get("sigmas", ())))
            return Skeleton(names, tuple(parents), tuple(pairs), **named, torso=_names(tree.get("torso", ()), names),
                            sigmas=sigmas, same_in_mirror="flip_pairs" in tree and not pairs)  # fmt: skip
        except PoseError:
            raise
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise PoseError(f"skeleton: a field of another form ({error}); see `ief prepare -h`") from error


NAMED = ("groups", "derived")
OPTIONAL = ("flip_pairs", *NAMED, "torso", "sigmas")
FIELDS = {"names", "parents", *OPTIONAL}


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"{value!r} is no name")
    return value


def _index(joint: object, names: tuple[str, ...]) -> int:
    """A joint's index from its name or its index."""
    if isinstance(joint, str) and joint in names:
        return names.index(joint)
    if type(joint) is not int or not 0 <= joint < len(names):
        raise ValueError(f"{joint!r} is no joint")
    return joint


def _names(joints: Iterable[object], names: tuple[str, ...]) -> tuple[str, ...]:
    """Joint names from names or indices."""
    if isinstance(joints, str):
        raise ValueError(f"{joints!r} is no list of joints")
    return tuple(names[_index(joint, names)] for joint in joints)


# MPII's own joint order; the tree of Fig. 1 with the pelvis as root. Sigmas: mmpose's.
MPII = Skeleton(
    names=("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "thorax", "upper_neck", "head_top",
           "r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist"),
    parents=(1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
    flip_pairs=((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)),
    # In MPII both are midpoints, rounded to whole pixels: over 14,975 fully labelled training poses the distance from
    # the midpoint is 0.5 px in the median, at most 0.71 px (half a pixel in x and y) for 99 % and 0.009 head sizes
    # in the mean. A least-squares fit, in head sizes, that may also use the midpoints of shoulders or hips and of the
    # knees, and the upper neck, gives those weights below 0.005 and a residual no smaller.
    derived=(("pelvis", ("r_hip", "l_hip")), ("thorax", ("r_shoulder", "l_shoulder"))),
    torso=("l_shoulder", "r_hip"),
    sigmas=(0.089, 0.083, 0.107, 0.107, 0.083, 0.089, 0.026, 0.026, 0.026, 0.026, 0.062, 0.072, 0.179, 0.179, 0.072,
            0.062),
)  # fmt: skip
