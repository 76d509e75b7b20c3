import json
import math
from dataclasses import fields

import numpy as np
import pytest
from angle_model import write_angle_model

from checkpoints.errors import PoseError
from evaluation import (
    Bootstrap,
    Estimate,
    GroundTruth3D,
    compare_3d,
    evaluate_3d,
    illegal_angles,
    load_angle_limits,
    mpjpe,
    p_mpjpe,
)
from evaluation.metrics.bone_lengths import bone_std
from evaluation.metrics.distances import bone_names
from evaluation.metrics.evaluate_3d import Score3D
from heads.skeleton import MPII

BONES = bone_names(MPII)
# Rows of the paper's Table 3 by the joint's name without its side.
TABLE_3 = {"ankle": "Ankle(->Knee)", "knee": "Knee(->Hip)", "hip": "Hip(->Pelvis)", "thorax": "Thorax(->Pelvis)",
           "upper_neck": "Neck(->Thorax)", "head_top": "Head(->Neck)", "wrist": "Wrist(->Elbow)",
           "elbow": "Elbow(->Shoulder)", "shoulder": "Shoulder(->Thorax)"}  # fmt: skip


def data(people=120, missing=0.15, seed=0):
    """Predictions, and ground truth of 2 subjects, 3 actions and 2 sequences of each, of unequal lengths."""
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 300, (people, 16, 3))
    pred = joints + rng.normal(0, 50, joints.shape) * rng.uniform(0.5, 2, (people, 1, 1))
    joints[rng.random((people, 16)) < missing] = np.nan
    subject, action = (
        rng.choice(["S9", "S11"], people, p=[0.7, 0.3]),
        rng.choice(["Eating", "Sitting", "Walking"], people),
    )
    return pred, GroundTruth3D(joints, subject=subject, action=action, sequence=rng.integers(1, 3, people))


def rows_of(gt, rows):
    return GroundTruth3D(gt.joints[rows], None, MPII, gt.subject[rows], gt.action[rows], gt.sequence[rows])


@pytest.fixture(scope="module")
def limits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("angles")
    write_angle_model(folder)
    return load_angle_limits(folder)


@pytest.fixture(scope="module")
def table_3(shared):
    """Metric -> method -> joint kind -> the paper's value, and under "Average" what it prints."""
    rows = json.loads((shared / "paper" / "tables.json").read_text())["table3"]["rows"]
    kinds = {"Average": "Average", **TABLE_3}
    return {
        metric: {
            method: {kind: rows[row][f"{metric} {method}"] for kind, row in kinds.items()}
            for method in ("BL", "Ours (all)")
        }
        for metric in ("Joint Error", "Bone Error", "Bone Std", "Illegal Angle")
    }


def kind(joint):
    return joint.partition("_")[2] if joint[:2] in ("r_", "l_") else joint


def scores_by_name(scores):
    return {f.name: found for f in fields(scores) if isinstance(found := getattr(scores, f.name), Score3D)}


def test_every_part_is_the_metric_of_those_people(limits):
    pred, gt = data()
    scores = evaluate_3d(pred, gt, angle_limits=limits)
    assert (scores.people, scores.sequences, scores.bootstrap) == (120, 12, None)
    known = gt.joints
    masked = np.where(np.isfinite(known), pred, np.nan)
    metrics = {
        "joint_error": lambda rows: mpjpe(pred[rows], known[rows]),
        "pa_joint_error": lambda rows: p_mpjpe(pred[rows], known[rows]),
        "pa_joint_error_scaled": lambda rows: p_mpjpe(pred[rows], known[rows], scale=True),
        "illegal_angle": lambda rows: 100 * np.nanmean(illegal_angles(masked[rows], limits)),
        "gt_illegal_angle": lambda rows: 100 * np.nanmean(illegal_angles(known[rows], limits)),
    }
    for name, metric in metrics.items():
        score = getattr(scores, name)
        assert score.overall.value == pytest.approx(metric(slice(None)))
        by_action = {action: pytest.approx(metric(gt.action == action)) for action in ("Eating", "Sitting", "Walking")}
        assert {action: found.value for action, found in score.per_action.items()} == by_action
        assert score.action_mean.value == pytest.approx(np.mean([found.value for found in score.per_action.values()]))
        assert {subject: found.value for subject, found in score.per_subject.items()} == {
            subject: pytest.approx(metric(gt.subject == subject)) for subject in ("S11", "S9")
        }


