import cv2
import numpy as np
import pytest

from evaluation import evaluate
from evaluation.plots import joint_bars, pckh_curves, to_png, to_svg, training_curves
from heads.errors import BadInput
from heads.skeleton import MPII


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (30, 16, 2))
    gt[:, 0] = np.nan
    pred = np.nan_to_num(gt) + rng.normal(0, 15, gt.shape)
    scale = rng.uniform(1, 3, 30)
    return {
        "with": evaluate(pred, gt, 25 * scale, scale, intervals=True, resamples=50),
        "without": evaluate(pred, gt, 25 * scale, scale),
        "no heads": evaluate(pred, gt, 0 * scale, scale),
    }


def test_curves_draw_the_figures(results):
    axes = pckh_curves(results).axes[0]
    line = axes.lines[1]
    assert line.get_xdata()[[0, 25, 50]] == pytest.approx([0, 0.25, 0.5])
    assert line.get_ydata()[25] == pytest.approx(results["without"]["pckh_curve"]["0.25"])
    assert len(axes.collections) == 1  # a band for the one with intervals
    assert "(%)" in axes.get_ylabel() and "head sizes" in axes.get_xlabel()
    assert len(axes.get_legend().get_texts()) == 3


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (("pckh", "0.5", "per_joint"), "%"),
        (("joint_error", "per_joint"), "px"),
        (("bone_error", "per_bone"), "px"),
    ],
)
def test_bars_draw_the_figures(results, path, unit):
    axes = joint_bars(results, *path).axes[0]
    names = [label.get_text().replace(" ", "_") for label in axes.get_yticklabels()]
    node = results["without"]
    for key in path:
        node = node[key]
    assert names == list(node)
    knee = names.index("l_knee")
    want = node["l_knee"] if unit == "%" else node["l_knee"]["image_px"]
    assert axes.patches[len(names) + knee].get_width() == pytest.approx(want)
    assert unit in axes.get_xlabel()
    assert set(names) <= set(MPII.names)


def test_training_curves_draw_the_points():
    figure = training_curves({"a": [(0, 2.0), (10, float("nan")), (20, 1.0)], "empty": []}, "loss", log=True)
    axes = figure.axes[0]
    assert axes.lines[0].get_xdata().tolist() == [0, 10, 20]
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "loss"
    assert np.isnan(axes.lines[0].get_ydata()[1])
    to_png(figure, dpi=40)


def test_files_are_pictures_and_repeatable(results):
    figure = pckh_curves(results)
    png = cv2.imdecode(np.frombuffer(to_png(figure, dpi=50), np.uint8), cv2.IMREAD_COLOR)
    assert png.shape == (210, 320, 3) and png.std() > 5
    assert to_svg(figure) == to_svg(pckh_curves(results))
    assert b"<svg" in to_svg(figure)


def test_nothing_to_draw_is_said():
    with pytest.raises(BadInput, match="nothing to draw"):
        pckh_curves({})
