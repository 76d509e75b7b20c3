"""Tables 2 to 6 with one's own scores beside the published ones, and what a second dataset gives."""

import pytest
from scored import rows_by_name, rows_by_section

from evaluation.report.human36m import HEADS, IN_TABLE_3, actions_table, table_2, table_3
from evaluation.report.published import ACTION_TABLES, ACTIONS, TABLE_2, TABLE_3

PUBLISHED = ["As published: Human3.6M", "As published: Human3.6M + MPII"]


def test_table_2_has_ours_the_differences_and_the_papers(trainings):
    found = rows_by_section(table_2(trainings))
    assert list(found) == ["Trained on studio", "Δ, minus first", "Trained on studio and wild", "Δ, minus second",
                           "The ground truth itself", *PUBLISHED]  # fmt: skip
    assert list(found["Trained on studio"]) == ["first", "second"] and list(found["Δ, minus first"]) == ["second"]
    for metric, head in HEADS.items():
        assert found["Trained on studio"]["second"][head].value == trainings[1].scores[metric].overall.value
        assert found["Δ, minus first"]["second"][head].interval == trainings[1].difference[metric].overall.interval
    own = found["The ground truth itself"]["ground truth"]
    assert own["Illegal %"].value == trainings[0].scores["gt_illegal_angle"].overall.value
    assert own["Joint mm"].value is None
    printed = [row for caption in PUBLISHED for row in found[caption].values()]
    for values, row in zip(TABLE_2.values(), printed, strict=True):
        for metric, value in values.items():
            cell = row[HEADS[metric]]
            assert cell == "< 1" if value is None else (cell.value, cell.interval) == (value, None)
        assert row["PA scaled mm"].value is None
    assert "Δ" not in table_2([trainings[0]]).text()


@pytest.mark.parametrize("number", [4, 5, 6])
def test_tables_by_action(trainings, number):
    table = actions_table(number, trainings[:2])
    published = ACTION_TABLES[f"table{number}"]
    rows = rows_by_name(table)
    assert list(rows) == [*ACTIONS, "Jumping", "Avg"]
    score, change = (found[published["metric"]].groups for found in (trainings[1].scores, trainings[1].difference))
    assert rows["WalkDog"]["second"].interval == score["per_action"]["WalkingDog"].interval
    assert rows["WalkDog"]["Δ second"].value == change["per_action"]["WalkingDog"].value
    assert rows["Avg"]["second"].value == score["action_mean"].value
    assert rows["Jumping"]["first"].value and rows["Walk"]["first"].value is None
    for label, work, values, average in published["rows"]:
        assert [rows[action][label].value for action in ACTIONS] == (values or [None] * 15)
        assert rows["Avg"][label].value == average
        assert rows["Jumping"][label].value is None and work in table.note
    alone = actions_table(number)
    assert alone.head[1:] == tuple(row[0] for row in published["rows"]) and len(alone.rows) == 16


@pytest.mark.parametrize("metric", IN_TABLE_3)
def test_table_3_by_kind_of_joint(trainings, metric):
    table = table_3(metric, trainings[:2])
    rows = rows_by_name(table)
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
    alone = table_3(metric)
    assert alone.head == ("", "Paper: Baseline", "Paper: Ours (all)")
    assert {row[0] for row in alone.rows} == {kind for kind, (base, _) in TABLE_3.items() if base[metric] is not None}
