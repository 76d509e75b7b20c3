"""The metrics that are means, or standard deviations, over joints or bones of people: as data, in 2D and in 3D.

PCKh, which is a share of joints, has a module of its own, `pckh`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.angle_limits import ANGLES, illegal_angles
from evaluation.metrics.bootstrap import split_rows
from evaluation.metrics.errors import bone_errors, bone_lengths, bone_names, joint_errors, pa_joint_errors
from evaluation.metrics.ground_truth import GroundTruth
from heads.skeleton import Skeleton

# What is measured: predicted joints (n, K, D) and true ones, both NaN if not annotated, of some people of a ground
# truth -> (n, P) in pixels, mm or percent, NaN if not counted.
QUANTITIES: dict[str, Callable[[np.ndarray, np.ndarray, GroundTruth], np.ndarray]] = {
    "joints": lambda pred, true, gt: joint_errors(pred, true, gt.skeleton.root if gt.dimensions == 3 else None),
    "aligned": lambda pred, true, gt: pa_joint_errors(pred, true),
    "scaled": lambda pred, true, gt: pa_joint_errors(pred, true, scale=True),
    "bones": lambda pred, true, gt: bone_errors(pred, true, gt.skeleton),
    "lengths": lambda joints, true, gt: bone_lengths(joints, gt.skeleton),
    "angles": lambda joints, true, gt: 100 * illegal_angles(joints, gt.angle_limits, gt.skeleton),
}


@dataclass(frozen=True)
class Metric:
    """One metric in one unit.

    Attributes:
        name: in `Scores` and in JSON, where '_crop' is cut off.
        head: of its column in a table.
        unit: its key in JSON: 'image_px', 'crop_px', 'mm' or 'percent'.
        part: 'joint', 'bone' or 'angle': what it is measured of.
        quantity: of `QUANTITIES`.
        title: in the words of the paper's Table 3; '' if it is not there.
        std: whether it is the standard deviation over a subject's poses; else it is the mean.
        of_gt: whether it is of the ground truth alone.
    """

    name: str
    head: str
    unit: str
    part: str
    quantity: str
    title: str = ""
    std: bool = False
    of_gt: bool = False

    @property
    def block(self) -> str:
        """The key in JSON, which the same metric in another unit shares."""
        return self.name.removesuffix("_crop")

    @property
    def part_key(self) -> str:
        """The key of its joints or bones in JSON."""
        return "per_bone" if self.part == "bone" else "per_joint"

    def values(self, pred: np.ndarray, gt: GroundTruth) -> np.ndarray:
        """(N, P) the quantity of predictions, or of the ground truth, in the metric's unit."""
        joints, measure = gt.known if self.of_gt else pred, QUANTITIES[self.quantity]
        values = np.concatenate([measure(joints[rows], gt.known[rows], gt) for rows in split_rows(len(gt))])
        return values * gt.crop_factor if self.unit == "crop_px" else values

    def parts(self, skeleton: Skeleton) -> Sequence[str]:
        """P names: joints, the joints that bones lead from, or those with an angle."""
        return {"joint": skeleton.names, "bone": bone_names(skeleton), "angle": ANGLES}[self.part]


# Number of dimensions -> its metrics, in the order of tables.
METRICS = {
    2: (
        Metric("joint_error", "Joint px", "image_px", "joint", "joints"),
        Metric("bone_error", "Bone px", "image_px", "bone", "bones"),
        Metric("joint_error_crop", "Joint crop px", "crop_px", "joint", "joints"),
        Metric("bone_error_crop", "Bone crop px", "crop_px", "bone", "bones"),
    ),
    3: (
        Metric("joint_error", "Joint mm", "mm", "joint", "joints", "Joint Error"),
        Metric("pa_joint_error", "PA Joint mm", "mm", "joint", "aligned", "PA Joint Error"),
        Metric("pa_joint_error_scaled", "PA scaled mm", "mm", "joint", "scaled"),
        Metric("bone_error", "Bone mm", "mm", "bone", "bones", "Bone Error"),
        Metric("bone_std", "Bone Std mm", "mm", "bone", "lengths", "Bone Std", std=True),
        Metric("gt_bone_std", "gt Bone Std mm", "mm", "bone", "lengths", std=True, of_gt=True),
        Metric("illegal_angle", "Illegal %", "percent", "angle", "angles", "Illegal Angle"),
        Metric("gt_illegal_angle", "gt Illegal %", "percent", "angle", "angles", of_gt=True),
    ),
}
