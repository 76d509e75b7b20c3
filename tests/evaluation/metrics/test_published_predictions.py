"""Published predictions under the four conventions, to the digit that other toolkits print."""

import json

import pytest
from scored import values

from evaluation import bone_error, evaluate, joint_error, pckh

FILES = ("newell.h5", "tompson.h5", "valid-ours.h5")
ANNOTATIONS = {"official": "valid_annolist.mat", "mmpose": "valid_annolist.mat",
               "hrnet": "detections_our_format.mat", "pytorch-pose": "detections_our_format.mat"}  # fmt: skip
KEYS = {"pytorch-pose": "bearpaw"}  # the convention's name in expected.json


@pytest.fixture(scope="module")
def expected(shared):
    return json.loads((shared / "mpii/expected.json").read_text())


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("convention", ANNOTATIONS)
def test_every_published_number(file, convention, expected, real, real_gt):
    result = pckh(real(file), real_gt(ANNOTATIONS[convention]), thresholds=(0.5, 0.1, 0.11), convention=convention)
    want = expected["files"][file][KEYS.get(convention, convention)]
    for threshold in (0.5, 0.1):
        block, score = want[f"@{threshold}"], result.thresholds[threshold]
        assert values(score.per_part) == pytest.approx(block["per_joint"], abs=1e-3)
        assert values(score.groups["groups"]) == pytest.approx(block["groups"], abs=1e-3)
    if "mean_at_0.11" in want:
        assert result["pckh@0.11"].overall.value == pytest.approx(want["mean_at_0.11"], abs=1e-3)
    if "AUC_0_0.5" in want:
        assert result["pckh_curve"].overall.value == pytest.approx(want["AUC_0_0.5"], abs=1e-3)
        assert result["pckh@0.5"].groups["upper_body"].value == pytest.approx(want["UBody@0.5"], abs=1e-3)
    assert (result.people, result.left_out["without_head_size"]) == (expected["n_persons"], 0)
    assert list(result.pckh.counts.values()) == expected["n_annotated_per_joint"]


@pytest.mark.parametrize("file", ["newell.h5", "valid-ours.h5"])
def test_joint_and_bone_error(file, expected, real, real_gt):
    want = expected["files"][file]["errors"]
    for error in (joint_error, bone_error):
        for unit, crop in (("image_px", False), ("crop224_px", True)):
            score = error(real(file), real_gt(), crop=crop)
            assert score.overall.value == pytest.approx(want[f"{error.__name__}_{unit}"], abs=1e-3)


def test_evaluate_gives_the_same_as_its_parts(expected, real, real_gt):
    pred, gt = real("newell.h5"), real_gt()
    scores = evaluate(pred, gt)
    assert pckh(pred, gt).metrics.items() <= scores.metrics.items()
    in_mean = {name: count for name, count in scores.pckh.counts.items() if name not in ("pelvis", "thorax")}
    assert sum(in_mean.values()) == scores.pckh.count == expected["n_scored_joints_14"]
    assert scores["bone_error"].counts["thorax"] > 0
