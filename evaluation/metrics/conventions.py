"""The four ways in which published PCKh figures were counted, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from checkpoints.errors import PoseError

# Group -> how its joints' names end. Left and right, `r_knee` and `l_knee`, fall into one group in any skeleton.
# The Head group is the convention's own.
LIMB_GROUPS = {
    "Shoulder": ("shoulder",),
    "Elbow": ("elbow",),
    "Wrist": ("wrist",),
    "Hip": ("hip",),
    "Knee": ("knee",),
    "Ankle": ("ankle",),
}
GROUPS = ("Head", *LIMB_GROUPS, "Mean")
OUTSIDE_MEAN = ("pelvis", "thorax")
UPPER_BODY = ("shoulder", "elbow", "wrist")


@dataclass(frozen=True)
class Convention:
    """One toolkit's way to count PCKh.

    Attributes:
        name: what `--convention` takes.
        toolkit: whose figures it reproduces.
        annotations: the annotation file that the toolkit scores against. It is the caller who hands it over.
        strict: a joint is correct at distance < threshold; otherwise at distance <= threshold.
        head: name endings of the joints whose mean is the Head group.
        mean: 'micro', the share of correct joints among all annotated ones of the Mean; 'macro', the mean of
            the joints' own percentages.
        label_01: the threshold behind the column that the toolkit calls "@0.1"; None where it has no such
            column. Documentation: @0.1 is 0.10 here under every convention.
        publishes_auc: the toolkit reports the area under the curve.
    """

    name: str
    toolkit: str
    annotations: str
    strict: bool
    head: tuple[str, ...]
    mean: Literal["micro", "macro"]
    label_01: float | None
    publishes_auc: bool

    def correct(self, distances: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
        """Which normalized distances are correct at `threshold` (broadcast together); a NaN never is."""
        return distances < threshold if self.strict else distances <= threshold


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            name="official",
            toolkit="MPII's MATLAB toolkit",
            annotations="the exact .mat",
            strict=False,
            head=("neck", "head_top"),
            mean="micro",
            label_01=0.10,
            publishes_auc=True,
        ),
        Convention(
            name="hrnet",
            toolkit="HRNet and SimpleBaselines",
            annotations="gt_valid.mat",
            strict=False,
            head=("head_top",),
            mean="micro",
            label_01=0.11,
            publishes_auc=False,
        ),
        Convention(
            name="mmpose",
            toolkit="mmpose 1.x",
            annotations="the JSON, exact",
            strict=True,
            head=("head_top",),
            mean="micro",
            label_01=0.10,
            publishes_auc=False,
        ),
        Convention(
            name="pytorch-pose",
            toolkit="pytorch-pose",
            annotations="gt_valid.mat",
            strict=True,
            head=("head_top",),
            mean="macro",
            label_01=None,
            publishes_auc=False,
        ),
    )
}


def get_convention(convention: str | Convention) -> Convention:
    """The convention of that name; a `Convention` passes through. Raises PoseError for an unknown name."""
    if isinstance(convention, Convention):
        return convention
    if convention not in CONVENTIONS:
        raise PoseError(f"unknown convention '{convention}'; choose one of {', '.join(CONVENTIONS)}")
    return CONVENTIONS[convention]


def members(joint_names: tuple[str, ...], endings: tuple[str, ...]) -> np.ndarray:
    """(K,) bool: the joints whose names end in one of `endings`."""
    return np.array([name.endswith(endings) for name in joint_names], dtype=bool)
