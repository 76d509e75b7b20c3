"""Bars and tables by joint and bone, right beside left; Table 3."""

import pytest

from evaluation.report.joints import IN_TABLE_3, bones_by_side, joints_by_side, make_section, table_3
from evaluation.report.published import TABLE_3
from evaluation.report.tables import Cell
from heads.skeleton import MPII


@pytest.mark.parametrize(("figure", "error"), [("joint-error", "joint_error"), ("bone-error", "bone_error")])
def test_the_bars_of_a_section_are_the_errors_in_image_pixels(results, figure, error):
    caption, plot = make_section({"a": results["stage 1"]}).figures[figure]
    (axes,) = plot.axes
    parts = results["stage 1"][error].per_part
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    assert names == list(parts) and set(names) <= set(MPII.names)
    assert [bar.get_width() for bar in axes.patches] == [part.value for part in parts.values()]
    assert "px" in axes.get_xlabel() and "intervals" not in caption


def test_left_and_right_are_beside_each_other(results):
    scores = results["stage 1"]
    joints, bones = joints_by_side("x", scores), bones_by_side("x", scores)
    rows, errors = {row[0]: row[1:] for row in joints.rows}, scores["joint_error"].per_part
    assert [rows["knee"][4].value, rows["knee"][5].value] == [errors[f"{side}_knee"].value for side in "rl"]
    assert rows["pelvis"][5] == "" and rows["pelvis"][4].value == errors["pelvis"].value
    rows = {row[0]: row[1:] for row in bones.rows}
    assert rows["ankle to knee"][3].value == scores["bone_error"].per_part["l_ankle"].value
    for table, count in ((joints, len(MPII)), (bones, len(MPII) - 1)):
        assert len([cell for row in table.rows for cell in row[1:] if isinstance(cell, Cell)]) == 3 * count


@pytest.mark.parametrize("metric", IN_TABLE_3)
def test_table_3_by_kind_of_joint(trainings, metric):
    table = table_3(metric, trainings[:2])
    rows = {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
    assert list(rows)[-1] == "all"
    for kind, both in TABLE_3.items():
        values = [printed[metric] for printed in both]
        if kind in rows:
            assert [rows[kind][f"Paper: {name}"].value for name in ("Baseline", "Ours (all)")] == values
        else:
            assert values == [None, None] and metric == "illegal_angle"
    score, change = trainings[1].scores[metric], trainings[1].difference[metric]
    assert rows["knee"]["second"].interval == score.groups["per_kind"]["knee"].interval
    assert rows["knee"]["Δ second"].value == change.groups["per_kind"]["knee"].value
    own = metric in ("bone_std", "illegal_angle")
    assert ("pelvis" in rows) == ("joint" in metric) and ("gt" in table.head) == own
    assert rows["all"]["first"].value == trainings[0].scores[metric].overall.value


def test_table_3_of_the_paper_alone():
    table = table_3("joint_error")
    assert table.head == ("", "Paper: Baseline", "Paper: Ours (all)") and len(table.rows) == len(TABLE_3)
