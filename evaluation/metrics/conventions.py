"""How PCK is counted, as data: in head sizes (PCKh), torsos or boxes, and the ways of four toolkits."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import Skeleton

# Group -> how its joints' names end, for skeletons without groups of their own. Left and right, `r_knee` and `l_knee`,
# are one group. The Head group is the convention's own.
LIMB_GROUPS = {group: (group.lower(),) for group in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")}
OUTSIDE_MEAN = ("pelvis", "thorax")
SHORT = {"Shoulder": "Sho.", "Elbow": "Elb.", "Wrist": "Wri.", "Ankle": "Ank."}  # as in Table 8


@dataclass(frozen=True)
class Convention:
    """One toolkit's way to count PCKh.

    Attributes:
        name: what `--convention` takes.
        strict: a joint is correct at distance < threshold; otherwise at distance <= threshold.
        head: name endings of the joints whose mean is the Head group.
        mean: 'micro', the share of correct joints among all annotated ones of the Mean; 'macro', the mean of
            the joints' own percentages.
    """

    name: str
    strict: bool
    head: tuple[str, ...]
    mean: Literal["micro", "macro"]

    def correct(self, distances: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
        """Which normalized distances are correct at `threshold` (broadcast together); a NaN never is."""
        return distances < threshold if self.strict else distances <= threshold


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention("official", False, ("neck", "head_top"), "micro"),  # MPII's MATLAB toolkit
        Convention("hrnet", False, ("head_top",), "micro"),  # HRNet and SimpleBaselines
        Convention("mmpose", True, ("head_top",), "micro"),  # mmpose 1.x
        Convention("pytorch-pose", True, ("head_top",), "macro"),
    )
}


def get_convention(convention: str | Convention) -> Convention:
    """The convention of that name; a `Convention` passes through. Raises PoseError for an unknown name."""
    known = CONVENTIONS.get(convention, convention)
    if not isinstance(known, Convention):
        raise PoseError(f"unknown convention '{convention}'; choose one of {', '.join(CONVENTIONS)}")
    return known


def members(joint_names: tuple[str, ...], endings: tuple[str, ...]) -> np.ndarray:
    """(K,) bool: the joints whose names end in one of `endings`."""
    return np.array([name.endswith(endings) for name in joint_names], dtype=bool)


def joint_groups(skeleton: Skeleton, head: tuple[str, ...] = ("neck", "head_top")) -> dict[str, np.ndarray]:
    """Group -> (K,) bool, its joints: the skeleton's own groups, else those of MPII's tables that have a joint.

    Args:
        head: name endings of the Head group, a convention's own.
    """
    if skeleton.groups:
        return {group: np.isin(skeleton.names, joints) for group, joints in skeleton.groups}
    groups = {group: members(skeleton.names, ends) for group, ends in {"Head": head, **LIMB_GROUPS}.items()}
    return {group: joints for group, joints in groups.items() if joints.any()}


def select_mean(skeleton: Skeleton) -> np.ndarray:
    """(K,) bool: joints of the Mean, all of a skeleton with groups of its own; else all but pelvis and thorax."""
    return np.ones(len(skeleton), bool) if skeleton.groups else ~members(skeleton.names, OUTSIDE_MEAN)


@dataclass(frozen=True)
class Measure:
    """A joint is correct within a fraction of a length of the person.

    Attributes:
        key: what `--metric` takes.
        name: of the metric.
        unit: of its thresholds, in words; one of them is `one`.
        one: the length.
        size: the length in JSON's words.
        thresholds: the fractions that are reported; the first one is the metric's own.
    """

    key: str
    name: str
    unit: str
    one: str
    size: str
    thresholds: tuple[float, ...]

    @property
    def main(self) -> float:
        """The threshold of the tables."""
        return self.thresholds[0]

    @property
    def title(self) -> str:
        """`PCKh@0.5`, `PCK@0.2`."""
        return f"{self.name}@{self.main:g}"

    @property
    def block(self) -> str:
        """The key in JSON: `pckh`, `pck`."""
        return self.name.lower()

    def name_at(self, threshold: float) -> str:
        """The name in `Scores` at a threshold: `pckh@0.5`."""
        return f"{self.block}@{threshold:g}"

    @property
    def note(self) -> str:
        """` of the torso`: what its name does not tell; empty for PCKh."""
        return "" if self.name == "PCKh" else f" of the {self.one}"


PCKH = Measure("pckh", "PCKh", "head sizes", "head size", "head_size", (0.5, 0.1))  # Andriluka et al., CVPR 2014
TORSO = Measure("torso", "PCK", "torso lengths", "torso", "torso", (0.2, 0.1))  # LSP's: left shoulder to right hip
# At 0.2 a mean pose has over 90 %.
BOX = Measure("box", "PCK", "box sides", "longer side of the box", "box", (0.05, 0.1))
MEASURES = {measure.key: measure for measure in (PCKH, TORSO, BOX)}


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
