import numpy as np
import pytest

from evaluation import GroundTruth, evaluate
from evaluation.metrics.calibration import calibrate, cross_fit
from evaluation.report.sections import joints_section, scores_section, thin
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


def test_scores_are_shown_as_predicted_and_calibrated():
    rng = np.random.default_rng(0)
    scores = rng.random((40, 16))
    correct = (rng.random((40, 16)) < scores**2).astype(float)
    both = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
    section = scores_section({"My run": both})
    rows = section.tables["scores"].rows
    assert [row[0] for row in rows] == ["My run, as predicted", "My run, calibrated"]
    for row, found in zip(rows, both, strict=True):
        values = dict(zip(section.tables["scores"].head, row, strict=True))
        assert values["Joints"].value == 640
        assert values["Correlation"].value == found.correlation.value
        assert values["Correlation"].interval == found.correlation.interval
        assert (values["AUC"].value, values["Calibration error"].value) == (found.auc.value, found.error.value)
    caption, plot = section.figures["reliability-my-run"]
    assert "My run" in caption
    assert [text.get_text() for text in plot.legends[0].get_texts()] == ["as predicted", "calibrated"]
