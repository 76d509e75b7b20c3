"""The JSON of `ief evaluate` and metrics.json: its keys, how intervals mirror the values, and the way back."""

import json

import numpy as np
import pytest

from evaluation import Bootstrap, GroundTruth, compare, evaluate
from evaluation.metrics.breakdown import breakdown, parts_by_group
from evaluation.metrics.conventions import GROUPS
from evaluation.metrics.json_format import (
    difference_to_json,
    movement_to_json,
    parts_to_json,
    scores_from_json,
    scores_to_json,
)
from evaluation.metrics.movement import movement
from heads.skeleton import MPII

BONES = tuple(name for name in MPII.names if name != "pelvis")
UNITS = ("image_px", "crop_px")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (30, 16, 2))
    pred, other = (gt + rng.normal(0, std, gt.shape) for std in (15, 20))
    gt[rng.random((30, 16)) < 0.2] = np.nan
    gt[:, MPII.index("head_top")] = np.nan
    scale = rng.uniform(0.7, 3, 30)
    scale[4] = np.nan
    return pred, other, GroundTruth(gt, np.where(np.arange(30) == 7, np.nan, 25 * scale), scale)


@pytest.fixture(scope="module")
def scores(data):
    pred, _, gt = data
    return evaluate(pred, gt, bootstrap=Bootstrap(resamples=50, seed=3))


def keys(tree):
    """The nested keys of a tree, in order; a leaf is its type's name."""
    if isinstance(tree, dict):
        return {key: keys(child) for key, child in tree.items()}
    return [keys(child) for child in tree] if isinstance(tree, list) else type(tree).__name__


def in_order(tree):
    return json.dumps(tree)


def test_the_keys_are_those_of_the_contract_in_this_order(data):
    pred, _, gt = data
    per_joint = {name: "NoneType" if name == "head_top" else "float" for name in MPII.names}

    def pixels(names):
        return {name: dict.fromkeys(UNITS, per_joint[name]) for name in names}

    pckh = {"per_joint": per_joint, "groups": dict.fromkeys(GROUPS, "float"), "upper_body": "float"}
    bones = {**pixels(BONES), "head_top": dict.fromkeys(UNITS, "NoneType")}
    wanted = {
        "convention": "str",
        "persons": "int",
        "persons_without_head_size": "int",
        "persons_without_scale": "int",
        "pckh": {"0.5": pckh, "0.1": pckh},
        "pckh_auc": "float",
        "pckh_curve": {f"{index / 100:.2f}": "float" for index in range(51)},
        "joint_error": {"image_px": "float", "crop_px": "float", "per_joint": pixels(MPII.names)},
        "bone_error": {"image_px": "float", "crop_px": "float", "per_bone": bones},
        "counts": {
            "pckh": {"mean": "int", "per_joint": dict.fromkeys(MPII.names, "int")},
            "joint_error": {"joints": "int", "per_joint": dict.fromkeys(MPII.names, "int")},
            "bone_error": {"bones": "int", "per_bone": dict.fromkeys(BONES, "int")},
        },
    }
    assert in_order(keys(scores_to_json(evaluate(pred, gt)))) == in_order(wanted)


def test_intervals_mirror_the_values(data, scores):
    pred, _, gt = data
    tree, plain = scores_to_json(scores), scores_to_json(evaluate(pred, gt))
    assert "interval" not in json.dumps(plain)
    drawn = tree.pop("interval")
    blocks = {
        **{f"pckh@{key}": (tree["pckh"][key], plain["pckh"][key]) for key in tree["pckh"]},
        **{key: (tree[key], plain[key]) for key in ("joint_error", "bone_error")},
    }
    for block, without in blocks.values():
        bounds = block.pop("interval")
        assert in_order(block) == in_order(without)
        assert in_order(keys(bounds)) == in_order(keys(_twice(without)))
    assert in_order(tree) == in_order(plain)
    assert {key: drawn.pop(key) for key in list(drawn)[:3]} == {"level": 0.95, "resamples": 50, "seed": 3}
    assert list(drawn) == ["pckh_auc", "pckh_curve"] and list(drawn["pckh_curve"]) == list(plain["pckh_curve"])
    low, high = drawn["pckh_auc"]
    assert low < plain["pckh_auc"] < high


