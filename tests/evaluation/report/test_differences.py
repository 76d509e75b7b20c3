"""The plot of differences shows the numbers of its tables, at their places."""

import json
from pathlib import Path

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation.report.tables import Cell, Table
from ief.reporting.seeds import plot_differences

MEASURED = Path(__file__).resolve().parents[3] / "ief" / "training" / "table7_results.json"
SEEDS = Table(
    title="",
    head=("", "Joint px", "over seeds", "PCKh@0.5", "over seeds"),
    rows=(
        ("stage 1, all - joint", Cell(-1.0, (-2.0, -0.5)), "[-3.0, +1.0]", Cell(2.0, (1.0, 3.0)), "[+0.5, +4.0]"),
        ("stage 1, all - both", Cell(None), "-", Cell(-0.5, (-1.0, 0.5)), "-"),
    ),
)
ONE = Table(title="", head=("", "PCKh@0.5"), rows=(("stage 1, all - both", Cell(7.0)), ("other", Cell(1.0))))


def drawn(axes):
    """(x values, place) of every line but the one at zero and the empty ones."""
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines[1:]]
    return [(xs, ys[0]) for xs, ys in lines if xs and np.isfinite(xs).all()]


def test_values_and_intervals_are_drawn_in_their_rows():
    tables = {name: json.loads(json.dumps(table.to_json())) for name, table in (("seeds", SEEDS), ("one", ONE))}
    seeds, one = plot_differences(tables).axes
    assert drawn(seeds) == [([0.5, 4.0], 0), ([1.0, 3.0], 0), ([2.0], 0), ([-1.0, 0.5], 1), ([-0.5], 1)]
    assert drawn(one) == [([7.0], 1)]
    (joint,) = plot_differences({"seeds": tables["seeds"]}, "Joint px").axes
    assert drawn(joint) == [([-3.0, 1.0], 0), ([-2.0, -0.5], 0), ([-1.0], 0)]


@pytest.mark.parametrize("tables", [{}, {"a": ONE.to_json()}])
def test_nothing_to_draw_is_an_error(tables):
    with pytest.raises(PoseError, match="a column Bone px"):
        plot_differences(tables, "Bone px")


def test_the_measured_results_are_drawn():
    results = json.loads(MEASURED.read_text(encoding="utf-8"))
    tables = {name: results[name]["all joints"] for name in ("drawn people", "real images")}
    drawn_people, real = plot_differences(tables).axes
    assert len([x for x, _ in drawn(drawn_people) if len(x) == 1]) == 21
    assert len([x for x, _ in drawn(real) if len(x) == 1]) == 17
