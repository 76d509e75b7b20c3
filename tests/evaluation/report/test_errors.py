"""Where the error is: bars by joint and bone, parts of the data, and sequences."""

import json

import numpy as np
import pytest
from scattered import noisy_people
from scored import values

from evaluation import GroundTruth, evaluate
from evaluation.metrics.bootstrap import FEWEST
from evaluation.metrics.errors import sequence_errors
from evaluation.report.errors import breakdown, make_joints_section, parts_by_annotated, parts_by_size
from heads.skeleton import MPII


@pytest.mark.parametrize(("figure", "error"), [("joint-error", "joint_error"), ("bone-error", "bone_error")])
def test_the_dots_of_a_section_are_errors_in_image_pixels(results, figure, error):
    (axes,) = make_joints_section({"a": results["stage 1"]}).figures[figure][1].axes
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    dots = axes.containers[0].lines[0].get_xdata()
    assert dict(zip(names, dots, strict=True)) == values(results["stage 1"][error].per_part)
    assert "px" in axes.get_xlabel()


@pytest.fixture
def data():
    pred, gt = noisy_people(120, missing=0.3)
    gt.joints[0] = np.nan
    gt.joints[1] = pred[1]
    return pred, GroundTruth(gt.joints, gt.head_size, gt.scale)


def with_scale(scale):
    return GroundTruth(np.ones((len(scale), 16, 2)), scale=scale)


def test_sizes_are_quarters_named_by_height():
    parts = parts_by_size(with_scale(np.array([1.0, np.nan, 4.0, 2.0, 3.0, -1.0, 5.0, 6.0, 7.0, 8.0])))
    people = list(parts.values())
    assert np.sum(people, axis=1).tolist() == [2, 2, 2, 2]
    assert np.sum(people, axis=0).tolist() == [1, 0, 1, 1, 1, 0, 1, 1, 1, 1]
    assert next(iter(parts)).startswith("200 to ") and [*parts][-1].endswith(" to 1600")
    assert parts_by_size(with_scale([np.nan, 0])) == {}
    (everyone,) = parts_by_size(with_scale([2.0, 2.0])).values()
    assert everyone.all()


def test_counts_cover_everyone_once(data):
    _, gt = data
    annotated, parts = gt.annotated, parts_by_annotated(gt)
    assert (np.sum(list(parts.values()), axis=0) == annotated.any(axis=1)).all()
    assert list(parts) == ["1 to 8", "9 to 12", "13 to 15", "all 16"]
    for people, low, high in zip(parts.values(), (1, 9, 13, 16), (8, 12, 15, 16), strict=True):
        assert (people == ((annotated.sum(axis=1) >= low) & (annotated.sum(axis=1) <= high))).all()


def test_a_part_is_the_evaluation_of_its_people(data):
    pred, gt = data
    parts = parts_by_size(gt) | parts_by_annotated(gt)
    scores = breakdown(pred, gt, parts)
    for label, people in parts.items():
        rows, part = np.flatnonzero(people), scores[label]
        counted = gt.annotated[rows]
        distances = np.linalg.norm(pred - gt.joints, axis=-1)[rows] * 224 / (250 * gt.scale[rows, None])
        error = part["joint_error_crop"].overall
        assert error.value == pytest.approx(distances[counted].mean())
        assert part["joint_error"].count == counted.sum() and part.people == counted.any(axis=1).sum()
        assert part.people < FEWEST or error.low < error.value < error.high


def test_each_sequence_scores_what_its_people_score_alone():
    pred, gt = noisy_people(90, 3, missing=0.1)
    found = sequence_errors(pred, gt)
    assert len(found) == 12 and sum(each["persons"] for each in found) == 90
    assert [each["joint_error"] for each in found] == sorted((each["joint_error"] for each in found), reverse=True)
    for each in found:
        rows = np.all([getattr(gt, name) == each[name] for name in ("subject", "action", "sequence")], axis=0)
        alone = evaluate(pred[rows], GroundTruth(gt.joints[rows]))
        assert each["persons"] == rows.sum()
        for name in ("joint_error", "pa_joint_error", "bone_error"):
            assert each[name] == pytest.approx(alone[name].overall.value), name


def test_unnamed_people_are_sequences_of_their_own():
    pred, gt = noisy_people(3, 3, missing=0)
    joints = gt.joints.copy()
    joints[1, MPII.root] = np.nan  # no Joint Error
    found = sequence_errors(pred, GroundTruth(joints))
    assert [each["persons"] for each in found] == [1, 1, 1] and found[0]["subject"] == found[0]["sequence"] == ""
    assert found[-1]["joint_error"] is None and found[-1]["bone_error"] > 0
    assert json.loads(json.dumps(found)) == found
