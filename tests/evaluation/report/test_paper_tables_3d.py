"""Tables 2 to 6 with one's own scores beside the paper's."""

from itertools import pairwise

import numpy as np
import pytest
from angle_model import write_angle_model

from evaluation import Bootstrap, GroundTruth3D, compare_3d, evaluate_3d, load_angle_limits
from evaluation.report.depth_tables import COLUMNS
from evaluation.report.paper_tables_3d import METRICS, Entry3D, actions_3d_table, second_dataset_table, table_2, table_3
from evaluation.report.published_3d import ACTION_TABLES, ACTIONS, TABLE_2, TABLE_3
from heads.skeleton import MPII

FEW = Bootstrap(30)


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    """A baseline and `all` trained on one dataset, and `all` trained on two."""
    write_angle_model(folder := tmp_path_factory.mktemp("angles"))
    limits, rng = load_angle_limits(folder), np.random.default_rng(0)
    joints = rng.normal(0, 300, (60, 16, 3))
    names = (rng.choice(choices, 60) for choices in (["S9", "S11"], ["WalkingDog", "Jumping"], ["1", "2"]))
    gt = GroundTruth3D(joints, None, MPII, *names)
    base, ours, mixed = (joints + rng.normal(0, std, joints.shape) for std in (70, 40, 30))
    base, ours, mixed = (
        (pred, evaluate_3d(pred, gt, bootstrap=FEW, angle_limits=limits)) for pred in (base, ours, mixed)
    )
    difference = compare_3d(ours[0], base[0], gt, bootstrap=FEW, angle_limits=limits)
    gain = compare_3d(mixed[0], ours[0], gt, bootstrap=FEW, angle_limits=limits)
    return [
        Entry3D("first", "ief_star", "studio", False, base[1]),
        Entry3D("second", "all", "studio", False, ours[1], "first", difference),
        Entry3D("third", "all", "studio and wild", True, mixed[1], "second", gain),
    ]


def rows_by_section(table):
    starts = [*table.sections, (len(table.rows), "")]
    return {
        caption: {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows[start:end]}
        for (start, caption), (end, _) in pairwise(starts)
    }


def test_table_2_has_ours_the_differences_and_every_value_of_the_paper(entries):
    found = rows_by_section(table_2(entries))
    assert list(found) == [
        "Trained on studio", "Δ, minus first", "Trained on studio and wild", "Δ, minus second",
        "The ground truth itself", "As published: Human3.6M", "As published: Human3.6M + MPII",
    ]  # fmt: skip
    assert list(found["Trained on studio"]) == ["first", "second"] and list(found["Δ, minus first"]) == ["second"]
    for metric, head in COLUMNS.items():
        assert found["Trained on studio"]["second"][head].value == getattr(entries[1].scores, metric).overall.value
        change = getattr(entries[1].difference, metric).overall
        assert found["Δ, minus first"]["second"][head].interval == change.interval
    own = found["The ground truth itself"]["ground truth"]
    assert own["Illegal %"].value == entries[0].scores.gt_illegal_angle.overall.value and own["Joint mm"].value is None
    printed = [list(found[f"As published: {data}"].values()) for data in ("Human3.6M", "Human3.6M + MPII")]
    for scores, row in zip(TABLE_2.values(), [*printed[0], *printed[1]], strict=True):
        for metric, value in scores._asdict().items():
            cell = row[COLUMNS[metric]]
            assert cell == "< 1" if value is None else (cell.value, cell.interval) == (value, None)
        assert row["PA scaled mm"].value is None


def test_what_is_missing_has_no_section(entries):
    found = rows_by_section(table_2([entries[0]]))
    assert not any("Δ" in caption for caption in found) and "Δ" not in table_2([entries[0]]).note


def test_a_second_dataset_is_shown_as_a_difference(entries):
    table = second_dataset_table([entries[2]])
    assert table.rows[0][1].value == entries[2].difference.joint_error.overall.value < 0
    assert str(table.rows[0][1]).startswith("-")


@pytest.mark.parametrize("metric", METRICS)
def test_table_3_by_kind_of_joint(entries, metric):
    table = table_3(metric, entries[0], entries[1])
    rows = {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
    assert list(rows)[-1] == "all" and len({len(row) for row in table.rows}) == 1
    index = list(METRICS).index(metric)
    for kind, both in TABLE_3.items():
        values = [scores[index] for scores in both]
        if kind in rows:
            assert [rows[kind][f"Paper: {name}"].value for name in ("Baseline", "Ours (all)")] == values
        else:
            assert values == [None, None] and metric == "illegal_angle"
    score, change = getattr(entries[1].scores, metric), getattr(entries[1].difference, metric)
    assert rows["knee"]["second"].interval == score.per_kind["knee"].interval
    assert rows["knee"]["Δ second"].value == change.per_kind["knee"].value
    assert ("pelvis" in rows) == ("joint" in metric) and ("gt" in table.head) == (
        metric in ("bone_std", "illegal_angle")
    )
    assert rows["all"]["first"].value == getattr(entries[0].scores, metric).overall.value


def test_table_3_of_the_paper_alone():
    table = table_3("joint_error", None, None)
    assert table.head == ("", "Paper: Baseline", "Paper: Ours (all)") and len(table.rows) == len(TABLE_3)


@pytest.mark.parametrize("number", [4, 5, 6])
def test_tables_by_action(entries, number):
    table = actions_3d_table(number, entries[0], entries[1])
    published = ACTION_TABLES[f"table{number}"]
    rows = {row[0]: dict(zip(table.head[1:], row[1:], strict=True)) for row in table.rows}
    assert list(rows) == [*ACTIONS, "Jumping", "Avg"]
    score, change = (getattr(found, published.metric) for found in (entries[1].scores, entries[1].difference))
    assert rows["WalkDog"]["second"].interval == score.per_action["WalkingDog"].interval
    assert rows["WalkDog"]["Δ second"].value == change.per_action["WalkingDog"].value
    assert rows["Avg"]["second"].value == score.action_mean.value
    assert rows["Jumping"]["first"].value and rows["Walk"]["first"].value is None
    for row in published.rows:
        values = [rows[action][row.label].value for action in ACTIONS]
        assert values == (list(row.values) or [None] * 15) and rows["Avg"][row.label].value == row.average
        assert rows["Jumping"][row.label].value is None and row.work in table.note
    alone = actions_3d_table(number, None, None)
    assert alone.head[1:] == tuple(row.label for row in published.rows) and len(alone.rows) == 16
