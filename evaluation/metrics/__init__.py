"""The metrics; here is what the tables and the report take of them beside what `evaluation` exports."""

# ruff: noqa: F401

from evaluation.metrics.bootstrap import DEFAULT_BOOTSTRAP, Estimate, estimates, find_beyond_chance, totals
from evaluation.metrics.calibration import Calibration, calibrate, correct_joints, cross_fit
from evaluation.metrics.conventions import PCKH, SHORT, Measure, joint_groups, name_kind
from evaluation.metrics.errors import joint_errors, placement, relative_errors
from evaluation.metrics.evaluate import compare, person_errors, score_means
from evaluation.metrics.ground_truth import CROP, GroundTruth, has_size, nan_mean, ratio
from evaluation.metrics.json_format import Json, difference_to_json, scores_to_json, to_block, to_json
from evaluation.metrics.kinds import KINDS, SIMILARITIES
from evaluation.metrics.scores import METRICS, Scores
