"""Tables in every format, and what the tables of scores hold."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scored import FEW, people_and_poses, rows_by_name

from evaluation import METRICS, Estimate, GroundTruth, compare, evaluate, pckh
from evaluation.report import tables
from evaluation.report.tables import Cell, cell
from heads.skeleton import MPII

SHOWN = [metric for metric in METRICS[3] if not metric.of_gt]


def test_groups_are_table_8s_columns(results):
    table = tables.groups_table(results)
    assert table.head[1:] == ("Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean")
    for (name, *cells), scores in zip(table.rows, results.values(), strict=True):
        assert name in results
        assert [each.value for each in cells] == [one.value for one in scores.pckh.groups["groups"].values()]


def test_summary_holds_errors_and_their_intervals(results):
    row = rows_by_name(tables.summary_table(results))["stage 1"]
    scores = results["stage 1"]
    for head, name in (("Joint px", "joint_error"), ("Bone crop px", "bone_error_crop"), ("PCKh@0.5", "pckh@0.5")):
        assert (row[head].value, row[head].interval) == (scores[name].overall.value, scores[name].overall.interval)


def test_every_joint_has_a_row_with_its_count(results):
    rows = rows_by_name(tables.joints_table(results["stage 0"]))
    assert tuple(rows) == MPII.names and {row["Annotated"] for row in rows.values()} == {"60"}
    assert rows["pelvis"]["Bone error"] == "-"
    assert rows["r_knee"]["PCKh@0.1"].value == results["stage 0"]["pckh@0.1"].per_part["r_knee"].value


def test_metrics_in_3d_by_method(trainings):
    table = tables.summary_table({entry.name: entry.scores for entry in trainings})
    rows = rows_by_name(table)
    assert table.head[1:] == tuple(metric.head for metric in SHOWN) and list(rows)[-1] == "ground truth"
    for entry in trainings:
        for metric in SHOWN:
            found, score = rows[entry.name][metric.head], entry.scores[metric.name].overall
            assert (found.value, found.interval) == (score.value, score.interval)
    own = {"Bone Std mm": "gt_bone_std", "Illegal %": "gt_illegal_angle"}
    for head, found in rows["ground truth"].items():
        assert found.value == (trainings[0].scores[own[head]].overall.value if head in own else None)


def test_what_was_not_measured_has_no_column():
    gt, (pose,) = people_and_poses(3, 40)
    table = tables.summary_table({"plain": evaluate(pose, gt)})
    assert "Illegal %" not in table.head and "[" not in table.text() and "sequences" not in table.title
    assert "Protocol 1" in tables.summary_table({"known": evaluate(pose, replace(gt, protocol="Protocol 1"))}).title


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_difference_is_signed_and_has_no_ground_truth(dimensions):
    gt, poses = people_and_poses(dimensions, 20, 40)
    (row,) = tables.summary_table({"a - b": compare(*poses, gt, bootstrap=FEW)}, signed=True).rows
    assert str(row[1]).startswith("-") and len(str(row[1].value).partition(".")[2]) > 2 == row[1].digits


def test_metrics_in_3d_by_joint(trainings):
    scores = trainings[0].scores
    rows = rows_by_name(tables.joints_table(scores))
    assert tuple(rows) == (*MPII.names, "all")
    assert rows["pelvis"]["Joint mm"].value == 0 and rows["pelvis"]["Bone mm"] == rows["r_wrist"]["Illegal %"] == "-"
    assert rows["r_elbow"]["gt Illegal %"].value == scores["gt_illegal_angle"].per_part["r_elbow"].value
    assert rows["all"]["gt Bone Std mm"].value == scores["gt_bone_std"].overall.value


def test_metrics_in_3d_by_action_and_subject(trainings):
    scores = trainings[0].scores
    actions, subjects = tables.breakdown_tables(scores)
    assert [row[0] for row in actions.rows] == ["Jumping", "WalkingDog", "Avg"] and "Bone Std mm" not in actions.head
    columns = np.array([[each.value for each in row[1:]] for row in actions.rows])
    assert columns[2] == pytest.approx(columns[:2].mean(axis=0))
    assert [row[0] for row in subjects.rows] == ["S11", "S9"] and "Bone Std mm" in subjects.head
    assert subjects.rows[0][1].value == scores["joint_error"].groups["per_subject"]["S11"].value
    gt, (pose,) = people_and_poses(3, 40)
    assert tables.breakdown_tables(evaluate(pose, replace(gt, action=None, subject=None))) == []


def test_text_columns_line_up(results):
    table = tables.groups_table(results)
    _, head, rule, *rows = table.text().splitlines()
    assert {len(line) for line in (head, rule, *rows)} == {len(rule)}
    ends = [head.index(name) + len(name) for name in table.head[1:]]
    for row in rows:
        assert all(row[end - 1] == "]" for end in ends)


@pytest.mark.parametrize(("found", "text"), [
    (cell(Estimate(None)), "-"),
    (cell(Estimate(56.49)), "56.5"),
    (cell(Estimate(56.49), digits=2), "56.49"),
    (cell(Estimate(56.49, 55.0, 58.0)), "56.5 [55.0, 58.0]"),
    (Cell(1.26, (-0.04, 2.5), signed=True), "+1.3 [0.0, +2.5]"),
    (Cell(-0.004, digits=2, signed=True), "0.00"),
    (Cell(7788, digits=0), "7788"),
])  # fmt: skip
def test_cells_as_text(found, text):
    assert str(found) == text


def test_sections_and_notes_are_in_every_format(small):
    for written in (small.text(), small.markdown()):
        assert "read <me>" in written and "Part <1>" in written
    assert "| <b> | -1.0 [-1.5, +0.5] |" in small.markdown()
    assert "| **Part <1>** |  |" in small.markdown() and "x\\|y" in small.markdown()
    assert json.loads(json.dumps(small.to_json()))["rows"][0][1] == {"value": -1.04, "interval": [-1.5, 0.5]}


def test_file_names_hold_letters_digits_and_dashes():
    assert tables.file_name("My run, stage 1!") == "my-run--stage-1"


def test_a_score_prints_the_tables_of_the_command(results):
    """Summary, PCKh at both thresholds, joints and kinds of error; PCKh alone has no more."""
    scores = results["stage 1"]
    lines, official = str(scores).splitlines(), {"official": scores}
    assert lines[:4] == tables.summary_table(official).text().splitlines()[:4]
    for table in (tables.groups_table(official, 0.1), tables.joints_table(scores), tables.kinds_table(scores)):
        assert table.text() in str(scores)
    assert str(scores.pckh.overall.value)[:4] in lines[3]
    pred = np.random.default_rng(0).uniform(0, 99, (4, 16, 2))
    assert str(pckh(pred, GroundTruth(pred, np.ones(4)), thresholds=[0.3])).count("100.0") == 8


def test_a_frame_has_a_row_per_estimate(results):
    pytest.importorskip("pandas")
    frame = results["stage 1"].to_frame().set_index(["metric", "group", "part"])
    wrist = results["stage 1"]["joint_error"].per_part["l_wrist"]
    assert frame.loc[("joint_error", "per_part", "l_wrist")].tolist() == [wrist.value, *wrist.interval]
    assert frame.loc[("kind_swap", "groups", "Mean"), "value"] == results["stage 1"]["kind_swap"].overall.value
    assert np.isnan(frame.loc[("kind_swap", "parts", "visible"), "value"])
