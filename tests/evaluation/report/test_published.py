"""Published predictions under the four conventions, to the digit that other toolkits print."""

import json

import pytest

from evaluation import bone_error, evaluate, joint_error
from evaluation.metrics import pckh
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import read_predictions

FILES = ("newell.h5", "tompson.h5", "valid-ours.h5")
ANNOTATIONS = {
    "official": "valid_annolist.mat",
    "hrnet": "detections_our_format.mat",
    "mmpose": "valid_annolist.mat",
    "pytorch-pose": "detections_our_format.mat",
}
KEYS = {"pytorch-pose": "bearpaw"}  # the convention's name in expected.json


@pytest.fixture(scope="module")
def expected(shared):
    return json.loads((shared / "mpii/expected.json").read_text())


@pytest.fixture(scope="module")
def people(shared):
    return {name: read_annotations(shared / "mpii" / name).people for name in set(ANNOTATIONS.values())}


@pytest.fixture(scope="module")
def predictions(shared):
    return {name: read_predictions(shared / "mpii" / name).joints for name in FILES}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("convention", ANNOTATIONS)
def test_every_published_figure(file, convention, expected, people, predictions):
    truth = people[ANNOTATIONS[convention]]
    result = pckh(predictions[file], truth.joints, truth.head_size, thresholds=(0.5, 0.1, 0.11), convention=convention)
    want = expected["files"][file][KEYS.get(convention, convention)]
    for threshold in (0.5, 0.1):
        block = want[f"@{threshold}"]
        assert result.per_joint[threshold] == pytest.approx(block["per_joint"], abs=1e-3)
        assert result.groups[threshold] == pytest.approx(block["groups"], abs=1e-3)
    if "mean_at_0.11" in want:
        assert result.groups[0.11]["Mean"] == pytest.approx(want["mean_at_0.11"], abs=1e-3)
    if "AUC_0_0.5" in want:
        assert result.auc == pytest.approx(want["AUC_0_0.5"], abs=1e-3)
        assert result.upper_body[0.5] == pytest.approx(want["UBody@0.5"], abs=1e-3)
    assert (result.people, result.unscored) == (expected["n_people"], 0)
    assert list(result.annotated.values()) == expected["n_annotated_per_joint"]


@pytest.mark.parametrize("file", ["newell.h5", "valid-ours.h5"])
def test_joint_and_bone_error(file, expected, people, predictions):
    truth = people["valid_annolist.mat"]
    want = expected["files"][file]["errors"]
    joints = joint_error(predictions[file], truth.joints, truth.scale)
    bones = bone_error(predictions[file], truth.joints, truth.scale)
    assert joints.image_px == pytest.approx(want["joint_error_image_px"], abs=1e-3)
    assert joints.crop_px == pytest.approx(want["joint_error_crop224_px"], abs=1e-3)
    assert bones.image_px == pytest.approx(want["bone_error_image_px"], abs=1e-3)
    assert bones.crop_px == pytest.approx(want["bone_error_crop224_px"], abs=1e-3)


def test_evaluate_says_the_same_as_its_parts(expected, people, predictions):
    truth = people["valid_annolist.mat"]
    result = evaluate(predictions["newell.h5"], truth.joints, truth.head_size, truth.scale, truth.annotated)
    alone = pckh(predictions["newell.h5"], truth.joints, truth.head_size)
    for threshold in (0.5, 0.1):
        block = result["pckh"][str(threshold)]
        assert block["per_joint"] == alone.per_joint[threshold]
        assert block["groups"] == alone.groups[threshold]
    assert list(result["pckh_curve"].values()) == pytest.approx(alone.curve.tolist(), abs=0)
    assert result["pckh_auc"] == pytest.approx(alone.auc, abs=1e-12)
    assert result["counts"]["pckh"]["mean"] == expected["n_scored_joints_14"]
    joints = joint_error(predictions["newell.h5"], truth.joints, truth.scale)
    assert result["joint_error"]["image_px"] == joints.image_px
    assert result["joint_error"]["per_joint"]["l_knee"]["crop_px"] == joints.per_part["l_knee"][1]
    assert result["counts"]["bone_error"]["per_bone"]["thorax"] > 0