def test_right_and_left_together_are_the_kinds_of_table_3():
    pred, gt = data()
    scores = evaluate_3d(pred, gt)
    assert set(scores.joint_error.per_kind) == {name.replace("_", " ") for name in (*TABLE_3, "pelvis")}
    errors = np.linalg.norm((pred - pred[:, 6:7]) - (gt.joints - gt.joints[:, 6:7]), axis=-1)
    wrists = [MPII.index("r_wrist"), MPII.index("l_wrist")]
    assert scores.joint_error.per_kind["wrist"].value == pytest.approx(np.nanmean(errors[:, wrists]))
    stds = bone_std(np.where(np.isfinite(gt.joints), pred, np.nan), gt.subject)
    columns = [BONES.index("r_wrist"), BONES.index("l_wrist")]
    assert scores.bone_std.per_kind["wrist"].value == pytest.approx(np.mean([each[columns] for each in stds.values()]))
    for score in (scores.joint_error, scores.pa_joint_error, scores.bone_error, scores.bone_std):
        assert score.per_kind["thorax"].value == pytest.approx(score.per_part["thorax"].value)


def test_bone_error_and_bone_std_by_bone():
    pred, gt = data()
    scores = evaluate_3d(pred, gt)
    for prefix, joints in (("", np.where(np.isfinite(gt.joints), pred, np.nan)), ("gt_", gt.joints)):
        score, stds = getattr(scores, f"{prefix}bone_std"), bone_std(joints, gt.subject)
        assert score.overall.value == pytest.approx(np.mean([stds["S9"], stds["S11"]]))
        assert [found.value for found in score.per_part.values()] == pytest.approx((stds["S9"] + stds["S11"]) / 2)
        assert score.per_subject["S9"].value == pytest.approx(np.mean(stds["S9"]))
        assert score.per_action == {} and score.action_mean == Estimate(None)
    for bone in BONES:
        child = MPII.index(bone)
        parent = MPII.parents[child]
        errors = [
            math.dist(guess[parent] - guess[child], true[parent] - true[child])
            for guess, true in zip(pred, gt.joints, strict=True)
            if not np.isnan(true[[child, parent]]).any()
        ]
        assert scores.bone_error.per_part[bone].value == pytest.approx(np.mean(errors))
        assert scores.bone_error.counts[bone] == scores.bone_std.counts[bone] == len(errors)


def test_intervals_agree_with_evaluating_each_resample_of_the_sequences(limits):
    pred, gt = data(people=60)
    scores = evaluate_3d(pred, gt, bootstrap=Bootstrap(resamples=40, seed=9), angle_limits=limits)
    names = sorted(set(zip(gt.subject, gt.action, gt.sequence, strict=True)))
    members = [
        [row for row in range(60) if (gt.subject[row], gt.action[row], gt.sequence[row]) == name] for name in names
    ]
    rng = np.random.default_rng(9)
    found = []
    for _ in range(40):
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
        rows = [row for one, count in zip(members, counts, strict=True) for row in one * count]
        found.append(evaluate_3d(pred[rows], rows_of(gt, rows), angle_limits=limits))
    for name, score in scores_by_name(scores).items():
        for pick in (
            lambda s: s.overall,
            lambda s: s.action_mean,
            lambda s: s.per_part["r_knee"],
            lambda s: s.per_subject.get("S9", Estimate(None)),
        ):
            samples = [value for one in found if (value := pick(getattr(one, name)).value) is not None]
            if samples:
                assert pick(score).interval == pytest.approx(np.percentile(samples, [2.5, 97.5])), name


def test_neighboring_frames_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 300, (30, 16, 3))
    pred = joints + rng.normal(0, 50, joints.shape)
    name = np.arange(30).astype(str)
    few = evaluate_3d(pred, GroundTruth3D(joints, sequence=name), bootstrap=Bootstrap())
    many = evaluate_3d(
        np.repeat(pred, 20, axis=0),
        GroundTruth3D(np.repeat(joints, 20, axis=0), sequence=np.repeat(name, 20)),
        bootstrap=Bootstrap(),
    )
    assert many.joint_error.overall.interval == pytest.approx(few.joint_error.overall.interval)
    assert (many.people, many.sequences) == (600, 30)


