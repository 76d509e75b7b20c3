"""Metrics and their scores: what is a mean, or a standard deviation, over joints or bones of people, as data.

PCKh, which is a share of joints, has a module of its own, `pckh`; so have the kinds of error, `kinds`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.metrics.angle_limits import ANGLES, illegal_angles
from evaluation.metrics.bootstrap import Bootstrap, Estimate, estimates, split_rows
from evaluation.metrics.conventions import Measure
from evaluation.metrics.errors import bone_errors, bone_lengths, bone_names, joint_errors, pa_joint_errors
from evaluation.metrics.ground_truth import CROP, GroundTruth, has_size, ratio
from heads.skeleton import CROP_SIDE, Skeleton

if TYPE_CHECKING:
    import pandas

Arrays = dict[str, np.ndarray]  # what a `Score` has, (S, ...) each: a dataset's in row 0, its resamples' below
Measured = dict[str, tuple[Arrays, Mapping[str, Sequence], dict[str, int], int]]  # metric -> what `to_score` takes


@dataclass(frozen=True)
class Score:
    """One metric, or the difference of two.

    Attributes:
        overall: over all joints (bones, angles) of all people; of Bone Std, over subjects and bones; of PCKh, the Mean;
            of its curve, the area under it from 0 to 0.5 by trapezoids, over its width: 100 for a perfect prediction.
        per_part: joint (or the bone's child joint) -> the same of it alone.
        counts: joint (or the bone's child joint) -> people it was counted for.
        count: joints (or bones) that `overall` is the mean of.
        groups: what else, by the keys of JSON. PCKh: 'groups' (Head, Shoulder, ... or the skeleton's own, Mean),
            'upper_body' (shoulders, elbows and wrists together: the official toolkit's "UBody"); its curve: 'curve'
            (threshold -> the Mean). Kinds of error: 'groups', and 'parts', over the joints of the Mean: 'small',
            'medium' and 'large', thirds of the people by size, 'occluded' and 'visible' joints. In 3D: 'action_mean'
            (the mean of the actions, each alike: the "Avg" of Tables 4 to
            6), 'per_action' and 'per_subject' (all joints, people and subjects or actions together; {} where unknown,
            and Bone Std has no actions), 'per_kind' (right and left together, the rows of Table 3).
    """

    overall: Estimate
    per_part: dict[str, Estimate]
    counts: dict[str, int] = field(default_factory=dict)
    count: int = 0
    groups: dict[str, Estimate | dict[str, Estimate]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """All metrics of a set of predictions, or the differences of two sets: `scores["joint_error"].overall.value`.

    Attributes:
        people: people evaluated.
        metrics: name -> score: those of `METRICS`, in 2D also PCKh by threshold ('pckh@0.5', 'pck@0.2'), its curve
            ('pckh_curve'), and the shares of kinds of error ('kind_swap').
        left_out: why -> people whom a metric leaves out: 'without_head_size' (or 'without_torso', 'without_box') PCKh,
            'without_scale' errors in crop pixels, 'without_root' Joint Error, 'unaligned' (fewer than 3 joints) PA.
        sequences: what the bootstrap draws.
        convention: the name of how PCKh was counted; '' in 3D.
        measure: what PCK is counted in; None in 3D.
        protocol: of the ground truth, in words; '' if it is not known.
        bootstrap: how the confidence intervals were drawn; None without.
        by_oks: whether kinds of error are by OKS.
    """

    people: int
    metrics: dict[str, Score]
    left_out: dict[str, int]
    sequences: int
    convention: str = ""
    measure: Measure | None = None
    protocol: str = ""
    bootstrap: Bootstrap | None = None
    by_oks: bool = False

    def __getitem__(self, name: str) -> Score:
        return self.metrics[name]

    @property
    def dimensions(self) -> int:
        """2, or 3."""
        return 3 if self.measure is None else 2

    @property
    def pckh(self) -> Score:
        """PCKh@0.5, or PCK at its measure's own threshold; KeyError if that was not asked for."""
        return self.metrics[self.measure.name_at(self.measure.main)]

    @property
    def mean_pckh(self) -> Estimate:
        """The Mean of it."""
        return self.pckh.overall

    @property
    def thresholds(self) -> dict[float, Score]:
        """Threshold -> PCKh there."""
        return {float(name.partition("@")[2]): score for name, score in self.metrics.items() if "@" in name}

    def negate(self) -> "Scores":
        """The difference the other way round."""
        turned = {
            name: replace(score, **{key: _negate(getattr(score, key)) for key in ("overall", "per_part", "groups")})
            for name, score in self.metrics.items()
        }
        return replace(self, metrics=turned)

    def to_frame(self) -> "pandas.DataFrame":
        """A row per estimate: `metric`, `group` ('overall', 'per_part' or a key of `Score.groups`), `part` ('' where
        there is one value), `value`, `low`, `high`, NaN if undefined. Raises ImportError without pandas.
        """
        import pandas

        rows = [
            (metric, group, part, each.value, each.low, each.high)
            for metric, score in self.metrics.items()
            for group, values in {"overall": score.overall, "per_part": score.per_part, **score.groups}.items()
            for part, each in (values if isinstance(values, dict) else {"": values}).items()
        ]
        frame = pandas.DataFrame(rows, columns=["metric", "group", "part", "value", "low", "high"])
        return frame.astype(dict.fromkeys(("value", "low", "high"), float))


def to_score(arrays: Arrays, names: Mapping[str, Sequence], counts: dict[str, int], count: int) -> Score:
    """Arrays by name, the rows below the first as confidence intervals.

    Args:
        arrays: 'overall' (S,), 'per_part' (S, P), and what goes into `groups`, (S,) or (S, G).
        names: of the columns of each array that has some.
        counts, count: of the score.
    """
    fields = {}
    for key, values in arrays.items():
        each = estimates(values)
        fields[key] = dict(zip(names[key], each, strict=True)) if values.ndim > 1 else each.item()
    return Score(fields.pop("overall"), fields.pop("per_part", {}), counts, count, fields)


def _negate(node: Any) -> Any:
    """A tree of estimates with the opposite sign; 0 has none."""
    if isinstance(node, dict):
        return {key: _negate(child) for key, child in node.items()}
    return Estimate(*(value and -value for value in (node.value, node.high, node.low)))


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
        if self.unit != "crop_px":
            return values
        return values * ratio(CROP, CROP_SIDE * np.where(has_size(gt.scale), gt.scale, 0))[:, None]

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
