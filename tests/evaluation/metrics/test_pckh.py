"""PCKh against a literal loop, in any batching; PCK in torsos and boxes, by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scattered import GROUPS, noisy_people
from scored import values

from checkpoints.errors import PoseError
from evaluation import CONVENTIONS, GroundTruth, pckh
from evaluation.metrics.conventions import BOX, PCKH, TORSO
from evaluation.metrics.evaluate import evaluate
from evaluation.metrics.json_format import scores_from_json, scores_to_json
from heads.skeleton import MPII, Skeleton
from mpii_tools.skeletons import SKELETONS

HEADS = {"official": ("upper_neck", "head_top")}
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def poses(people, seed=0):
    pred, gt = noisy_people(people, seed=seed)
    return pred, gt.joints, gt.head_size


def literal(pred, gt, head, threshold, name):
    """Joint by joint, person by person: percentages per joint and per group."""
    strict, macro = CONVENTIONS[name].strict, CONVENTIONS[name].mean == "macro"
    correct, annotated = [0] * 16, [0] * 16
    for person in range(len(gt)):
        if not (math.isfinite(head[person]) and head[person] > 0):
            continue
        for joint in range(16):
            if math.isnan(gt[person][joint][0]):
                continue
            annotated[joint] += 1
            distance = math.dist(pred[person][joint], gt[person][joint]) / head[person]
            correct[joint] += distance < threshold if strict else distance <= threshold
    share = {j: 100 * c / a for j, c, a in zip(MPII.names, correct, annotated, strict=True)}
    groups = {"Head": sum(share[j] for j in HEADS.get(name, ("head_top",))) / len(HEADS.get(name, ("x",)))}
    for limb in LIMBS:
        groups[limb.capitalize()] = (share["r_" + limb] + share["l_" + limb]) / 2
    mean = [j for j, joint in enumerate(MPII.names) if joint not in ("pelvis", "thorax")]
    if macro:
        groups["Mean"] = sum(share[MPII.names[j]] for j in mean) / 14
    else:
        groups["Mean"] = 100 * sum(correct[j] for j in mean) / sum(annotated[j] for j in mean)
    return share, groups, dict(zip(MPII.names, correct, strict=True))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_agrees_with_a_literal_loop(convention):
    pred, gt, head = poses(60)
    head[[3, 7]] = np.nan, 0.0
    result = pckh(pred, GroundTruth(gt, head), thresholds=(0.5, 0.2), convention=convention)
    for threshold in (0.5, 0.2):
        share, groups, correct = literal(pred, gt, head, threshold, convention)
        score = result.thresholds[threshold]
        assert values(score.per_part) == pytest.approx(share, abs=1e-9)
        assert values(score.groups["groups"]) == pytest.approx(groups, abs=1e-9)
        assert tuple(score.groups["groups"]) == GROUPS
        found = {name: share.value * score.counts[name] for name, share in score.per_part.items()}
        assert found == pytest.approx({name: 100 * count for name, count in correct.items()})
    assert (result.people, result.left_out) == (60, {"without_head_size": 2})
    heights = [literal(pred, gt, head, t / 100, convention)[1]["Mean"] for t in range(51)]
    curve = result["pckh_curve"].groups["curve"]
    assert list(curve) == [t / 100 for t in range(51)]
    assert list(values(curve).values()) == pytest.approx(heights, abs=1e-9)
    assert result["pckh_curve"].overall.value == pytest.approx(sum((a + b) / 2 for a, b in pairwise(heights)) / 50)


def test_a_joint_on_the_threshold_is_correct_unless_strict():
    gt = np.ones((1, 16, 2))
    pred = gt + np.array([3.0, 4.0])
    gt = GroundTruth(gt, [10.0])
    shares = {name: pckh(pred, gt, convention=name).mean_pckh.value for name in CONVENTIONS}
    assert shares == {"official": 100, "hrnet": 100, "mmpose": 0, "pytorch-pose": 0}


def test_groups_of_another_skeleton_follow_the_names():
    skeleton = Skeleton(("l_knee", "neck", "head_top", "r_knee", "pelvis"), (4, 4, 1, 4, -1))
    gt = np.zeros((4, 5, 3))
    pred = gt.copy()
    pred[:2, 0, 2] = 99  # the left knee of two people, off in depth
    pred[:, 1, 0] = 99  # everyone's neck
    pred[:, 4, 0] = 99  # the pelvis, outside the Mean
    groups = pckh(pred, GroundTruth(gt, np.ones(4), skeleton=skeleton)).pckh.groups["groups"]
    assert list(values(groups).items()) == [("Head", 50), ("Knee", 75), ("Mean", 100 * 10 / 16)]


def test_the_mask_decides_what_counts():
    pred, gt, head = poses(10, seed=1)
    mask = np.isfinite(gt).all(axis=-1)
    mask[:, 0] = mask[1, 5] = False
    pred[1, 5] = np.nan  # a missing prediction of a joint that does not count
    score = pckh(pred, GroundTruth(gt, head, annotated=mask)).pckh
    assert score.counts["r_ankle"] == 0 and score.per_part["r_ankle"].value is None
    assert score.per_part["l_ankle"] == score.groups["groups"]["Ankle"] and score.counts["l_ankle"] == mask[:, 5].sum()


@pytest.mark.parametrize(("change", "message"), [
    (lambda a: a.update(pred=a["pred"][:-1]), "shape"),
    (lambda a: a.update(pred=a["pred"][:, :14], gt=a["gt"][:, :14]), "14 joints but 16 are named"),
    (lambda a: a.update(head_size=a["head_size"][:-1]), "head_size has shape"),
    (lambda a: a.update(annotated=np.ones((6, 15), bool)), "annotated has shape"),
    (lambda a: a["pred"].__setitem__((4, 1), np.nan), "row 4, joint 'r_knee'"),
    (lambda a: a["pred"].__setitem__((4, 1, 0), np.inf), "row 4, joint 'r_knee'"),
    (lambda a: (a["gt"].__setitem__((2, 9), np.nan), a.update(annotated=np.ones((6, 16), bool))), "head_top"),
    (lambda a: a.update(convention="matlab"), "unknown convention 'matlab'"),
    (lambda a: a.update(thresholds=(0.5, 0)), "must be positive"),
])  # fmt: skip
def test_bad_input_is_named(change, message):
    pred, gt, head = poses(6, seed=2)
    options = {"pred": pred, "gt": np.nan_to_num(gt, nan=7.0), "head_size": head, "annotated": None}
    change(options)
    with pytest.raises(PoseError, match=message) as caught:
        gt = GroundTruth(options.pop("gt"), **{name: options.pop(name) for name in ("head_size", "annotated")})
        pckh(gt=gt, **options)
    assert "\n" not in str(caught.value)


LSP = SKELETONS["lsp14"]


def shifted(gt, pixels):
    pred = gt.joints.copy()
    pred[..., 0] += pixels
    return pred


def test_a_joint_is_correct_within_a_fifth_of_the_torso():
    """LSP's torso runs from the left shoulder to the right hip; here it is 30, 40 -> 50 px, a fifth of it 10."""
    joints = np.ones((3, 14, 2))
    joints[:, LSP.index("r_hip")] += [30, 40]
    joints[2, LSP.index("l_shoulder")] = np.nan  # no torso
    gt = GroundTruth(joints, skeleton=LSP, measure=TORSO)
    for pixels, share in ((9.9, 100), (10.1, 0)):
        scores = evaluate(shifted(gt, pixels), gt)
        assert scores.mean_pckh.value == share
        assert scores.left_out["without_torso"] == 1 and scores.people == 3
    assert evaluate(shifted(gt, 5.1), gt)["pck@0.1"].overall.value == 0


