import numpy as np
import pytest

from evaluation import GroundTruth, evaluate
from evaluation.report.sections import joints_section, thin
from heads.skeleton import MPII


@pytest.mark.parametrize(("figure", "error"), [("joint-error", "joint_error"), ("bone-error", "bone_error")])
def test_the_bars_of_a_section_are_the_errors_in_image_pixels(figure, error):
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (30, 16, 2))
    scores = evaluate(gt + rng.normal(0, 15, gt.shape), GroundTruth(gt, np.full(30, 50.0)))
    caption, plot = joints_section({"a": scores}).figures[figure]
    (axes,) = plot.axes
    parts = getattr(scores, error).per_part
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    assert names == list(parts) and set(names) <= set(MPII.names)
    assert [bar.get_width() for bar in axes.patches] == [part.image_px.value for part in parts.values()]
    assert "px" in axes.get_xlabel() and "intervals" not in caption


def test_long_curves_are_thinned_to_means():
    points = [(float(step), 2.0 * step) for step in range(1000)]
    assert thin(points[:150]) == points[:150]
    thinned = thin(points, most=10)
    assert len(thinned) == 10 and thinned[0] == (49.5, 99.0) and thinned[-1] == (949.5, 1899.0)
