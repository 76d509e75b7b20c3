import json

import numpy as np
import pytest

from evaluation import GroundTruth3D, evaluate_3d
from evaluation.metrics.sequences import sequence_errors, sequences_to_json
from heads.skeleton import MPII


def data(people=90, seed=0):
    """Ground truth of 2 subjects, 2 actions and 2 sequences of each, and predictions."""
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 300, (people, 16, 3))
    pred = joints + rng.normal(0, 50, joints.shape)
    joints[rng.random((people, 16)) < 0.1] = np.nan
    names = {name: rng.choice(values, people) for name, values in
             (("subject", ["S9", "S11"]), ("action", ["Eating", "Walking"]), ("sequence", ["1", "2"]))}  # fmt: skip
    return pred, GroundTruth3D(joints, **names)


def test_each_sequence_scores_what_its_people_score_alone():
    pred, gt = data()
    found = sequence_errors(pred, gt)
    assert len(found) == 8 and sum(each.people for each in found) == 90
    assert [each.joint_error for each in found] == sorted((each.joint_error for each in found), reverse=True)
    for each in found:
        rows = (gt.subject == each.subject) & (gt.action == each.action) & (gt.sequence == each.sequence)
        alone = evaluate_3d(pred[rows], GroundTruth3D(gt.joints[rows]))
        assert each.people == rows.sum()
        for name in ("joint_error", "pa_joint_error", "bone_error"):
            assert getattr(each, name) == pytest.approx(getattr(alone, name).overall.value), name


def test_people_without_names_are_sequences_of_their_own_and_undefined_ones_come_last():
    pred, gt = data(3)
    joints = gt.joints.copy()
    joints[1, MPII.root] = np.nan  # no Joint Error
    found = sequences_to_json(sequence_errors(pred, GroundTruth3D(joints)))
    assert [each["persons"] for each in found] == [1, 1, 1] and found[0]["subject"] == found[0]["sequence"] == ""
    assert found[-1]["joint_error"] is None and found[-1]["bone_error"] > 0
    assert json.loads(json.dumps(found)) == found
