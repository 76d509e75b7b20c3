"""What the paper prints in Tables 2 to 6: digit by digit, and whether its notes say what the numbers say."""

import json

import numpy as np
import pytest

from evaluation.report.paper_tables_3d import METRICS, odd_averages
from evaluation.report.published_3d import (
    ACTION_TABLES,
    ACTIONS,
    PAPER_NAMES,
    TABLE_2,
    TABLE_2_NOTES,
    TABLE_3,
    TABLE_3_NOTES,
    paper_action,
)

KINDS = {"all": "Average", "ankle": "Ankle(->Knee)", "knee": "Knee(->Hip)", "hip": "Hip(->Pelvis)",
         "thorax": "Thorax(->Pelvis)", "upper neck": "Neck(->Thorax)", "head top": "Head(->Neck)",
         "wrist": "Wrist(->Elbow)", "elbow": "Elbow(->Shoulder)", "shoulder": "Shoulder(->Thorax)"}  # fmt: skip
SIDES = {kind: 1 if kind in ("thorax", "upper neck", "head top") else 2 for kind in KINDS if kind != "all"}


@pytest.fixture(scope="module")
def printed(shared):
    """Every table of the paper, transcribed."""
    return json.loads((shared / "paper" / "tables.json").read_text(encoding="utf-8"))


def test_table_2_is_the_papers_digit_by_digit(printed):
    found = {
        (method, mixed): tuple(str(printed["table2"][data].get(metric, {}).get(name)) for metric in METRICS.values())
        for data, mixed in (("Human3.6M", False), ("Human3.6M + MPII", True))
        for method, name in PAPER_NAMES.items()
    }
    assert found == {key: tuple(map(str, scores)) for key, scores in TABLE_2.items()}
    assert sum(value != "None" for scores in found.values() for value in scores) == 45


def test_table_3_is_the_papers_digit_by_digit(printed):
    rows = printed["table3"]["rows"]
    assert set(KINDS.values()) == set(rows) and list(TABLE_3) == list(KINDS)
    count = 0
    for kind, both in TABLE_3.items():
        for method, scores in zip(("BL", "Ours (all)"), both, strict=True):
            wanted = [rows[KINDS[kind]][f"{metric} {method}"] for metric in METRICS.values()]
            assert list(map(str, scores)) == list(map(str, wanted))
            count += len(wanted)
    assert count == sum(map(len, rows.values())) == 100


@pytest.mark.parametrize("name", ACTION_TABLES)
def test_tables_4_to_6_are_the_papers_digit_by_digit(printed, name):
    table, rows = ACTION_TABLES[name], printed[name]["rows"]
    assert [row.label.split()[-1] if row.label[:5] != "Paper" else row.label[7:] for row in table.rows][-2:] == [
        "Baseline", "Ours (all)",
    ]  # fmt: skip
    assert len(table.rows) == len(rows)
    for row, (method, wanted) in zip(table.rows, rows.items(), strict=True):
        assert method.split()[0] in row.label
        assert list(wanted) == [*ACTIONS, "Avg"]
        values = [value for value in list(wanted.values())[:-1] if value is not None]
        assert list(map(str, row.values)) == list(map(str, values)) and str(row.average) == str(wanted["Avg"])
    said = printed[name]["what"]
    assert ("PA Joint Error" in said) == (table.metric == "pa_joint_error")
    assert ("no extra" in said) != table.mixed and f"Protocol {table.title[9]}" in said


def means(metric, count=15):
    index = list(METRICS).index(metric)
    return [sum(SIDES[kind] * TABLE_3[kind][method][index] for kind in SIDES) / count for method in (0, 1)]


def test_the_notes_say_what_the_numbers_say():
    for method in ("ief_star", "all"):  # Protocol 2's row is Protocol 1's average
        (row,) = (row for row in ACTION_TABLES["table4"].rows if row.label.endswith(PAPER_NAMES[method]))
        assert TABLE_2[method, True].pa_joint_error == row.average
    over_15, over_16 = means("bone_error"), means("bone_error", 16)
    for value, text in zip([*over_15, *over_16], ("68.6", "60.9", "64.3", "57.1"), strict=True):
        assert f"{value:.1f}" == text and text in TABLE_2_NOTES[1]
    printed = [TABLE_2[method, False].bone_error for method in ("ief_star", "all")]
    assert [f"{value:.1f}" in TABLE_2_NOTES[1] for value in printed] == [True, True]
    assert np.abs(np.subtract(over_15, printed)).min() > 2 and np.abs(np.subtract(over_16, printed)).min() > 1
    assert means("joint_error", 16) == pytest.approx([both.joint_error for both in TABLE_3["all"]], abs=0.05)
    for metric, kind in (("bone_error", "neck"), ("bone_std", "knee")):
        worse = [name for name, (base, ours) in TABLE_3.items() if getattr(ours, metric) > getattr(base, metric)]
        assert len(worse) == 1 and kind in worse[0] and kind in TABLE_3_NOTES[metric]
    assert all(both.pa_joint_error > both.joint_error for both in TABLE_3["hip"])


def test_averages_that_are_no_means_are_named():
    odd = {name: odd_averages(table) for name, table in ACTION_TABLES.items()}
    assert [name for text in odd.values() for name in ("Yasin", "Chen", "Tome", "Mehta", "Pavlakos", "Zhou 2016")
            if name in text] == ["Yasin", "Chen", "Chen", "Tome", "Mehta", "Pavlakos", "Zhou 2016"]  # fmt: skip
    assert "Baseline" not in "".join(odd.values()) and "Ours" not in "".join(odd.values())
    assert "66.9 (66.64)" in odd["table5"]


@pytest.mark.parametrize(
    ("names", "action"),
    [
        (("Directions", "directions 1", "Directions-2", "direction"), "Direction"),
        (("SittingDown", "sittingdown", "SitDown"), "SitDown"),
        (("Sitting", "Sitting 2"), "Sit"),
        (("WalkingDog", "WalkDog 1", "walkingdog"), "WalkDog"),
        (("WalkTogether", "WalkingTogether", "walkingtogether", "WalkPair"), "WalkPair"),
        (("Photo", "TakingPhoto", "Photo 1"), "Photo"),
        (("jumping", ""), None),
    ],
)
def test_actions_are_known_by_all_their_names(names, action):
    assert {paper_action(name) for name in names} == {action}


def test_every_action_of_the_dataset_has_its_column(h36m_poses):
    assert {paper_action(name) for name in np.unique(h36m_poses["action"]).tolist()} == set(ACTIONS)