def test_sequences_that_are_not_named():
    joints = np.zeros((6, 16, 3))
    subject, action = list("aabbbb"), list("xyxxyy")
    assert GroundTruth3D(joints).sequences.count == GroundTruth3D(joints, subject=subject).sequences.count == 6
    assert GroundTruth3D(joints, subject=subject, action=action).sequences.count == 4
    named = GroundTruth3D(joints, subject=subject, sequence=[1, 1, 1, 1, 1, 2]).sequences
    assert named.count == 3 and named.subject[named.index].tolist() == subject


def test_compare_is_the_difference_of_two_evaluations(limits):
    pred, gt = data()
    worse = pred + np.random.default_rng(1).normal(0, 40, pred.shape)
    found = compare_3d(worse, pred, gt, angle_limits=limits)
    ours, theirs = (evaluate_3d(poses, gt, angle_limits=limits) for poses in (worse, pred))
    assert found.gt_bone_std is None and found.gt_illegal_angle is None
    for name, score in scores_by_name(found).items():
        one, other = getattr(ours, name), getattr(theirs, name)
        assert score.overall.value == pytest.approx(one.overall.value - other.overall.value, abs=1e-9)
        assert score.per_part["r_elbow"].value == pytest.approx(
            one.per_part["r_elbow"].value - other.per_part["r_elbow"].value, abs=1e-9
        )
        assert score.counts == one.counts
    error = found.joint_error.overall
    assert 0 < error.low < error.value < error.high
    assert compare_3d(pred, pred, gt).bone_error.overall == Estimate(0, 0, 0)


def test_who_does_not_count_is_counted():
    pred, gt = data(people=8, missing=0)
    gt.joints[0, MPII.root] = np.nan
    gt.joints[1, 2:] = np.nan
    pred[1, 5] = np.nan
    scores = evaluate_3d(pred, GroundTruth3D(gt.joints))
    assert (scores.without_root, scores.unaligned) == (2, 1)
    assert scores.joint_error.counts["r_knee"] == 6 and scores.bone_error.counts["r_ankle"] == 8
    assert scores.pa_joint_error.counts["r_knee"] == 7
    assert scores.bone_std.overall == Estimate(None) and scores.joint_error.per_subject == {}


def test_nobody_at_all(limits):
    scores = evaluate_3d(np.zeros((0, 16, 3)), GroundTruth3D(np.zeros((0, 16, 3))), bootstrap=Bootstrap(20),
                         angle_limits=limits)  # fmt: skip
    assert {score.overall for score in scores_by_name(scores).values()} == {Estimate(None)}


def test_joint_error_averages_as_table_3_does(table_3):
    for method, printed in (("BL", 102.22), ("Ours (all)", 92.37)):
        errors = table_3["Joint Error"][method]
        gt = np.random.default_rng(0).normal(0, 300, (1, 16, 3))
        offset = np.array([errors.get(kind(name), 0) for name in MPII.names])
        score = evaluate_3d(gt + offset[:, None] * (0.6, 0, 0.8), GroundTruth3D(gt)).joint_error
        assert score.overall.value == pytest.approx(printed, abs=0.005)
        assert score.overall.value == pytest.approx(errors["Average"], abs=0.05)
        assert score.per_part["pelvis"].value == 0


def poses_of_bones(bones):
    """(N, 16, 3) poses with these bones (N, 15, 3), the root at the origin."""
    joints = np.zeros((len(bones), 16, 3))
    for index, path in enumerate(MPII.ancestry):
        for joint in path[:-1]:
            joints[:, index] -= bones[:, BONES.index(MPII.names[joint])]
    return joints


