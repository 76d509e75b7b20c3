"""PCK in torsos and boxes, by hand."""

import numpy as np
import pytest

from evaluation.metrics.conventions import BOX, PCKH, TORSO
from evaluation.metrics.evaluate import evaluate
from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.json_format import scores_from_json, scores_to_json
from heads.skeleton import Skeleton
from mpii_tools.skeletons import SKELETONS

LSP = SKELETONS["lsp14"]


def shifted(gt, pixels):
    pred = gt.joints.copy()
    pred[..., 0] += pixels
    return pred


def test_a_joint_is_correct_within_a_fifth_of_the_torso():
    """LSP's torso runs from the left shoulder to the right hip; here it is 30, 40 -> 50 px, a fifth of it 10."""
    joints = np.zeros((3, 14, 2))
    joints[:, LSP.index("r_hip")] = [30, 40]
    joints[2, LSP.index("l_shoulder")] = np.nan  # no torso
    gt = GroundTruth(joints, skeleton=LSP, measure=TORSO)
    for pixels, share in ((9.9, 100), (10.1, 0)):
        scores = evaluate(shifted(gt, pixels), gt)
        assert scores.mean_pckh.value == share
        assert scores.left_out["without_torso"] == 1 and scores.people == 3
    assert evaluate(shifted(gt, 5.1), gt)["pck@0.1"].overall.value == 0


def test_a_joint_is_correct_within_a_fifth_of_the_box():
    gt = GroundTruth(np.ones((2, 21, 2)), scale=np.array([0.5, np.nan]), skeleton=SKELETONS["hand21"], measure=BOX)
    assert evaluate(shifted(gt, 19.9), gt).mean_pckh.value == 100  # of 0.5 * 200 px
    scores = evaluate(shifted(gt, 20.1), gt)
    assert scores.mean_pckh.value == 0 and scores.left_out["without_box"] == 1
    assert [*scores["pck@0.2"].groups["groups"]] == ["Wrist", "Thumb", "Forefinger", "Middle", "Ring", "Pinky", "Mean"]


def test_groups_are_the_skeleton_s_own():
    skeleton = Skeleton(("a", "b", "c"), (-1, 0, 1), groups=(("Ends", ("a", "c")),))
    gt = GroundTruth(np.zeros((4, 3, 2)), scale=np.ones(4), skeleton=skeleton, measure=BOX)
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
    assert {"persons_without_head_size", "persons_without_torso", "persons_without_box"} & set(tree) == {
        {"pckh": "persons_without_head_size"}.get(measure.key, f"persons_without_{measure.key}")
    }
