"""How a training went: the curves of the report."""

from evaluation.report.curves import make_section, thin
from evaluation.report.material import Run
from heads.skeleton import MPII


def test_long_curves_are_thinned_to_means():
    points = [(float(step), 2.0 * step) for step in range(1000)]
    assert thin(points[:150]) == points[:150]
    thinned = thin(points, most=10)
    assert len(thinned) == 10 and thinned[0] == (49.5, 99.0) and thinned[-1] == (949.5, 1899.0)


def test_what_was_validated_has_a_figure_each():
    curve, validated = [(1.0, 2.0), (2.0, 1.0)], [(1.0, 50.0, 9.0, None, None)]
    runs = [Run("a", "all", {}, MPII, {}, {"stage0": curve}, {"stage0": validated}), Run("b", "", {}, MPII, {})]
    section = make_section(runs)
    assert list(section.figures) == ["training-stage0", "validation-pckh-0-5-stage0", "validation-joint-error-stage0"]
    assert section.facts["curves"] == {"a": {"stage0": curve}, "b": {}}
    assert section.facts["validations"] == {"a": {"stage0": validated}, "b": {}}
    assert make_section(runs[1:]).figures == {}
