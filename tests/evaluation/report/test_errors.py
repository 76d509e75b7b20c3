"""Bars and tables by joint and bone."""

import pytest

from evaluation.report.errors import make_joints_section
from heads.skeleton import MPII


@pytest.mark.parametrize(("figure", "error"), [("joint-error", "joint_error"), ("bone-error", "bone_error")])
def test_the_bars_of_a_section_are_the_errors_in_image_pixels(results, figure, error):
    caption, plot = make_joints_section({"a": results["stage 1"]}).figures[figure]
    (axes,) = plot.axes
    parts = results["stage 1"][error].per_part
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    assert names == list(parts) and set(names) <= set(MPII.names)
    assert [bar.get_width() for bar in axes.patches] == [part.value for part in parts.values()]
    assert "px" in axes.get_xlabel() and "intervals" not in caption


def test_the_table_of_a_section_names_its_stage(results):
    (table,) = make_joints_section({"a run": results["stage 1"]}).tables.items()
    assert table[0] == "joints-a-run" and table[1].title.startswith("a run. ") and len(table[1].rows) == len(MPII)
