"""Tables 3 to 6 with one's own scores beside the published ones."""

import pytest

from evaluation.report.human36m import IN_TABLE_3, actions_table, table_3
from evaluation.report.published import ACTION_TABLES, ACTIONS, TABLE_3


@pytest.mark.parametrize("number", [4, 5, 6])
def test_tables_by_action(trainings, number):
    table = actions_table(number, trainings[:2])
    published = ACTION_TABLES[f"table{number}"]
    rows = {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
    assert list(rows) == [*ACTIONS, "Jumping", "Avg"]
    score, change = (found[published.metric].groups for found in (trainings[1].scores, trainings[1].difference))
    assert rows["WalkDog"]["second"].interval == score["per_action"]["WalkingDog"].interval
    assert rows["WalkDog"]["Δ second"].value == change["per_action"]["WalkingDog"].value
    assert rows["Avg"]["second"].value == score["action_mean"].value
    assert rows["Jumping"]["first"].value and rows["Walk"]["first"].value is None
    for row in published.rows:
        values = [rows[action][row.label].value for action in ACTIONS]
        assert values == (list(row.values) or [None] * 15) and rows["Avg"][row.label].value == row.average
        assert rows["Jumping"][row.label].value is None and row.work in table.note
    alone = actions_table(number)
    assert alone.head[1:] == tuple(row.label for row in published.rows) and len(alone.rows) == 16


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
