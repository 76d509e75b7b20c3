"""The JSON of 3D scores: its keys, how intervals mirror the values, and the way back."""

import json

import numpy as np
import pytest
from angle_model import write_angle_model

from evaluation import Bootstrap, GroundTruth3D, compare_3d, evaluate_3d, load_angle_limits
from evaluation.metrics.angle_limits import ANGLES
from evaluation.metrics.distances import bone_names
from evaluation.metrics.json_3d import difference_3d_to_json, scores_3d_from_json, scores_3d_to_json
from heads.skeleton import MPII

ERRORS = ["joint_error", "pa_joint_error", "pa_joint_error_scaled", "bone_error"]
METRICS = [*ERRORS, "bone_std", "gt_bone_std", "illegal_angle", "gt_illegal_angle"]
WHO = ["persons", "sequences", "persons_without_root", "persons_unaligned"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 300, (40, 16, 3))
    pred, other = (joints + rng.normal(0, std, joints.shape) for std in (40, 70))
    joints[rng.random((40, 16)) < 0.2] = np.nan
    joints[:, MPII.index("head_top")] = np.nan
    joints[3] = np.nan
    names = (rng.choice(choices, 40) for choices in (["S9", "S11"], ["Sitting", "Walking"], ["1", "2"]))
    return pred, other, GroundTruth3D(joints, None, MPII, *names)


@pytest.fixture(scope="module")
def limits(tmp_path_factory):
    write_angle_model(folder := tmp_path_factory.mktemp("angles"))
    return load_angle_limits(folder)


@pytest.fixture(scope="module")
def scores(data, limits):
    pred, _, gt = data
    return evaluate_3d(pred, gt, bootstrap=Bootstrap(resamples=30, seed=3), angle_limits=limits)


def test_keys_and_values(scores):
    tree = json.loads(json.dumps(scores_3d_to_json(scores), allow_nan=False))
    assert list(tree) == [*WHO, *METRICS, "interval", "counts"]
    assert (tree["persons"], tree["sequences"]) == (40, 8) and tree["persons_unaligned"] >= 1
    for name in METRICS:
        unit = "percent" if "angle" in name else "mm"
        part, parts = ("per_bone", bone_names(MPII)) if "bone" in name else ("per_joint", MPII.names)
        block, score = tree[name], getattr(scores, name)
        assert list(block) == [unit, part, "action_mean", "per_action", "per_subject", "per_kind", "interval"]
        assert tuple(block[part]) == (ANGLES if unit == "percent" else parts)
        assert block[unit] == score.overall.value and block["interval"][unit] == list(score.overall.interval)
        assert block["per_subject"]["S9"] == score.per_subject["S9"].value
        assert list(block["per_action"]) == ([] if "std" in name else ["Sitting", "Walking"])
        assert tree["counts"][name] == {part: score.counts}
    assert tree["joint_error"]["per_joint"]["head_top"] is None
    assert tree["interval"] == {"level": 0.95, "resamples": 30, "seed": 3, "over": "sequences"}


def test_without_intervals_and_limits_they_are_left_out(data):
    pred, _, gt = data
    tree = scores_3d_to_json(evaluate_3d(pred, gt))
    assert list(tree) == [*WHO, *METRICS[:6], "counts"]
    assert "interval" not in json.dumps(tree)


def test_the_way_back(data, scores):
    pred, _, gt = data
    for one in (scores, evaluate_3d(pred, gt), evaluate_3d(pred, GroundTruth3D(gt.joints))):
        assert scores_3d_from_json(json.loads(json.dumps(scores_3d_to_json(one)))) == one


@pytest.mark.parametrize(
    "break_it",
    [
        lambda tree: tree.pop("bone_std"),
        lambda tree: tree["joint_error"].update(mm="far"),
        lambda tree: tree["joint_error"].update(per_joint=3),
        lambda tree: tree.update(interval={"seed": 1}),
    ],
)
def test_another_tree_is_an_error(scores, break_it):
    tree = json.loads(json.dumps(scores_3d_to_json(scores)))
    break_it(tree)
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        scores_3d_from_json(tree)


def test_a_difference_has_no_counts(data, limits):
    pred, other, gt = data
    found = compare_3d(pred, other, gt, bootstrap=Bootstrap(resamples=20), angle_limits=limits)
    tree = json.loads(json.dumps(difference_3d_to_json(found), allow_nan=False))
    assert list(tree) == ["persons", "sequences", *ERRORS, "bone_std", "illegal_angle", "interval"]
    assert tree["joint_error"]["mm"] == found.joint_error.overall.value < 0