def _twice(tree):
    return {key: _twice(child) for key, child in tree.items()} if isinstance(tree, dict) else [tree, tree]


def test_values_and_counts_are_those_of_the_scores(scores):
    tree = json.loads(json.dumps(scores_to_json(scores), allow_nan=False))
    assert (tree["persons"], tree["persons_without_head_size"], tree["persons_without_scale"]) == (30, 2, 1)
    wrist = scores.pckh.per_joint[0.1]["l_wrist"]
    assert tree["pckh"]["0.1"]["per_joint"]["l_wrist"] == wrist.value
    assert tree["pckh"]["0.1"]["interval"]["per_joint"]["l_wrist"] == [wrist.low, wrist.high]
    assert tree["pckh_curve"]["0.25"] == scores.pckh.curve[0.25].value
    knee = scores.bone_error.per_part["r_knee"].crop_px
    assert tree["bone_error"]["per_bone"]["r_knee"]["crop_px"] == knee.value
    assert tree["bone_error"]["interval"]["per_bone"]["r_knee"]["crop_px"] == [knee.low, knee.high]
    assert tree["joint_error"]["interval"]["per_joint"]["head_top"] == {unit: [None, None] for unit in UNITS}
    counts = tree["counts"]
    assert counts["joint_error"]["joints"] == sum(counts["joint_error"]["per_joint"].values())
    outside = sum(counts["pckh"]["per_joint"][name] for name in ("pelvis", "thorax"))
    assert counts["pckh"]["mean"] == sum(counts["pckh"]["per_joint"].values()) - outside


def test_the_way_back(data, scores):
    pred, _, gt = data
    for one in (scores, evaluate(pred, gt, convention="mmpose", thresholds=(0.11, 0.5))):
        assert scores_from_json(json.loads(json.dumps(scores_to_json(one)))) == one


@pytest.mark.parametrize(
    "break_it",
    [
        lambda tree: tree.pop("pckh_auc"),
        lambda tree: tree["joint_error"].update(image_px="far"),
        lambda tree: tree["joint_error"].update(per_joint=3),
        lambda tree: tree.update(interval={}, pckh=[]),
    ],
)
def test_another_tree_is_an_error(scores, break_it):
    tree = json.loads(json.dumps(scores_to_json(scores)))
    break_it(tree)
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        scores_from_json(tree)


def test_a_difference_has_no_counts(data):
    pred, other, gt = data
    found = compare(pred, other, gt, bootstrap=Bootstrap(resamples=20))
    tree = json.loads(json.dumps(difference_to_json(found), allow_nan=False))
    assert list(tree) == ["convention", "persons", "pckh", "pckh_auc", "pckh_curve", "joint_error", "bone_error",
                          "interval"]  # fmt: skip
    assert tree["joint_error"]["image_px"] == found.joint_error.image_px.value < 0


def test_parts_and_movement(data):
    pred, other, gt = data
    parts = breakdown(pred, gt, parts_by_group(gt))
    wrists = json.loads(json.dumps(parts_to_json(parts), allow_nan=False))["Wri."]
    error, mean = parts["Wri."].joint_error, parts["Wri."].mean_pckh
    assert wrists == {
        "persons": parts["Wri."].people,
        "joints": parts["Wri."].joints,
        "joint_error": {
            "image_px": error.image_px.value,
            "crop_px": error.crop_px.value,
            "interval": {"image_px": list(error.image_px.interval), "crop_px": list(error.crop_px.interval)},
        },
        "pckh": {"0.5": {"groups": {"Mean": mean.value}, "interval": {"groups": {"Mean": list(mean.interval)}}}},
    }
    moved = movement(other, pred, gt)
    tree = json.loads(json.dumps(movement_to_json(moved), allow_nan=False))
    names = ["moved", "closer", "before", "after", "change"]
    assert list(tree) == ["all", "per_joint"] and list(tree["per_joint"]) == list(MPII.names)
    assert list(tree["all"]) == ["joints", *names, "interval"] and list(tree["all"]["interval"]) == names
    assert tree["all"]["change"] == moved.all.change.value
    assert tree["all"]["interval"]["change"] == list(moved.all.change.interval)
