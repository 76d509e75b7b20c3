"""Kinds of error against a literal loop and the published rule."""

from dataclasses import replace

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation import CONVENTIONS, KINDS, MEASURES, Bootstrap, GroundTruth, classify_errors, compare, evaluate
from heads.skeleton import COCO17, MPII

GOOD, JITTER, INVERSION, SWAP, MISS = range(5)


def crowd(count=60, per_image=3, skeleton=MPII, seed=0):
    """People close to one another, some joints and sizes missing, and predictions that take one joint for another."""
    rng = np.random.default_rng(seed)
    k = len(skeleton)
    joints = rng.uniform(0, 120, (count, k, 2))
    image = np.array([f"{row // per_image}.jpg" for row in range(count)])
    pred = joints + rng.normal(0, 15, joints.shape)
    for row in range(count):
        for joint in range(k):
            other = rng.choice(np.flatnonzero(image == image[row]))
            place = joints[other, skeleton.flip_permutation[joint] if rng.random() < 0.5 else joint]
            if rng.random() < 0.5:
                pred[row, joint] = place + rng.normal(0, 12, 2)
    joints[rng.random((count, k)) < 0.15] = np.nan
    size = rng.uniform(20, 50, count)
    size[rng.random(count) < 0.1] = np.nan
    visible = rng.integers(-1, 2, (count, k))
    return pred, GroundTruth(joints, size, size / 25, skeleton=skeleton, image=image, visible=visible)


def loop(pred, gt, limits):
    """The rule, joint by joint."""
    kinds = np.full(pred.shape[:2], -1)
    mirror = gt.skeleton.flip_permutation
    for i in range(len(gt)):
        if not gt.size[i] > 0:
            continue
        for k in np.flatnonzero(gt.annotated[i]):
            neighbors = [j for j in range(len(gt)) if j != i and gt.image[j] == gt.image[i]]

            def reach(j, joint, i=i, k=k):
                gap = np.hypot(*(pred[i, k] - gt.joints[j, joint]))
                return gap / (gt.size[j] if gt.size[j] > 0 else gt.size[i]) if gt.annotated[j, joint] else np.inf

            if reach(i, k) <= limits[0]:
                kinds[i, k] = GOOD
            elif reach(i, k) <= limits[1]:
                kinds[i, k] = JITTER
            elif reach(i, mirror[k]) <= limits[0]:
                kinds[i, k] = INVERSION
            elif any(reach(j, joint) <= limits[0] for j in neighbors for joint in (k, mirror[k])):
                kinds[i, k] = SWAP
            else:
                kinds[i, k] = MISS
    return kinds


@pytest.mark.parametrize(
    ("measure", "limits"), [("pckh", (0.5, 1.0)), ("torso", (0.2, 0.4)), ("box", (0.05, 0.1))], ids=lambda v: str(v)
)
def test_kinds_are_those_of_a_literal_loop(monkeypatch, measure, limits):
    monkeypatch.setattr("evaluation.metrics.bootstrap._PEOPLE", 25)  # at a time
    pred, gt = crowd()
    gt = replace(gt, measure=MEASURES[measure], size=None)
    kinds = classify_errors(pred, gt)
    np.testing.assert_array_equal(kinds, loop(pred, gt, limits))
    assert set(np.unique(kinds)) == {-1, 0, 1, 2, 3, 4}
    first, rest = gt.select(np.arange(40)), gt.select(np.arange(40, 60))  # one image has people in both
    np.testing.assert_array_equal(classify_errors(pred[:40], replace(first, others=rest)), kinds[:40])
    alone = classify_errors(pred, replace(gt, image=None))
    np.testing.assert_array_equal(alone, np.where(kinds == SWAP, MISS, kinds))