def test_bone_std_averages_as_table_3_does(table_3):
    for method, printed in (("BL", 26.38), ("Ours (all)", 21.65)):
        stds = table_3["Bone Std"][method]
        spread = np.array([stds[kind(name)] for name in BONES])
        lengths = 300 + np.array([[-1], [1], [-1.5], [1.5]]) * spread
        subject = ["S9", "S9", "S11", "S11"]  # standard deviations of 1 and 1.5 times the paper's
        gt = GroundTruth3D(poses_of_bones(lengths[..., None] * (0, 0.6, 0.8)), subject=subject)
        score = evaluate_3d(gt.joints, gt).bone_std
        assert score.overall.value / 1.25 == pytest.approx(printed, abs=0.005)
        assert score.overall.value / 1.25 == pytest.approx(stds["Average"], abs=0.06)


def test_bone_error_leaves_out_the_root_and_the_papers_average_does_not_follow(table_3):
    for method, average in (("BL", 68.6), ("Ours (all)", 60.9)):
        errors = table_3["Bone Error"][method]
        offset = np.array([errors[kind(name)] for name in BONES])[None, :, None] * (1.0, 0, 0)
        gt = GroundTruth3D(np.random.default_rng(0).normal(0, 300, (1, 16, 3)))
        score = evaluate_3d(gt.joints + poses_of_bones(offset), gt).bone_error
        assert score.overall.value == pytest.approx(average, abs=0.05)
        assert abs(score.overall.value - errors["Average"]) > 2


def test_illegal_angle_averages_as_table_3_does(table_3, limits, monkeypatch):
    """1,000 people of whom as many have each angle illegal as the paper has; of the rest only the mean is looked at."""
    from evaluation.metrics import angle_limits
    from evaluation.metrics import evaluate_3d as module

    for method, printed in (("BL", 3.76), ("Ours (all)", 2.50)):
        percent = table_3["Illegal Angle"][method]
        share = np.array([percent[kind(name)] for name in angle_limits.ANGLES])
        illegal = np.arange(1000)[:, None] < 10 * share - 0.5
        monkeypatch.setattr(module, "illegal_angles", lambda *_, illegal=illegal: illegal.astype(float))
        gt = GroundTruth3D(np.zeros((1000, 16, 3)))
        assert evaluate_3d(gt.joints, gt, angle_limits=limits).illegal_angle.overall.value == pytest.approx(
            printed, abs=0.006
        )
        assert printed == pytest.approx(percent["Average"], abs=0.07)


@pytest.mark.parametrize("table", ["table4", "table5", "table6"])
@pytest.mark.parametrize("method", ["Baseline", "Ours (all)"])
def test_avg_is_the_plain_mean_of_the_actions(shared, table, method):
    row = json.loads((shared / "paper" / "tables.json").read_text())[table]["rows"][method]
    errors = {action: error for action, error in row.items() if action != "Avg"}
    action = np.repeat(list(errors), [30 if name == "SitDown" else 1 for name in errors])
    gt = np.random.default_rng(0).normal(0, 300, (len(action), 16, 3))
    offset = np.array([errors[name] for name in action])[:, None, None] * (np.arange(16) != MPII.root)[:, None]
    score = evaluate_3d(gt + offset * (16 / 15, 0, 0), GroundTruth3D(gt, action=action)).joint_error
    assert score.per_action["Walk"].value == pytest.approx(errors["Walk"])
    assert score.action_mean.value == pytest.approx(row["Avg"], abs=0.07)
    assert score.overall.value > row["Avg"] + 5


def test_bad_input_is_named():
    joints = np.zeros((3, 16, 3))
    for given, says in (
        ((joints[..., :2],), r"shape \(3, 16, 2\); expected \(people, 16, 3\), in mm"),
        ((joints, np.ones((3, 15))), r"annotated has shape \(3, 15\), expected \(3, 16\)"),
        ((joints, None, MPII, ["a", "b"]), r"subject has shape \(2,\), expected \(3,\)"),
        ((joints * np.nan, np.ones((3, 16), bool)), "row 0, joint 'r_ankle' is annotated but has no finite position"),
    ):
        with pytest.raises(PoseError, match=says):
            GroundTruth3D(*given)
    with pytest.raises(PoseError, match=r"predictions have shape \(2, 16, 3\)"):
        evaluate_3d(joints[:2], GroundTruth3D(joints))
    with pytest.raises(PoseError, match="prediction: row 0"):
        compare_3d(joints, joints * np.nan, GroundTruth3D(joints))
