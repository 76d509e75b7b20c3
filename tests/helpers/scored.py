"""Ground truth and poses of made-up methods, and how tests look at tables."""

import numpy as np
from scattered import noisy_people

from evaluation import Bootstrap

FEW = Bootstrap(30)
# Rows of the paper's Table 3 by the joint's name without its side.
TABLE_3 = {"ankle": "Ankle(->Knee)", "knee": "Knee(->Hip)", "hip": "Hip(->Pelvis)", "thorax": "Thorax(->Pelvis)",
           "upper_neck": "Neck(->Thorax)", "head_top": "Head(->Neck)", "wrist": "Wrist(->Elbow)",
           "elbow": "Elbow(->Shoulder)", "shoulder": "Shoulder(->Thorax)"}  # fmt: skip


def rows_by_section(table):
    """Caption -> first cell -> head -> the other cells."""
    found, caption = {}, ""
    for row in table.rows:
        if len(row) == 1:
            caption = row[0]
        else:
            found.setdefault(caption, {})[row[0]] = dict(zip(table.head[1:], row[1:], strict=True))
    return found


def people_and_poses(dimensions, *noise):
    """Ground truth without gaps, and as many sets of predictions as there are standard deviations of noise."""
    _, gt = noisy_people(60, dimensions, missing=0)
    rng = np.random.default_rng(1)
    return gt, [gt.joints + rng.normal(0, std, gt.joints.shape) for std in noise]


def values(estimates):
    """name -> Estimate as name -> number."""
    return {name: estimate.value for name, estimate in estimates.items()}


def rows_by_name(table):
    """First cell -> head -> the other cells."""
    return {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
