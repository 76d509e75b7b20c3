"""Joints or bones: the five methods (Table 1), and the paper's reason for them (Figure 1): their spreads."""

import numpy as np
from numpy.typing import ArrayLike

from evaluation.metrics import CROP, Estimate, name_kind, nan_mean
from evaluation.report import plots
from evaluation.report.material import Section
from evaluation.report.published import PAPER, PAPER_NAMES
from evaluation.report.skeletons import draw_poses
from evaluation.report.tables import Cell, Table
from heads.pairs import METHODS, get_pairs
from heads.skeleton import MPII, Skeleton

OTHERS = (5, 6)  # looks that the first five methods do not have


def pose_std(joints: ArrayLike, skeleton: Skeleton = MPII) -> np.ndarray:
    """Standard deviations over people, in the unit of the poses given; NaN if fewer than two people count.

    Args:
        joints: (N, K, D) true joints in one frame, for the paper's figure that of the 224 crop, or mm relative to the
            pelvis; NaN if not annotated.
        skeleton: names and parents of the K joints.

    Returns:
        (2, K) of the position of a joint, the square root of its variance summed over coordinates; and of the bone from
        the joint to its parent, likewise; the root's bone is its own position.
    """
    joints = np.array(joints, dtype=np.float64)
    joints[~np.isfinite(joints).all(axis=-1)] = np.nan
    bones = joints[:, np.array(skeleton.parents)] - joints
    bones[:, skeleton.root] = joints[:, skeleton.root]
    values = np.stack([joints, bones], axis=1)
    count = np.isfinite(values).all(axis=-1).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(count, 1)[..., None]
    variance = np.nansum((values - mean) ** 2, axis=(0, 3)) / np.maximum(count, 1)
    return np.where(count > 1, np.sqrt(variance), np.nan)


def average_kinds(std: np.ndarray, skeleton: Skeleton = MPII) -> dict[str, dict[str, float]]:
    """Joint kind -> {"joint", "bone"} of (2, K) deviations, left and right averaged, as the paper's figure shows them.

    A kind of which a joint or a bone is not known (LSP has no thorax) is left out. A root with a mirror image does not
    count in their kind: what it has for a bone is none.
    """
    kinds: dict[str, list[int]] = {}
    for index in range(len(skeleton)):
        if index != skeleton.root or skeleton.sides[index] == "center":
            kinds.setdefault(name_kind(index, skeleton), []).append(index)
    means = {kind: std[:, rows].mean(axis=1).tolist() for kind, rows in kinds.items()}
    return {kind: {"joint": both[0], "bone": both[1]} for kind, both in means.items() if np.isfinite(both).all()}


def make_section(
    joints: np.ndarray | None, skeleton: Skeleton = MPII, training: bool = False, dimensions: int = 2
) -> Section:
    """Table 1, and Figure 1, left and right; in 3D Figure 1, middle.

    Args:
        joints: (N, K, D) true joints, NaN if not annotated: in 2D in pixels of the 224 crop; in 3D in mm relative to
            the root, which has no value of its own. None if nobody was given.
        skeleton: of the joints.
        training: whether they are the training people's.
        dimensions: D.
    """
    flat, figures, pictures, kinds = dimensions == 2, {}, [], {}
    what, more = ("annotations", " with a center and a scale") if flat else ("people with depth", " and a camera")
    text = f"No {what}{more} were given to measure it on."
    if joints is not None:
        std = pose_std(joints, skeleton)
        if not flat:  # the root has no value of its own
            std[0, skeleton.root] = np.nan
        kinds = average_kinds(std, skeleton)
    if kinds and flat:
        caption = "The mean pose. A bone leads from its joint to the parent, B_k = J_parent(k) - J_k (Eq. 4)."
        canvas = np.full((CROP, CROP, 3), 255, np.uint8)
        pictures.append((caption, draw_poses(canvas, nan_mean(joints, axis=0), skeleton=skeleton)))
    if kinds:
        people = np.isfinite(joints).all(axis=-1).any(axis=1).sum()
        steadier = sum(both["bone"] < both["joint"] for both in kinds.values())
        whose = "training people" if training else f"validation people (no training {what} were given)"
        text = (
            f"The paper's reason to regress bones: over {people:,} {whose}, {steadier} of the {len(kinds)} kinds of "
            f"bone vary less than the joint they lead to{'' if flat else ', relative to the root'}."
        )
        bars = {
            name: {kind: Estimate(both[key]) for kind, both in kinds.items()}
            for key, name in (("joint", "joint"), ("bone", "bone to its parent"))
        }
        title, unit = "Standard deviation of joints and of bones over people", "px of the 224 crop" if flat else "mm"
        plot = plots.joint_dots(bars, title, f"standard deviation ({unit})", OTHERS)
        figures["figure1" if flat else "figure1-3d"] = "Left and right averaged.", plot
    facts = {"figure1": kinds}
    if not flat:
        return Section("Figure 1, middle: joints against bones in 3D", (text,), figures=figures, facts={"3d": facts})
    tables = {"table1": methods_table(skeleton)}
    return Section("Table 1 and Figure 1: joints against bones", (text,), tables, figures, pictures, facts=facts)


def methods_table(skeleton: Skeleton = MPII) -> Table:
    """Table 1 of the paper: what a method's network predicts, and its loss; and how many pairs that compares here."""
    counts = {name: Cell(len(get_pairs(method.pairs, skeleton)), digits=0) for name, method in METHODS.items()}
    rows = [(name, PAPER_NAMES[name], one.representation, one.loss, counts[name]) for name, one in METHODS.items()]
    note = (
        f"As in {PAPER}, Table 1; J: joints, B: bones, P: the pairs of joints whose relative positions are "
        "compared. The origin is in all of the sets here; the paper writes P_all without it."
    )
    return Table("The five methods", ("", "In the paper", "CNN prediction", "Loss", "Pairs"), tuple(rows), note=note)
