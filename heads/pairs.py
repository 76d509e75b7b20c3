"""Pair sets (Section 3.3 of the paper): which relative joint positions a loss supervises; the methods of Table 1.

A pair (u, v) holds joint indices; `ORIGIN` (-1) stands for the constant origin J_0, the paper's joint 0.
The paper writes P_all without the origin. Then nothing determines where in the image the body is: every term
is a difference of joints, so moving all of them changes nothing and the root bone gets no gradient. The origin
therefore belongs to P_all here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from heads.skeleton import Skeleton

ORIGIN = -1

Pair = tuple[int, int]


def joint_pairs(skeleton: Skeleton) -> list[Pair]:
    """P_joint = {(u, 0)}: K pairs, the joint positions themselves."""
    return [(joint, ORIGIN) for joint in range(len(skeleton))]


def bone_pairs(skeleton: Skeleton) -> list[Pair]:
    """P_bone = {(u, parent(u))}: K pairs, the bones; the root's is (root, 0)."""
    return list(enumerate(skeleton.parents))


def both_pairs(skeleton: Skeleton) -> list[Pair]:
    """P_both: the union of P_joint and P_bone; 2K - 1 pairs, since they share (root, 0)."""
    return list(dict.fromkeys(joint_pairs(skeleton) + bone_pairs(skeleton)))


def all_pairs(skeleton: Skeleton) -> list[Pair]:
    """P_all: every pair of {0, ..., K}, the origin with them; K (K + 1) / 2 pairs."""
    return joint_pairs(skeleton) + list(combinations(range(len(skeleton)), 2))


PAIR_SETS = {"joint": joint_pairs, "bone": bone_pairs, "both": both_pairs, "all": all_pairs}


def get_pairs(name: str, skeleton: Skeleton) -> list[Pair]:
    """The pair set called `name`: joint, bone, both or all. Raises ValueError for another name."""
    if name not in PAIR_SETS:
        raise ValueError(f"unknown pair set '{name}'; choose one of {', '.join(PAIR_SETS)}")
    return PAIR_SETS[name](skeleton)


@dataclass(frozen=True)
class Method:
    """A method of Table 1: what a stage regresses and which relative positions its loss compares.

    Attributes:
        representation: `joints` or `bones`, what the network's output means.
        pairs: name of the pair set in `PAIR_SETS`.
        label: the name in the paper's tables.
    """

    representation: str
    pairs: str
    label: str

    @property
    def loss(self) -> str:
        """The loss function and its equation, as Table 1 has them."""
        return "L(J), Eq. 3" if self.representation == "joints" else f"L(B, P_{self.pairs}), Eq. 8"


METHODS = {
    "ief_star": Method("joints", "joint", "IEF*"),
    "joint": Method("bones", "joint", "Ours (joint)"),
    "bone": Method("bones", "bone", "Ours (bone)"),
    "both": Method("bones", "both", "Ours (both)"),
    "all": Method("bones", "all", "Ours (all)"),
}


def path_lengths(skeleton: Skeleton, pairs: Sequence[Pair]) -> list[int]:
    """The number of bones on the path from u to v, for each pair (u, v); the root's bone leads to the origin.

    They are the terms of Eq. 6: the ancestors, and the joint itself, of one end that are not those of the other.
    """
    above = {ORIGIN: frozenset(), **{joint: frozenset(path) for joint, path in enumerate(skeleton.ancestry)}}
    return [len(above[u] ^ above[v]) for u, v in pairs]


def pair_weights(pairs: Sequence[Pair], origin_share: float | None = None) -> list[float]:
    """The weight of each pair in the loss, 1 on average.

    The paper weighs all pairs alike, and writes P_all without the origin. With it, 16 of MPII's 136 pairs say where the
    body is and 120 how it is built, so that location has 12 % of the loss.

    Args:
        pairs: P pairs.
        origin_share: of the weights, on the pairs with the origin, all together; None weighs all pairs alike. Of a
            person with fewer joints annotated they have more, since the others lose two ends. If every pair has the
            origin or none has, there is nothing to share out.

    Raises:
        ValueError: a share that is not above 0 and below 1.
    """
    if origin_share is not None and not 0 < origin_share < 1:
        raise ValueError(f"origin share {origin_share}: must be above 0 and below 1")
    origin = sum(ORIGIN in pair for pair in pairs)
    if origin_share is None or origin in (0, len(pairs)):
        return [1.0] * len(pairs)
    near, far = origin_share * len(pairs) / origin, (1 - origin_share) * len(pairs) / (len(pairs) - origin)
    return [near if ORIGIN in pair else far for pair in pairs]
