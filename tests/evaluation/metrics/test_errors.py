"""Joint and bone error in 2D, against loops over people and joints."""

import math

import numpy as np
import pytest
from scattered import noisy_people

from checkpoints.errors import PoseError
from evaluation import GroundTruth, bone_error, joint_error
from heads.skeleton import MPII


def literal(pred, gt, bones):
    """Distances in image pixels and in crop pixels, by part, one at a time."""
    image, crop, by_part = [], [], {}
    for person in range(len(gt)):
        for joint, name in enumerate(MPII.names):
            parent = MPII.parents[joint]
            if bones and parent == -1:
                continue
            ends = [joint, parent] if bones else [joint]
            if any(math.isnan(gt.joints[person][end][0]) for end in ends):
                continue
            true, guess = list(gt.joints[person][joint]), list(pred[person][joint])
            if bones:
                true = [p - j for p, j in zip(gt.joints[person][parent], true, strict=True)]
                guess = [p - j for p, j in zip(pred[person][parent], guess, strict=True)]
            distance = math.dist(true, guess)
            image.append(distance)
            by_part.setdefault(name, []).append(distance)
            if math.isfinite(gt.scale[person]):
                crop.append(distance * 224 / (200 * 1.25 * gt.scale[person]))
    return np.mean(image), np.mean(crop), {name: (np.mean(d), len(d)) for name, d in by_part.items()}


@pytest.mark.parametrize(("error", "bones"), [(joint_error, False), (bone_error, True)])
def test_errors_are_those_of_a_loop(error, bones):
    pred, gt = noisy_people(40)
    scale = np.random.default_rng(1).uniform(0.5, 4, 40)
    scale[5] = np.nan
    gt = GroundTruth(gt.joints, scale=scale)
    result = error(pred, gt)
    image, crop, by_part = literal(pred, gt, bones)
    assert result.overall.value == pytest.approx(image)
    assert error(pred, gt, crop=True).overall.value == pytest.approx(crop)
    assert {name: (part.value, result.counts[name]) for name, part in result.per_part.items()} == {
        name: (pytest.approx(px), count) for name, (px, count) in by_part.items()
    }
    assert result.count == sum(count for _, count in by_part.values())
    assert len(result.per_part) == 16 - bones and ("pelvis" in result.per_part) != bones


def test_a_shifted_pose_has_perfect_bones():
    _, gt = noisy_people(10)
    pred = np.nan_to_num(gt.joints) + np.array([30.0, 40.0])
    assert joint_error(pred, gt).overall.value == pytest.approx(50)
    assert bone_error(pred, gt).overall.value == pytest.approx(0, abs=1e-9)


def test_bad_shapes_are_named():
    pred, gt = noisy_people(4)
    for joints, more, says in (
        (gt.joints, {"scale": gt.scale[:3]}, r"scale has shape \(3,\)"),
        (gt.joints, {"subject": ["a", "b"]}, r"subject has shape \(2,\), expected \(4,\)"),
        (gt.joints[0], {}, r"shape \(16, 2\); give it as \(people, joints, dimensions\)"),
    ):
        with pytest.raises(PoseError, match=says):
            GroundTruth(joints, **more)
    with pytest.raises(PoseError, match="shape"):
        bone_error(pred[:3], gt)
