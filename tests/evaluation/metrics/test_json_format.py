"""The JSON of `ief evaluate` and metrics.json: its keys, how intervals mirror the values, and the way back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scattered import GROUPS, noisy_people

from evaluation import METRICS, Bootstrap, GroundTruth, compare, evaluate
from evaluation.metrics.angle_limits import ANGLES
from evaluation.metrics.errors import bone_names
from evaluation.metrics.json_format import difference_to_json, scores_from_json, scores_to_json
from evaluation.metrics.kinds import KINDS, PARTS
from heads.skeleton import MPII

BONES, UNITS = bone_names(MPII), ("image_px", "crop_px")
NAMES_3D = [metric.name for metric in METRICS[3]]
WHO_3D = ["persons", "sequences", "persons_without_root", "persons_unaligned"]


@pytest.fixture(scope="module")
def data(limits):
    """Number of dimensions -> two sets of predictions and ground truth in which some things are unknown."""
    found = {}
    for dimensions in (2, 3):
        pred, gt = noisy_people(40, dimensions)
        other = pred + np.random.default_rng(1).normal(0, 30, pred.shape)
        gt.joints[:, MPII.index("head_top")] = np.nan
        gt.joints[3] = np.nan
        if dimensions == 2:
            gt.scale[4] = np.nan
            gt = GroundTruth(gt.joints, np.where(np.isin(np.arange(40), (4, 7)), np.nan, gt.head_size), gt.scale)
        found[dimensions] = pred, other, replace(gt, annotated=None, angle_limits=limits)
    return found


@pytest.fixture(scope="module")
def scores(data):
    return {d: evaluate(pred, gt, bootstrap=Bootstrap(resamples=50, seed=3)) for d, (pred, _, gt) in data.items()}


def keys(tree):
    """The nested keys of a tree, in order; a leaf is its type's name."""
    if isinstance(tree, dict):
        return {key: keys(child) for key, child in tree.items()}
    return [keys(child) for child in tree] if isinstance(tree, list) else type(tree).__name__


def written(tree):
    return json.loads(json.dumps(tree, allow_nan=False))


def test_the_keys_are_those_of_the_contract_in_this_order(data):
    pred, _, gt = data[2]
    per_joint = {name: "NoneType" if name == "head_top" else "float" for name in MPII.names}

    def pixels(names):
        return {name: dict.fromkeys(UNITS, per_joint[name]) for name in names}

    pckh = {"per_joint": per_joint, "groups": dict.fromkeys(GROUPS, "float"), "upper_body": "float"}
    parts = {part: "NoneType" if part in ("occluded", "visible") else "float" for part in PARTS}
    kind = {"per_joint": per_joint, "groups": dict.fromkeys(GROUPS, "float"), "parts": parts}
    bones = {**pixels(BONES), "head_top": dict.fromkeys(UNITS, "NoneType")}
    wanted = {
        "convention": "str", "persons": "int", "persons_without_head_size": "int", "persons_without_scale": "int",
        "pckh": {"0.5": pckh, "0.1": pckh}, "pckh_auc": "float",
        "pckh_curve": {f"{index / 100:.2f}": "float" for index in range(51)},
        "kinds": dict.fromkeys(KINDS, kind),
        "joint_error": {"image_px": "float", "crop_px": "float", "per_joint": pixels(MPII.names)},
        "bone_error": {"image_px": "float", "crop_px": "float", "per_bone": bones},
        "counts": {
            "pckh": {"mean": "int", "per_joint": dict.fromkeys(MPII.names, "int")},
            "joint_error": {"joints": "int", "per_joint": dict.fromkeys(MPII.names, "int")},
            "bone_error": {"bones": "int", "per_bone": dict.fromkeys(BONES, "int")},
        },
    }  # fmt: skip
    assert json.dumps(keys(scores_to_json(evaluate(pred, gt)))) == json.dumps(wanted)


def test_the_keys_and_values_in_3d(scores):
    found = scores[3]
    tree = written(scores_to_json(found))
    assert list(tree) == [*WHO_3D, *NAMES_3D, "interval", "counts"]
    assert (tree["persons"], tree["sequences"]) == (40, 11) and tree["persons_unaligned"] >= 1
    for metric in METRICS[3]:
        part, parts = ("per_bone", BONES) if "bone" in metric.name else ("per_joint", MPII.names)
        block, score = tree[metric.name], found[metric.name]
        assert list(block) == [metric.unit, part, "action_mean", "per_action", "per_subject", "per_kind", "interval"]
        assert tuple(block[part]) == (ANGLES if metric.unit == "percent" else parts)
        assert block[metric.unit] == score.overall.value
        assert block["interval"][metric.unit] == list(score.overall.interval)
        assert block["per_subject"]["S9"] == score.groups["per_subject"]["S9"].value
        assert list(block["per_action"]) == ([] if metric.std else ["Eating", "Sitting", "Walking"])
        assert tree["counts"][metric.name] == {part: score.counts}
    assert tree["joint_error"]["per_joint"]["head_top"] is None
    assert tree["interval"] == {"level": 0.95, "resamples": 50, "seed": 3, "over": "sequences"}


