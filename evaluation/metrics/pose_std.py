"""Figure 1 of the paper, middle (3D) and right (2D): the standard deviation of joints over people, and of bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from heads.skeleton import MPII, Skeleton


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
    parents = np.array(skeleton.parents)
    bones = joints[:, parents] - joints
    bones[:, skeleton.root] = joints[:, skeleton.root]
    return PoseStd(_std(joints), _std(bones))


def name_kind(joint: int, skeleton: Skeleton) -> str:
    """`ankle` for r_ankle and l_ankle, what the names of a flip pair share after their first underscore.

    Else what they share before their last one (`ankle_right`), or both names. A joint off every flip pair is its own
    kind. Spaces for underscores.
    """
    pair = next((pair for pair in skeleton.flip_pairs if joint in pair), (joint,))
    names = [skeleton.names[side] for side in pair]
    shared = [{name.partition("_")[2] for name in names}, {name.rpartition("_")[0] for name in names}]
    kind = next((min(parts) for parts in shared if len(parts) == 1 < len(names)), "") or " and ".join(names)
    return kind.replace("_", " ")


def _std(values: np.ndarray) -> np.ndarray:
    """(K,) root of the variance over people, summed over coordinates."""
    count = np.isfinite(values).all(axis=-1).sum(axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(count, 1)[:, None]
    variance = np.nansum((values - mean) ** 2, axis=(0, 2)) / np.maximum(count, 1)
    return np.where(count > 1, np.sqrt(variance), np.nan)
