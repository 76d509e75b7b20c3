"""The skeleton tree (Fig. 1 of the paper): joints, their parents, and which joints a mirror swaps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from checkpoints.errors import PoseError


@dataclass(frozen=True)
class Skeleton:
    """A tree of K joints, as data. The root's parent is -1: the constant origin J_0 of the frame.

    Attributes:
        names: K joint names, in the order of every (..., K, D) tensor.
        parents: K indices into `names`; exactly one is -1, the root's.
        flip_pairs: (right, left) index pairs that change places in a mirrored image.

    Raises:
        PoseError: for two roots, no root, a cycle, a repeated name or an index out of range.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()

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


# MPII's own joint order; the tree of Fig. 1 with the pelvis as root.
MPII = Skeleton(
    names=("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "thorax", "upper_neck", "head_top",
           "r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist"),
    parents=(1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
    flip_pairs=((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)),
)  # fmt: skip