def test_a_joint_is_correct_within_a_twentieth_of_the_box():
    gt = GroundTruth(np.ones((2, 21, 2)), scale=np.array([0.5, np.nan]), skeleton=SKELETONS["hand21"], measure=BOX)
    assert evaluate(shifted(gt, 4.9), gt).mean_pckh.value == 100  # of 0.5 * 200 px
    scores = evaluate(shifted(gt, 5.1), gt)
    assert scores.mean_pckh.value == 0 and scores.left_out["without_box"] == 1
    assert [*scores["pck@0.05"].groups["groups"]] == ["Wrist", "Thumb", "Forefinger", "Middle", "Ring", "Pinky", "Mean"]


def test_groups_are_the_skeleton_s_own():
    skeleton = Skeleton(("a", "b", "c"), (-1, 0, 1), groups=(("Ends", ("a", "c")),))
    gt = GroundTruth(np.ones((4, 3, 2)), scale=np.ones(4), skeleton=skeleton, measure=BOX)
    pred = gt.joints.copy()
    pred[:1, 0] = pred[:, 1] = 999
    groups = evaluate(pred, gt).pckh.groups["groups"]
    assert groups["Ends"].value == pytest.approx(87.5)  # the mean of 75 and 100
    assert groups["Mean"].value == pytest.approx(100 * 7 / 12)  # every joint, in a group or not


@pytest.mark.parametrize("measure", [PCKH, TORSO, BOX])
def test_scores_in_any_measure_come_back_from_json(measure):
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 100, (6, 14, 2))
    gt = GroundTruth(joints, np.full(6, 20.0), np.full(6, 0.5), skeleton=LSP, measure=measure)
    scores = evaluate(joints + rng.normal(0, 8, joints.shape), gt)
    tree = scores_to_json(scores)
    assert scores_from_json(tree) == scores
    assert ("pckh" in tree) == (measure is PCKH) and tree.get("metric", "pckh") == measure.key
    without = {f"persons_without_{unit}" for unit in ("head_size", "torso", "box")} & set(tree)
    assert without == {f"persons_without_{ {'pckh': 'head_size'}.get(measure.key, measure.key) }"}
