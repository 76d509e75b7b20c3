import json

import numpy as np
import pytest

from evaluation import Bootstrap, Estimate, GroundTruth, evaluate
from evaluation.report.tables import Cell, Table, cell, groups_table, joints_table, summary_table
from heads.skeleton import MPII

SMALL = Table(
    "a < b",
    ("", "x|y"),
    (("<b>", Cell(-1.04, (-1.5, 0.5), signed=True)), ("&_", Cell(None))),
    sections=((0, "Part <1>"),),
    note="read me",
)


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (50, 16, 2))
    scale = rng.uniform(1, 3, 50)
    truth = GroundTruth(gt, 25 * scale, scale)
    return {
        name: evaluate(gt + rng.normal(0, std, gt.shape), truth, bootstrap=Bootstrap(100))
        for name, std in (("stage 0", 30), ("stage 1", 10))
    }


def markdown_rows(text):
    """{first cell: other cells} of a Markdown table, and its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return cells[0], {row[0]: row[1:] for row in cells[2:]}


def test_groups_are_table_8s_columns(results):
    head, rows = markdown_rows(groups_table(results).markdown())
    assert head[1:] == ["Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean"]
    for name, scores in results.items():
        want = [estimate.value for estimate in scores.pckh.groups[0.5].values()]
        assert [float(c.split()[0]) for c in rows[name]] == pytest.approx(want, abs=0.051)


def test_summary_holds_errors_and_their_intervals(results):
    _, rows = markdown_rows(summary_table(results).markdown())
    first = rows["stage 1"][0]
    value, low, high = (float(part.strip("[],")) for part in first.split())
    assert value == pytest.approx(results["stage 1"].joint_error.image_px.value, abs=0.051)
    assert low < value < high


def test_every_joint_has_a_row_with_its_count(results):
    _, rows = markdown_rows(joints_table(results["stage 0"]).markdown())
    assert tuple(rows) == MPII.names
    assert {row[0] for row in rows.values()} == {"50"}
    assert rows["pelvis"][-1] == "-"


def test_text_columns_line_up(results):
    table = groups_table(results)
    _, head, rule, *rows = table.text().splitlines()
    assert {len(line) for line in (head, rule, *rows)} == {len(rule)}
    ends = [head.index(name) + len(name) for name in table.head[1:]]
    for row in rows:
        assert all(row[end - 1] == "]" for end in ends)


def test_undefined_values_are_a_dash():
    assert str(cell(Estimate(None))) == "-"
    assert str(cell(Estimate(56.49))) == "56.5"
    assert str(cell(Estimate(56.49), digits=2)) == "56.49"
    assert str(cell(Estimate(56.49, 55.0, 58.0))) == "56.5 [55.0, 58.0]"


def test_differences_have_a_sign_and_zero_has_none():
    assert str(Cell(1.26, (-0.04, 2.5), signed=True)) == "+1.3 [0.0, +2.5]"
    assert str(Cell(-0.004, digits=2, signed=True)) == "0.00"
    assert str(Cell(7788, digits=0)) == "7788"


def test_sections_and_notes_are_in_every_format():
    for written in (SMALL.text(), SMALL.markdown()):
        assert "read me" in written and "Part <1>" in written
    assert "| <b> | -1.0 [-1.5, +0.5] |" in SMALL.markdown()
    assert "| **Part <1>** |  |" in SMALL.markdown()
    assert "x\\|y" in SMALL.markdown()
    assert json.loads(json.dumps(SMALL.to_json()))["rows"][0][1] == {"value": -1.04, "interval": [-1.5, 0.5]}
