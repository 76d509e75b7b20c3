"""Metrics of poses in 2D and 3D with confidence intervals; tables, plots and the report.

An example that runs:

    import numpy as np
    from evaluation import Bootstrap, GroundTruth, compare, evaluate

    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 400, (100, 16, 2))  # image pixels; NaN for a joint that is not annotated
    gt = GroundTruth(joints, head_size=np.full(100, 50.0), scale=np.full(100, 2.0))
    coarse, fine = joints + rng.normal(0, 20, joints.shape), joints + rng.normal(0, 10, joints.shape)

    scores = evaluate(fine, gt, bootstrap=Bootstrap())
    print(scores["pckh@0.5"].groups["groups"]["Mean"])  # Estimate(value=..., low=..., high=...), %
    print(scores["bone_error"].overall.value, scores["joint_error_crop"].per_part["l_wrist"].interval)
    print(compare(fine, coarse, gt)["joint_error"].overall)  # the paired difference, pixels

Joints (N, 16, 3) in mm are scored the same way, by the metrics of 3D.
"""

from evaluation.metrics.angle_limits import AngleLimits, illegal_angles, load_angle_limits
from evaluation.metrics.bootstrap import Bootstrap, Estimate
from evaluation.metrics.conventions import CONVENTIONS, MEASURES, PCKH, Convention, Measure
from evaluation.metrics.errors import mpjpe, p_mpjpe, rigid_align, sequence_errors
from evaluation.metrics.evaluate import bone_error, compare, evaluate, joint_error
from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.kinds import KINDS, classify_errors
from evaluation.metrics.oks import OksScores, oks_scores
from evaluation.metrics.pckh import pckh
from evaluation.metrics.scores import METRICS, Metric, Score, Scores
from evaluation.report.suspects import Suspects, rank_suspects
from evaluation.report.tables import format_scores

# What `ief evaluate` prints; tables stand above metrics, so that the two meet here.
Scores.__str__ = lambda scores: format_scores({scores.convention or "predictions": scores})
