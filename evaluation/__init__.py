"""PCKh, joint and bone error, intervals, tables, plots and the report.

In three lines, on plain arrays (image pixels; NaN where a joint is not annotated):

    from evaluation.metrics import pckh
    result = pckh(pred, gt, head_size)  # (N, 16, 2), (N, 16, 2), (N,)
    print(result.groups[0.5]["Mean"])
"""

from evaluation.metrics.conventions import CONVENTIONS, Convention
from evaluation.metrics.distances import bone_error, joint_error
from evaluation.metrics.evaluate import compare, evaluate, look_up
from evaluation.metrics.pckh import PCKh, PCKhMetric, pckh

__all__ = [
    "CONVENTIONS",
    "Convention",
    "PCKh",
    "PCKhMetric",
    "bone_error",
    "compare",
    "evaluate",
    "joint_error",
    "look_up",
    "pckh",
]
