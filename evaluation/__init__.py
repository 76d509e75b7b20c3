"""PCKh, joint and bone error with confidence intervals; tables, plots and the report.

Poses in 3D have metrics of their own, in mm: `evaluate_3d` and `compare_3d` with `GroundTruth3D`; `mpjpe` and `p_mpjpe`
of plain arrays.

An example that runs:

    import numpy as np
    from evaluation import Bootstrap, GroundTruth, compare, evaluate

    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 400, (100, 16, 2))  # image pixels; NaN for a joint that is not annotated
    gt = GroundTruth(joints, head_size=np.full(100, 50.0), scale=np.full(100, 2.0))
    coarse, fine = joints + rng.normal(0, 20, joints.shape), joints + rng.normal(0, 10, joints.shape)

    scores = evaluate(fine, gt, bootstrap=Bootstrap())
    print(scores.pckh.groups[0.5]["Mean"])  # Estimate(value=..., low=..., high=...), %
    print(scores.bone_error.image_px.value, scores.joint_error.per_part["l_wrist"].crop_px.interval)
    print(compare(fine, coarse, gt).joint_error.image_px)  # the paired difference, pixels
"""

from evaluation.metrics.angle_limits import AngleLimits, illegal_angles, load_angle_limits
from evaluation.metrics.bone_lengths import bone_std
from evaluation.metrics.bootstrap import Bootstrap, Estimate
from evaluation.metrics.conventions import CONVENTIONS, Convention
from evaluation.metrics.distances import MeanError, PixelError, bone_error, joint_error
from evaluation.metrics.evaluate import Scores, compare, evaluate
from evaluation.metrics.evaluate_3d import Score3D, Scores3D, compare_3d, evaluate_3d
from evaluation.metrics.inputs import GroundTruth
from evaluation.metrics.inputs_3d import GroundTruth3D
from evaluation.metrics.measures import MEASURES, Measure
from evaluation.metrics.mpjpe import mpjpe, p_mpjpe, rigid_align
from evaluation.metrics.oks import OksScores, oks_scores
from evaluation.metrics.pckh import PCKh, PCKhMetric, pckh
from evaluation.metrics.sequences import SequenceErrors, sequence_errors

__all__ = [
    "CONVENTIONS",
    "MEASURES",
    "AngleLimits",
    "Bootstrap",
    "Convention",
    "Estimate",
    "GroundTruth",
    "GroundTruth3D",
    "MeanError",
    "Measure",
    "OksScores",
    "PCKh",
    "PCKhMetric",
    "PixelError",
    "Score3D",
    "Scores",
    "Scores3D",
    "SequenceErrors",
    "bone_error",
    "bone_std",
    "compare",
    "compare_3d",
    "evaluate",
    "evaluate_3d",
    "illegal_angles",
    "joint_error",
    "load_angle_limits",
    "mpjpe",
    "oks_scores",
    "p_mpjpe",
    "pckh",
    "rigid_align",
    "sequence_errors",
]
