import math

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import GroundTruth, bone_error, joint_error
from heads.skeleton import MPII


def poses(people, dims=2, seed=0):
    rng = np.random.default_rng(seed)
    gt = rng.uniform(0, 400, (people, 16, dims))
    pred = gt + rng.normal(0, 15, gt.shape)
    gt[rng.random((people, 16)) < 0.25] = np.nan
    return pred, gt, rng.uniform(0.5, 4, people)


def literal(pred, gt, scale, bones):
    """Distances in image pixels and in crop pixels, by part, one at a time."""
    image, crop, by_part = [], [], {}
    for person in range(len(gt)):
        for joint, name in enumerate(MPII.names):
            parent = MPII.parents[joint]
            if bones and parent == -1:
                continue
            ends = [joint, parent] if bones else [joint]
            if any(math.isnan(gt[person][end][0]) for end in ends):
                continue
            true, guess = list(gt[person][joint]), list(pred[person][joint])
            if bones:
                true = [p - j for p, j in zip(gt[person][parent], true, strict=True)]
                guess = [p - j for p, j in zip(pred[person][parent], guess, strict=True)]
            distance = math.dist(true, guess)
            image.append(distance)
            by_part.setdefault(name, []).append(distance)
            if math.isfinite(scale[person]):
                crop.append(distance * 224 / (200 * 1.25 * scale[person]))
    return np.mean(image), np.mean(crop), {name: (np.mean(d), len(d)) for name, d in by_part.items()}


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("error", "bones"), [(joint_error, False), (bone_error, True)])
def test_agrees_with_a_literal_loop(error, bones, dims):
    pred, gt, scale = poses(40, dims)
    scale[5] = np.nan
    result = error(pred, GroundTruth(gt, scale=scale))
    image, crop, by_part = literal(pred, gt, scale, bones)
    assert result.image_px.value == pytest.approx(image)
    assert result.crop_px.value == pytest.approx(crop)
    assert {name: (part.image_px.value, result.counts[name]) for name, part in result.per_part.items()} == {
        name: (pytest.approx(px), count) for name, (px, count) in by_part.items()
    }
    assert result.count == sum(count for _, count in by_part.values())


def test_a_shifted_pose_has_perfect_bones():
    _, gt, scale = poses(10)
    pred, gt = np.nan_to_num(gt) + np.array([30.0, 40.0]), GroundTruth(gt, scale=scale)
    assert joint_error(pred, gt).image_px.value == pytest.approx(50)
    assert bone_error(pred, gt).image_px.value == pytest.approx(0, abs=1e-9)


def test_the_root_has_no_bone():
    pred, gt, scale = poses(5)
    result = bone_error(pred, GroundTruth(gt, scale=scale))
    assert "pelvis" not in result.per_part
    assert len(result.per_part) == 15


def test_without_scale_there_are_no_crop_pixels():
    pred, gt, _ = poses(5)
    result = joint_error(pred, GroundTruth(gt))
    assert result.crop_px.value is None
    assert math.isfinite(result.image_px.value)


def test_nothing_annotated():
    pred, gt, scale = poses(3)
    result = joint_error(pred, GroundTruth(np.full_like(gt, np.nan), scale=scale))
    assert result.image_px.value is None
    assert result.count == 0


def test_bad_shapes_are_named():
    pred, gt, scale = poses(4)
    with pytest.raises(PoseError, match=r"scale has shape \(3,\)"):
        joint_error(pred, GroundTruth(gt, scale=scale[:3]))
    with pytest.raises(PoseError, match="shape"):
        bone_error(pred[:3], GroundTruth(gt))
    with pytest.raises(PoseError, match=r"shape \(16, 2\); give it as \(people, joints, dimensions\)"):
        GroundTruth(gt[0])