def test_published_thresholds_of_similarity_to_coco_arrays():
    """Similarities as COCO's keypoints, flags and areas give them; of joints near one other place, the paper's code."""
    pred, gt = crowd(45, skeleton=COCO17, seed=1)
    area = np.random.default_rng(2).uniform(3e3, 3e4, len(gt))
    keypoints = np.dstack([np.nan_to_num(gt.joints), 2 * gt.annotated])  # x, y, v
    order, factor = list(COCO17.flip_permutation), (2 * np.array(COCO17.sigmas)) ** 2
    kinds = classify_errors(pred, replace(gt, area=area))
    checked = 0
    for i in range(len(gt)):
        rows = [i, *(j for j in range(len(gt)) if j != i and gt.image[j] == gt.image[i])]
        places = np.concatenate([keypoints[rows], keypoints[rows][:, order]])  # own, others, own mirrored, others'
        similar = np.exp(-((pred[i] - places[..., :2]) ** 2).sum(-1) / factor / np.tile(area[rows], 2)[:, None] / 2)
        similar = np.where(places[..., 2] > 0, similar, -1)
        for k in np.flatnonzero(gt.annotated[i]):
            own, flipped = similar[0, k], similar[len(rows), k]
            swapped = np.delete(similar[:, k], [0, len(rows)]).max() >= 0.5
            expected = (
                GOOD if own >= 0.85 else JITTER if own >= 0.5 else INVERSION if flipped >= 0.5 else
                SWAP if swapped else MISS
            )  # fmt: skip
            assert kinds[i, k] == expected
            if k and (similar[:, k] >= 0.5).sum() <= 1:  # the most similar is then the only one; the nose is its mirror
                best = similar[:, k].argmax()
                code = MISS if similar[best, k] < 0.5 else SWAP if best else GOOD if similar[0, k] > 0.85 else JITTER
                assert expected == (INVERSION if best == len(rows) and code == SWAP else code)
                checked += 1
    assert checked > 200 and set(np.unique(kinds)) == {-1, 0, 1, 2, 3, 4}
    with pytest.raises(PoseError, match="sigma"):
        classify_errors(pred, replace(gt, area=area, skeleton=replace(COCO17, sigmas=())))


@pytest.mark.parametrize("convention", ["official", "pytorch-pose"])
def test_points_gained_are_what_repaired_poses_score(convention):
    pred, gt = crowd()
    kinds = classify_errors(pred, gt, convention=convention)
    scores = evaluate(pred, gt, convention=convention, bootstrap=Bootstrap(40))
    good = scores["kind_good"]
    assert (good.overall, good.per_part, good.count) == (scores.mean_pckh, scores.pckh.per_part, scores.pckh.count)
    assert good.groups["groups"] == scores.pckh.groups["groups"] and good.counts == scores.pckh.counts
    for place, kind in enumerate(KINDS[1:], 1):
        repaired = np.where((kinds == place)[..., None], gt.joints, pred)
        gained = evaluate(repaired, gt, convention=convention).mean_pckh.value - scores.mean_pckh.value
        assert scores[f"kind_{kind}"].overall.value == pytest.approx(gained)
        low, high = scores[f"kind_{kind}"].overall.interval
        assert low <= gained <= high


def test_shares_by_size_and_visibility_and_differences():
    pred, gt = crowd()
    better = (pred + np.nan_to_num(gt.joints)) / 2
    kinds, scores = classify_errors(pred, gt), evaluate(pred, gt)
    in_mean = np.array([name not in ("pelvis", "thorax") for name in MPII.names])
    low, high = np.quantile(gt.size[(kinds >= 0).any(axis=1)], (1 / 3, 2 / 3))
    masks = {
        "small": gt.size <= low, "medium": (gt.size > low) & (gt.size <= high), "large": gt.size > high,
        "occluded": gt.visible == 0, "visible": gt.visible == 1,
    }  # fmt: skip
    for name, mask in masks.items():
        inside = kinds[in_mean & (mask if mask.ndim > 1 else mask[:, None])]
        for place, kind in enumerate(KINDS):
            share = 100 * (inside == place).sum() / (inside >= 0).sum()
            assert scores[f"kind_{kind}"].groups["parts"][name].value == pytest.approx(share)
    difference, other = compare(better, pred, gt), evaluate(better, gt)
    for kind in KINDS:
        apart = other[f"kind_{kind}"].overall.value - scores[f"kind_{kind}"].overall.value
        assert difference[f"kind_{kind}"].overall.value == pytest.approx(apart)
    assert difference["kind_good"].overall.low > 0
    alike = evaluate(pred, replace(gt, size=np.full(len(gt), 30.0)))
    assert alike["kind_good"].groups["parts"]["small"].value is None


def test_conventions_decide_at_the_limit_and_3d_is_refused():
    joints = np.zeros((1, 16, 2)) + 1000 * np.arange(1, 17)[:, None]
    gt = GroundTruth(joints, np.array([10.0]))
    exact = [classify_errors(joints + np.array([5.0, 0.0]), gt, convention=name)[0, 0] for name in CONVENTIONS]
    assert exact == [GOOD, GOOD, JITTER, JITTER]
    with pytest.raises(PoseError, match="2D"):
        classify_errors(np.zeros((1, 16, 3)), GroundTruth(np.arange(48.0).reshape(1, 16, 3) * 100))
