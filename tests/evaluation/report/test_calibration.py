"""Scores of joints and their correctness, as the report shows them."""

import numpy as np

from evaluation.report.calibration import calibrate, cross_fit, make_section


def test_scores_are_shown_as_predicted_and_calibrated():
    rng = np.random.default_rng(0)
    scores = rng.random((40, 16))
    correct = (rng.random((40, 16)) < scores**2).astype(float)
    both = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
    section = make_section({"My run": dict(zip(("as_predicted", "calibrated"), both, strict=True))})
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
