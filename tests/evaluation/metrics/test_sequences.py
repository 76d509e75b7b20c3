import json

import numpy as np
import pytest
from scattered import noisy_people

from evaluation import GroundTruth, evaluate
from evaluation.metrics.json_format import to_json
from evaluation.metrics.sequences import sequence_errors
from heads.skeleton import MPII


def test_each_sequence_scores_what_its_people_score_alone():
    pred, gt = noisy_people(90, 3, missing=0.1)
    found = sequence_errors(pred, gt)
    assert len(found) == 12 and sum(each.people for each in found) == 90
    assert [each.joint_error for each in found] == sorted((each.joint_error for each in found), reverse=True)
    for each in found:
        rows = (gt.subject == each.subject) & (gt.action == each.action) & (gt.sequence == each.sequence)
        alone = evaluate(pred[rows], GroundTruth(gt.joints[rows]))
        assert each.people == rows.sum()
        for name in ("joint_error", "pa_joint_error", "bone_error"):
            assert getattr(each, name) == pytest.approx(alone[name].overall.value), name


def test_unnamed_people_are_sequences_of_their_own():
    pred, gt = noisy_people(3, 3, missing=0)
    joints = gt.joints.copy()
    joints[1, MPII.root] = np.nan  # no Joint Error
    found = to_json(sequence_errors(pred, GroundTruth(joints)))
    assert [each["persons"] for each in found] == [1, 1, 1] and found[0]["subject"] == found[0]["sequence"] == ""
    assert found[-1]["joint_error"] is None and found[-1]["bone_error"] > 0
    assert json.loads(json.dumps(found)) == found
