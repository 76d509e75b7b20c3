import numpy as np
import pytest
from scattered import noisy_people

from evaluation import Bootstrap, Estimate, GroundTruth, evaluate
from evaluation.metrics.calibration import calibrate
from evaluation.report import plots
from evaluation.report.calibration import reliability_plot
from evaluation.report.representation import make_section
from heads.skeleton import MPII


@pytest.fixture(scope="module")
def results():
    pred, gt = noisy_people(30, missing=0)
    gt.joints[:, 0] = np.nan
    gt, bare = GroundTruth(gt.joints, gt.head_size, gt.scale), GroundTruth(gt.joints, scale=gt.scale)
    scores = evaluate(pred, gt, bootstrap=Bootstrap(50)), evaluate(pred, gt), evaluate(pred, bare)
    return dict(zip(("with", "without", "no heads"), scores, strict=True))


def test_curves_draw_the_values(results):
    figure = plots.pckh_curves(results)
    (axes,), curve = figure.axes, results["without"]["pckh_curve"].groups["curve"]
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [(at, share.value) for at, share in curve.items()])
    assert len(axes.collections) == 1  # a band for the one with intervals
    assert "(%)" in axes.get_ylabel() and "head sizes" in axes.get_xlabel()
    assert len(figure.legends[0].get_texts()) == 3


def test_dots_draw_the_values(results):
    values = {name: scores.pckh.per_part for name, scores in results.items()}
    axes = plots.joint_dots(values, "PCKh@0.5", "PCKh (%)").axes[0]
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    assert names == list(MPII.names)
    knee = names.index("l_knee")
    for container, scores in zip(axes.containers, results.values(), strict=True):
        points, _, bars = container.lines
        want = scores.pckh.per_part["l_knee"]
        assert points.get_xdata()[knee] == pytest.approx(np.nan if want.value is None else want.value, nan_ok=True)
        assert bool(bars) == (scores.bootstrap is not None)
        if bars:  # for the one with intervals
            assert bars[0].get_segments()[knee][:, 0].tolist() == pytest.approx(want.interval)
    assert axes.get_xlabel() == "PCKh (%)" and axes.get_xlim()[0] > 0


def test_line_plots_draw_the_points():
    points = {"a": [(0, 2.0), (10, float("nan")), (20, 1.0)], "empty": []}
    axes = plots.line_plot(points, "stage 0", "step", "loss").axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0, 10, 20]
    assert axes.get_ylabel() == "loss" and axes.get_title("left") == "stage 0"
    assert np.isnan(axes.lines[0].get_ydata()[1])


def test_files_are_pictures_and_repeatable(results):
    svg, again = (plots.to_svg(plots.pckh_curves(results)) for _ in range(2))
    assert svg == again and b"<svg" in svg and svg.rstrip().endswith(b"</svg>")


def test_the_reliability_plot_draws_bins_and_intervals():
    rng = np.random.default_rng(0)
    scores = rng.random((60, 16))
    correct = (rng.random((60, 16)) < scores**2).astype(float)
    found = {"drawn": calibrate(scores, correct), "plain": calibrate(scores, correct, None)}
    axes = reliability_plot(found, "a run").axes[0]
    assert axes.get_title("left") == "a run" and "correct" in axes.get_ylabel() and "score" in axes.get_xlabel()
    assert axes.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    bars, first, second = axes.collections  # bars for the one with intervals
    for points in (first, second):
        assert points.get_offsets().tolist() == [[one.score, one.correct.value] for one in found["drawn"].bins]
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx(one.correct.interval) for one in found["drawn"].bins]
    sizes = dict(zip(first.get_sizes().tolist(), [one.joints for one in found["drawn"].bins], strict=True))
    assert list(dict(sorted(sizes.items())).values()) == sorted(sizes.values())


def test_the_dots_of_figure_1_are_both_deviations():
    section = make_section(np.random.default_rng(0).normal(100, 20, (50, 16, 2)))
    (axes,), kinds = section.figures["figure1"][1].axes, section.facts["figure1"]
    widths = [value for dots in axes.containers for value in dots.lines[0].get_xdata()]
    assert widths == pytest.approx([both[key] for key in ("joint", "bone") for both in kinds.values()])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(kinds)
    assert "px" in axes.get_xlabel()


@pytest.mark.parametrize("name", ["_base", "$x^{$", "$a$", "_$b$"])
def test_a_name_is_shown_as_it_is(results, name):
    figures = [
        plots.pckh_curves({name: next(iter(results.values()))}),
        plots.line_plot({name: [(1, 2.0)]}, name, "step", "loss"),
        plots.joint_dots({name: {"a": Estimate(1.0)}, "b": {"a": Estimate(1.0)}}, name, name),
    ]
    for figure in figures:
        assert b"<svg" in plots.to_svg(figure)
        text = (figure.legends or [axes.get_legend() for axes in figure.axes])[0].get_texts()[0]
        assert text.get_text().strip().startswith(name) and not text.get_parse_math()
