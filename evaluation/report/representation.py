"""Joints or bones: the five methods (Table 1), and the paper's reason for them (Figure 1): the tree and its spreads."""

from dataclasses import dataclass
from itertools import count

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from evaluation.metrics.conventions import name_kind
from evaluation.metrics.json_format import Json
from evaluation.report import plots
from evaluation.report.page import Section
from evaluation.report.published import PAPER, PAPER_NAMES
from evaluation.report.tables import Cell, Table
from heads.pairs import METHODS, get_pairs
from heads.skeleton import MPII, Skeleton

SIDES = ("right", "center", "left")  # of a joint's children, from above
ROW, LABEL = 0.42, 5  # inches between two rows of joints; points from a joint to its name
Kinds = dict[str, tuple[float, float]]  # of joint -> standard deviation of it, and of its bone
DEEP = 6  # bones to the origin that leave room for names of two words in a line


@dataclass(frozen=True)
class PoseStd:
    """Standard deviations over people, in the unit of the poses given; NaN if fewer than two people count.

    Attributes:
        joint: (K,) of a joint's position: the square root of its variance summed over coordinates.
        bone: (K,) of the bone from the joint to its parent, likewise; the root's bone is its own position.
    """

    joint: np.ndarray
    bone: np.ndarray

    def by_kind(self, skeleton: Skeleton = MPII) -> dict[str, tuple[float, float]]:
        """Joint kind -> (joint, bone), left and right averaged, as the paper's figure shows them.

        A kind of which a joint or a bone is not known (LSP has no thorax) is left out. A root with a mirror image does
        not count in their kind: what it has for a bone is none.
        """
        kinds: dict[str, list[int]] = {}
        for index in range(len(skeleton)):
            if index != skeleton.root or skeleton.sides[index] == "center":
                kinds.setdefault(name_kind(index, skeleton), []).append(index)
        means = {kind: (float(self.joint[rows].mean()), float(self.bone[rows].mean())) for kind, rows in kinds.items()}
        return {kind: pair for kind, pair in means.items() if np.isfinite(pair).all()}


def pose_std(joints: ArrayLike, skeleton: Skeleton = MPII) -> PoseStd:
    """The standard deviation of joints and bones over people.

    Args:
        joints: (N, K, D) true joints in one frame, for the paper's figure that of the 224 crop, or mm relative to the
            pelvis; NaN if not annotated.
        skeleton: names and parents of the K joints.
    """
    joints = np.array(joints, dtype=np.float64)
    joints[~np.isfinite(joints).all(axis=-1)] = np.nan
    bones = joints[:, np.array(skeleton.parents)] - joints
    bones[:, skeleton.root] = joints[:, skeleton.root]
    return PoseStd(_std(joints), _std(bones))


def _std(values: np.ndarray) -> np.ndarray:
    """(K,) root of the variance over people, summed over coordinates."""
    count = np.isfinite(values).all(axis=-1).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(count, 1)[:, None]
    variance = np.nansum((values - mean) ** 2, axis=(0, 2)) / np.maximum(count, 1)
    return np.where(count > 1, np.sqrt(variance), np.nan)


def make_section(joints: np.ndarray | None, skeleton: Skeleton = MPII, training: bool = False) -> Section:
    """Table 1, and Figure 1, left and right.

    Args:
        joints: (N, K, 2) true joints in pixels of the 224 crop, NaN if not annotated; None if nobody was given.
        skeleton: of the joints.
        training: whether they are the training people's.
    """
    caption = (
        "An arrow is the bone of the joint where it starts, B_k = J_parent(k) - J_k (Eq. 4); orange: right, blue: left."
    )
    figures = {"figure1-tree": (caption, skeleton_tree(skeleton))}
    text = "No annotations with a center and a scale were given to measure how much joints and bones vary."
    kinds, people = average_std(joints, skeleton)
    if kinds:
        whose = "training people" if training else "validation people (no training annotations were given)"
        text = f"The paper's reason to regress bones: over {people:,} {whose}, {count_steadier(kinds)}."
        figures["figure1"] = ("Left and right averaged.", plots.std_bars(kinds))
    heading, tables = "Table 1 and Figure 1: joints against bones", {"table1": methods_table(skeleton)}
    return Section(heading, (text,), tables, figures, facts={"figure1": kinds_to_json(kinds)})


def make_depth_section(joints: np.ndarray | None, skeleton: Skeleton = MPII, training: bool = False) -> Section:
    """Figure 1, middle; a sentence if nobody was measured.

    Args:
        joints: (N, K, 3) true joints in mm relative to the root, which has no value of its own. The others: see
            `make_section`.
    """
    figures, text = {}, "No people with depth and a camera were given to measure it on."
    kinds, people = average_std(joints, skeleton)
    if kinds:
        whose = "training people" if training else "validation people (no training people with depth were given)"
        steadier = f"{count_steadier(kinds)} (a bone at the root is its joint)"
        text = f"Over {people:,} {whose}, relative to the root, {steadier}."
        figures = {"figure1-3d": ("Left and right averaged, mm.", plots.std_bars(kinds, "mm"))}
    heading, facts = "Figure 1, middle: joints against bones in 3D", {"3d": {"figure1": kinds_to_json(kinds)}}
    return Section(heading, (text,), figures=figures, facts=facts)


