"""The skeleton tree (Fig. 1 of the paper): joints, their parents, and which joints a mirror swaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

# MPII's scale is a person's height / 200 px, and the crop's side is 1.25 times that height.
BOX_PER_SCALE = 200.0  # image pixels of a person's height, or the longer side of a box, per unit of scale
CROP_SIDE = 250.0  # image pixels per unit of scale
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
        ValueError: for two roots, no root, a cycle, a repeated name or an index out of range.
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
            raise ValueError(f"skeleton: {joints} names but {len(self.parents)} parents; give one parent per joint")
        if len(set(self.names)) != joints:
            raise ValueError("skeleton: a joint name is repeated; names must be unique")
        roots = [name for name, parent in zip(self.names, self.parents, strict=True) if parent == -1]
        if len(roots) != 1:
            raise ValueError(f"skeleton: one joint must have parent -1 (the root), found {len(roots)}: {roots}")
        flips = [joint for pair in self.flip_pairs for joint in pair]
        if not all(-1 <= p < joints for p in self.parents) or not all(0 <= j < joints for j in flips):
            raise ValueError(f"skeleton: a parent or flip index is outside 0..{joints - 1}")
        if len(set(flips)) != len(flips):
            raise ValueError("skeleton: a joint is in two flip pairs")
        upward = TopologicalSorter(dict.fromkeys(range(joints), ()))
        for joint, parent in enumerate(self.parents):
            upward.add(parent, joint)
        try:
            upward.prepare()
        except CycleError as error:
            cycle = " -> ".join(self.names[joint] for joint in error.args[1])
            raise ValueError(f"skeleton: the parents form a cycle: {cycle}") from None

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def root(self) -> int:
        """Index of the root joint."""
        return self.parents.index(-1)

    @cached_property
    def ancestry(self) -> tuple[tuple[int, ...], ...]:
        """For each joint, the joint itself and its ancestors up to and with the root."""

        def walk_to_root(joint: int) -> Iterator[int]:
            while joint != -1:
                yield joint
                joint = self.parents[joint]

        return tuple(tuple(walk_to_root(joint)) for joint in range(len(self)))

    @property
    def can_mirror(self) -> bool:
        """Whether it is known what the joints of a mirrored image are; if not, none is used."""
        return bool(self.flip_pairs) or self.same_in_mirror

    @cached_property
    def flip_permutation(self) -> tuple[int, ...]:
        """Index of each joint's mirror image; a joint off every pair maps to itself."""
        mirrored = {one: other for pair in self.flip_pairs for one, other in (pair, pair[::-1])}
        return tuple(mirrored.get(joint, joint) for joint in range(len(self)))

    @cached_property
    def sides(self) -> tuple[str, ...]:
        """`right`, `left` or `center` for each joint: the person's side, as the flip pairs (right, left) give it."""
        sides = {joint: side for pair in self.flip_pairs for joint, side in zip(pair, ("right", "left"), strict=True)}
        return tuple(sides.get(joint, "center") for joint in range(len(self)))

    def index(self, name: str) -> int:
        """Index of the joint called `name`. Raises ValueError for an unknown name."""
        if name not in self.names:
            raise ValueError(f"unknown joint '{name}'; this skeleton has {', '.join(self.names)}")
        return self.names.index(name)


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

# COCO's keypoints and sigmas. It labels no trunk: the shoulders hang on the nose and the hips on the shoulders.
COCO17 = Skeleton(
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
)  # fmt: skip

SKELETONS = {"mpii": MPII, "coco17": COCO17}


def get_skeleton(skeleton: str | Skeleton) -> Skeleton:
    """The skeleton of that name in `SKELETONS`, or the one given. Raises ValueError for another name."""
    if isinstance(skeleton, str) and skeleton not in SKELETONS:
        raise ValueError(f"unknown skeleton '{skeleton}'; choose {' or '.join(SKELETONS)}, or give a Skeleton")
    return SKELETONS[skeleton] if isinstance(skeleton, str) else skeleton
