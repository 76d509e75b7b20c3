"""Tables 4 to 6 with one's own scores beside the published ones."""

import pytest

from evaluation.report.actions import actions_table, name_odd_averages
from evaluation.report.published import ACTION_TABLES, ACTIONS


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


def test_averages_that_are_no_means_are_named():
    odd = {name: name_odd_averages(table) for name, table in ACTION_TABLES.items()}
    assert [name for text in odd.values() for name in ("Yasin", "Chen", "Tome", "Mehta", "Pavlakos", "Zhou 2016")
            if name in text] == ["Yasin", "Chen", "Chen", "Tome", "Mehta", "Pavlakos", "Zhou 2016"]  # fmt: skip
    assert "Baseline" not in "".join(odd.values()) and "Ours" not in "".join(odd.values())
    assert "66.9 (66.64)" in odd["table5"]