def average_std(joints: np.ndarray | None, skeleton: Skeleton) -> tuple[Kinds, int]:
    """Kind -> standard deviation of joint and bone, {} if there is none; and of how many people."""
    if joints is None or not (annotated := np.isfinite(joints).all(axis=-1)).any():
        return {}, 0
    std = pose_std(joints, skeleton)
    if joints.shape[-1] == 3:
        std.joint[skeleton.root] = np.nan
    return std.by_kind(skeleton), int(annotated.any(axis=1).sum())


def count_steadier(kinds: Kinds) -> str:
    """How many bones vary less than their joint, in words."""
    steadier = sum(bone < joint for joint, bone in kinds.values())
    return f"{steadier} of the {len(kinds)} kinds of bone vary less than the joint they lead to"


def kinds_to_json(kinds: Kinds) -> Json:
    """{kind: {"joint", "bone"}}."""
    return {kind: {"joint": joint, "bone": bone} for kind, (joint, bone) in kinds.items()}


def methods_table(skeleton: Skeleton = MPII) -> Table:
    """Table 1 of the paper: what a method's network predicts, and its loss; and how many pairs that compares here."""
    counts = {name: Cell(len(get_pairs(method.pairs, skeleton)), digits=0) for name, method in METHODS.items()}
    rows = [(name, PAPER_NAMES[name], one.representation, one.loss, counts[name]) for name, one in METHODS.items()]
    note = (
        f"As in {PAPER}, Table 1; J: joints, B: bones, P: the pairs of joints whose relative positions are "
        "compared. The origin is in all of the sets here; the paper writes P_all without it."
    )
    return Table("The five methods", ("", "In the paper", "CNN prediction", "Loss", "Pairs"), tuple(rows), note=note)


def skeleton_tree(skeleton: Skeleton = MPII) -> Figure:
    """Figure 1 of the paper, left: joints, and each one's bone, an arrow from it to its parent (Eq. 4).

    The tree lies on its side, the origin J_0 at the left: a column has joints as many bones away from it.
    """
    places = tree_places(skeleton)
    rows = np.ptp(places[:, 1])
    figure = Figure(figsize=(plots.WIDTH, 1.2 + ROW * rows), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    colors = [plots.SIDES[side] for side in skeleton.sides]
    origin = (0.0, places[skeleton.root, 1])
    ends = np.array([origin if parent == -1 else places[parent] for parent in skeleton.parents])
    for start, end, color in zip(places, ends, colors, strict=True):
        style = {"arrowstyle": "-|>", "color": color, "shrinkA": 3, "shrinkB": 4}
        style["linestyle"] = ":" if tuple(end) == origin else "-"
        axes.annotate("", xy=end, xytext=start, arrowprops=style)
    axes.scatter(*places.T, 22, colors, zorder=3)
    axes.scatter(*origin, 22, "white", edgecolors="black", marker="s", zorder=3)
    space = " " if places[:, 0].max() <= DEEP else "\n"
    joints = zip(skeleton.names, places, ends[:, 1] - places[:, 1], strict=True)
    for joint, (name, (x, y), rise) in enumerate([*joints, ("origin", origin, 0)]):
        above = rise > 0 or (rise == 0 and x % 2 == 0)  # away from its bone; neighbors in a chain do not meet
        branches = skeleton.parents.count(joint) > 1  # whose arrows come from the right
        place = {"xytext": (0, LABEL if above else -LABEL), "textcoords": "offset points"}
        place |= {"ha": "right" if branches else "center", "va": "bottom" if above else "top"}
        halo = [withStroke(linewidth=2, foreground="white")]
        axes.annotate(name.replace("_", space), (x, y), fontsize="x-small", path_effects=halo, **place)
    axes.set(xlim=(-0.5, places[:, 0].max() + 0.5), ylim=(rows + 0.6, -0.6))
    return figure


def tree_places(skeleton: Skeleton) -> np.ndarray:
    """(K, 2) where joints stand in the drawn tree: bones to the origin, and a row, the middle of their children's."""
    children: dict[int, list[int]] = {joint: [] for joint in range(-1, len(skeleton))}
    for joint in sorted(range(len(skeleton)), key=lambda joint: SIDES.index(skeleton.sides[joint])):
        children[skeleton.parents[joint]].append(joint)
    rows, leaves = np.zeros(len(skeleton)), count()

    def place(joint: int) -> float:
        below = [place(child) for child in children[joint]]
        rows[joint] = (below[0] + below[-1]) / 2 if below else next(leaves)
        return rows[joint]

    place(skeleton.root)
    return np.column_stack([[len(path) for path in skeleton.ancestry], rows])