def test_what_was_not_measured_is_left_out(data):
    pred, _, gt = data[3]
    tree = scores_to_json(evaluate(pred, replace(gt, angle_limits=None)))
    assert list(tree) == [*WHO_3D, *NAMES_3D[:6], "counts"] and "interval" not in json.dumps(tree)
    known = scores_to_json(evaluate(pred, replace(gt, angle_limits=None, protocol="Protocol 2")))
    assert known == {**tree, "protocol": "Protocol 2"}


def test_intervals_mirror_the_values(data, scores):
    pred, _, gt = data[2]
    tree, plain = scores_to_json(scores[2]), scores_to_json(evaluate(pred, gt))
    assert "interval" not in json.dumps(plain)

    def twice(tree):
        return {key: twice(child) for key, child in tree.items()} if isinstance(tree, dict) else [tree, tree]

    drawn = tree.pop("interval")
    blocks = [(tree[name][key], plain[name][key]) for name in ("pckh", "kinds") for key in tree[name]]
    for block, without in [*blocks, *((tree[key], plain[key]) for key in ("joint_error", "bone_error"))]:
        bounds = block.pop("interval")
        assert json.dumps(block) == json.dumps(without)
        assert json.dumps(keys(bounds)) == json.dumps(keys(twice(without)))
    assert json.dumps(tree) == json.dumps(plain)
    assert {key: drawn.pop(key) for key in list(drawn)[:3]} == {"level": 0.95, "resamples": 50, "seed": 3}
    assert list(drawn) == ["pckh_auc", "pckh_curve"] and list(drawn["pckh_curve"]) == list(plain["pckh_curve"])
    low, high = drawn["pckh_auc"]
    assert low < plain["pckh_auc"] < high


def test_values_and_counts_are_those_of_the_scores(scores):
    found = scores[2]
    tree = written(scores_to_json(found))
    assert (tree["persons"], tree["persons_without_head_size"], tree["persons_without_scale"]) == (40, 2, 1)
    wrist, knee = found["pckh@0.1"].per_part["l_wrist"], found["bone_error_crop"].per_part["r_knee"]
    assert tree["pckh"]["0.1"]["interval"]["per_joint"]["l_wrist"] == [wrist.low, wrist.high]
    assert tree["bone_error"]["interval"]["per_bone"]["r_knee"]["crop_px"] == [knee.low, knee.high]
    assert tree["bone_error"]["per_bone"]["r_knee"]["crop_px"] == knee.value
    assert tree["pckh_curve"]["0.25"] == found["pckh_curve"].groups["curve"][0.25].value
    counts = tree["counts"]
    assert counts["joint_error"]["joints"] == sum(counts["joint_error"]["per_joint"].values())
    outside = sum(counts["pckh"]["per_joint"][name] for name in ("pelvis", "thorax"))
    assert counts["pckh"]["mean"] == sum(counts["pckh"]["per_joint"].values()) - outside


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_way_back(data, scores, dimensions):
    pred, _, gt = data[dimensions]
    others = evaluate(pred, gt, convention="mmpose", thresholds=(0.11, 0.5)), evaluate(pred, GroundTruth(gt.joints))
    for one in (scores[dimensions], *others, evaluate(pred, replace(gt, protocol="Protocol 1"))):
        assert scores_from_json(written(scores_to_json(one))) == one


@pytest.mark.parametrize(("dimensions", "change"), [
    (2, {"pckh_auc": "gone"}), (2, {"joint_error": {"image_px": "far"}}), (2, {"joint_error": {"per_joint": 3}}),
    (2, {"interval": {}, "pckh": []}), (3, {"bone_std": "gone"}), (3, {"joint_error": {"mm": "far"}}),
    (3, {"interval": {"seed": 1}}),
])  # fmt: skip
def test_another_tree_is_an_error(scores, dimensions, change):
    tree = written(scores_to_json(scores[dimensions]))
    for key, new in change.items():
        tree[key] = {**tree[key], **new} if key == "joint_error" else new
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        scores_from_json({key: child for key, child in tree.items() if child != "gone"})


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_difference_has_no_counts(data, dimensions):
    pred, other, gt = data[dimensions]
    found = compare(pred, other, gt, bootstrap=Bootstrap(resamples=20))
    tree = written(difference_to_json(found))
    names = ["convention", "persons", "pckh", "pckh_auc", "pckh_curve", "kinds", "joint_error", "bone_error"]
    names_3d = ["persons", "sequences", *(name for name in NAMES_3D if name[:3] != "gt_")]
    assert list(tree) == [*(names if dimensions == 2 else names_3d), "interval"]
    assert tree["joint_error"]["image_px" if dimensions == 2 else "mm"] == found["joint_error"].overall.value < 0
