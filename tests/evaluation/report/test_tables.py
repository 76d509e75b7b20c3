import csv
import html.parser
import io
import json
import re

import numpy as np
import pytest

from evaluation import evaluate
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
    return {
        name: evaluate(gt + rng.normal(0, spread, gt.shape), gt, 25 * scale, scale, intervals=True)
        for name, spread in (("stage 0", 30), ("stage 1", 10))
    }


def markdown_rows(text):
    """{first cell: other cells} of a Markdown table, and its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return cells[0], {row[0]: row[1:] for row in cells[2:]}


def test_groups_are_table_8s_columns(results):
    head, rows = markdown_rows(groups_table(results).markdown())
    assert head[1:] == ["Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean"]
    for name, result in results.items():
        want = result["pckh"]["0.5"]["groups"].values()
        assert [float(c.split()[0]) for c in rows[name]] == pytest.approx(list(want), abs=0.051)


def test_summary_holds_errors_and_their_intervals(results):
    _, rows = markdown_rows(summary_table(results).markdown())
    first = rows["stage 1"][0]
    value, low, high = (float(part.strip("[],")) for part in first.split())
    assert value == pytest.approx(results["stage 1"]["joint_error"]["image_px"], abs=0.051)
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


def test_undefined_figures_are_a_dash():
    assert str(cell({"pckh_auc": None, "interval": {"pckh_auc": [None, None]}}, "pckh_auc")) == "-"
    assert str(cell({"pckh_auc": 56.49}, "pckh_auc")) == "56.5"
    assert str(cell({"pckh_auc": 56.49}, "pckh_auc", digits=2)) == "56.49"


def test_differences_have_a_sign_and_zero_has_none():
    assert str(Cell(1.26, (-0.04, 2.5), signed=True)) == "+1.3 [0.0, +2.5]"
    assert str(Cell(-0.004, digits=2, signed=True)) == "0.00"
    assert str(Cell(7788, digits=0)) == "7788"


class Cells(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.rows = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_html_is_well_formed_and_escaped():
    parser = Cells()
    parser.feed(SMALL.html())
    assert parser.open == []
    minus = "\N{MINUS SIGN}"
    assert parser.rows == [["", "x|y"], ["Part <1>"], ["<b>", f"{minus}1.0 [{minus}1.5, +0.5]"], ["&_", minus]]
    assert "a &lt; b" in SMALL.html() and "a &lt; b" not in SMALL.html(titled=False)
    assert "| <b> | -1.0 [-1.5, +0.5] |" in SMALL.markdown()
    assert "| **Part <1>** |  |" in SMALL.markdown()
    assert "x\\|y" in SMALL.markdown()


def test_csv_holds_unrounded_figures_and_their_bounds():
    rows = list(csv.reader(io.StringIO(SMALL.csv())))
    assert rows[0] == ["section", "", "x|y", "x|y low", "x|y high"]
    assert rows[1] == ["Part <1>", "<b>", "-1.04", "-1.5", "0.5"]
    assert rows[2] == ["Part <1>", "&_", "", "", ""]


def test_latex_escapes_and_has_as_many_columns_in_every_row():
    lines = SMALL.latex().splitlines()
    assert r"$-1.0$ {\scriptsize $[-1.5, +0.5]$}" in SMALL.latex()
    assert r"\&\_ & -- \\" in lines
    assert r"\begin{tabular}{lr}" in lines and lines[-2] == r"\end{tabular}"
    body = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert len(body) == 3 and all(len(re.split(r"(?<!\\)&", line)) == 2 for line in body)


def test_sections_and_notes_are_in_every_form():
    for written in (SMALL.text(), SMALL.markdown(), SMALL.html(), SMALL.latex()):
        assert "read me" in written and ("Part <1>" in written or "Part &lt;1&gt;" in written)
    assert json.loads(json.dumps(SMALL.to_json()))["rows"][0][1] == {"value": -1.04, "interval": [-1.5, 0.5]}
