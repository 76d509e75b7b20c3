"""Joint, bone and aligned errors in 2D and 3D: against loops, scipy and least squares."""

import math

import numpy as np
import pytest
from scattered import noisy_people
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from scored import values

from checkpoints.errors import PoseError
from evaluation import GroundTruth, bone_error, joint_error, mpjpe, p_mpjpe, rigid_align
from heads.skeleton import MPII


def literal_errors(pred, gt, bones):
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
    return np.mean(image), np.mean(crop or np.nan), {name: (np.mean(d), len(d)) for name, d in by_part.items()}


@pytest.mark.parametrize(("error", "bones", "dimensions"), [(joint_error, False, 2), (bone_error, True, 2),
                                                           (bone_error, True, 3)])  # fmt: skip
def test_errors_are_those_of_a_loop(error, bones, dimensions):
    pred, gt = noisy_people(40, dimensions)
    scale = np.random.default_rng(1).uniform(0.5, 4, 40)
    scale[5] = np.nan
    gt = GroundTruth(gt.joints, scale=scale)
    result = error(pred, gt)
    image, crop, by_part = literal_errors(pred, gt, bones)
    assert result.overall.value == pytest.approx(image)
    if dimensions == 2:
        assert error(pred, gt, crop=True).overall.value == pytest.approx(crop)
    assert values(result.per_part) == {name: pytest.approx(px) for name, (px, _) in by_part.items()}
    assert result.counts == {name: count for name, (_, count) in by_part.items()}
    assert result.count == sum(result.counts.values())
    assert len(result.per_part) == 16 - bones and ("pelvis" in result.per_part) != bones


def test_bad_shapes_of_people_are_named():
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


def rotations(number):
    return Rotation.from_quat(np.random.default_rng(7).normal(size=(number, 4)))


def turned_poses(people=30, noise=60, missing=0.2, seed=0):
    """Predictions turned, shrunk and moved, a third of them mirrored, and a ground truth with gaps."""
    rng = np.random.default_rng(seed)
    gt = rng.normal(0, 300, (people, 16, 3))
    turned = np.einsum("nij,nkj->nki", rotations(people).as_matrix(), gt)
    turned[::3, :, 0] *= -1
    pred = 0.8 * turned + rng.normal(0, noise, gt.shape) + rng.normal(0, 500, (people, 1, 3))
    gt[rng.random(gt.shape[:2]) < missing] = np.nan
    return pred, gt


def test_mpjpe_agrees_with_a_literal_loop():
    pred, gt = turned_poses()
    distances = []
    for person in range(len(gt)):
        if math.isnan(gt[person, MPII.root, 0]):
            continue
        for joint in range(16):
            if not math.isnan(gt[person, joint, 0]):
                guess = [a - b for a, b in zip(pred[person, joint], pred[person, MPII.root], strict=True)]
                true = [a - b for a, b in zip(gt[person, joint], gt[person, MPII.root], strict=True)]
                distances.append(math.dist(guess, true))
    assert mpjpe(pred, gt) == pytest.approx(sum(distances) / len(distances))
    assert distances.count(0) == np.isfinite(gt[:, MPII.root, 0]).sum()  # the root counts


def test_mpjpe_without_a_root_compares_poses_where_they_are():
    gt = np.random.default_rng(0).normal(0, 300, (4, 16, 3))
    moved = gt + np.array([30, 0, 40])
    assert mpjpe(moved, gt, root=None) == pytest.approx(50)
    assert mpjpe(moved, gt) == pytest.approx(0, abs=1e-9)


def test_rigid_alignment_agrees_with_scipy():
    pred, gt = turned_poses()
    distances = []
    for guess, true in zip(pred, gt, strict=True):
        known = np.isfinite(true[:, 0])
        guess, true = guess[known] - guess[known].mean(axis=0), true[known] - true[known].mean(axis=0)
        rotation, _ = Rotation.align_vectors(true, guess)
        distances += np.linalg.norm(rotation.apply(guess) - true, axis=-1).tolist()
    assert p_mpjpe(pred, gt) == pytest.approx(np.mean(distances), rel=1e-9)


def test_alignment_with_scale_is_the_literal_least_squares_fit():
    pred, gt = turned_poses(people=6)
    for guess, true, found in zip(pred, gt, rigid_align(pred, gt, scale=True), strict=True):
        known = np.isfinite(true[:, 0])

        def offsets(values, guess=guess[known], true=true[known]):
            moved = np.exp(values[3]) * Rotation.from_rotvec(values[:3]).apply(guess - guess.mean(axis=0)) + values[4:]
            return (moved - true).ravel()

        starts = rotations(8).as_rotvec()
        fits = [least_squares(offsets, [*start, 0, 0, 0, 0], xtol=1e-12, ftol=1e-12) for start in starts]
        best = min(fits, key=lambda fit: fit.cost)
        assert (found[known] - true[known]).ravel() == pytest.approx(best.fun, abs=1e-2)


def test_people_with_two_joints_do_not_count():
    pred, gt = turned_poses(people=3, missing=0)
    gt[0, 2:] = np.nan
    gt[1, 3:] = np.nan
    assert np.isnan(rigid_align(pred, gt)[0]).all() and np.isfinite(rigid_align(pred, gt)[1:]).all()
    alone = [p_mpjpe(pred[[row]], gt[[row]]) for row in range(3)]
    assert math.isnan(alone[0]) and p_mpjpe(pred, gt) == pytest.approx(np.average(alone[1:], weights=[3, 16]))
    assert math.isnan(mpjpe(pred[:0], gt[:0])) and math.isnan(p_mpjpe(pred[:0], gt[:0]))


def test_poses_that_are_one_point():
    gt = np.random.default_rng(0).normal(0, 300, (2, 16, 3))
    from_center = np.linalg.norm(gt - gt.mean(axis=1, keepdims=True), axis=-1).mean()
    assert p_mpjpe(np.zeros_like(gt), gt) == pytest.approx(from_center)


def test_bad_input_is_named():
    pred, gt = turned_poses(4)
    with pytest.raises(PoseError, match=r"\(4, 15, 3\).*\(4, 16, 3\)"):
        mpjpe(pred[:, :15], gt)
    with pytest.raises(PoseError, match="give both as"):
        p_mpjpe(pred[..., :2], gt[..., :2])
    pred[0] = np.nan
    with pytest.raises(PoseError, match="no finite prediction"):
        p_mpjpe(pred, gt)
