import cv2
import numpy as np
import pytest
from matplotlib.quiver import Quiver

from checkpoints.errors import PoseError
from evaluation import evaluate
from evaluation.metrics.spread import pose_spread
from evaluation.report.plots import (
    arrow_factor,
    joint_bars,
    movement_arrows,
    part_points,
    pckh_curves,
    spread_bars,
    to_png,
    to_svg,
    training_curves,
)
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
    [(("pckh", "0.5", "per_joint"), "%"), (("joint_error", "per_joint"), "px"), (("bone_error", "per_bone"), "px")],
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
    assert png.shape[:2] == tuple(round(50 * inches) for inches in figure.get_size_inches()[::-1]) and png.std() > 5
    assert to_svg(pckh_curves(results)) == to_svg(pckh_curves(results))
    assert b"<svg" in to_svg(figure)


def test_nothing_to_draw_is_said():
    with pytest.raises(PoseError, match="nothing to draw"):
        pckh_curves({})
    with pytest.raises(PoseError, match="nothing to draw"):
        movement_arrows(np.zeros((0, 16, 2)), np.zeros((0, 16, 2)), np.zeros((0, 16, 2)), [])


def test_part_points_draw_the_errors_with_their_intervals():
    error = {"image_px": 5.0, "crop_px": 2.0, "interval": {"image_px": [4.0, 7.0], "crop_px": [1.5, 3.0]}}
    nothing = {"image_px": None, "crop_px": None, "interval": {"image_px": [None, None], "crop_px": [None, None]}}
    parts = {"small": {"joint_error": error}, "large": {"joint_error": nothing}}
    axes = part_points({"a": parts, "b": parts}, "By size", "size (px)", "crop_px").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["small", "large"]
    assert axes.get_ylabel() == "mean joint error (crop px)"
    for container in axes.containers:
        points, _, (bars,) = container.lines
        assert points.get_ydata()[0] == 2 and np.isnan(points.get_ydata()[1])
        assert bars.get_segments()[0][:, 1].tolist() == [1.5, 3.0]


def test_spread_bars_draw_both_deviations():
    joints = np.random.default_rng(0).normal(100, 20, (50, 16, 2))
    spread = pose_spread(joints)
    axes = spread_bars(spread).axes[0]
    kinds = spread.by_kind()
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx([pair[0] for pair in kinds.values()] + [pair[1] for pair in kinds.values()])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(kinds)
    assert "px" in axes.get_xlabel()


def test_arrows_run_from_before_to_after_and_small_ones_are_drawn_longer():
    rng = np.random.default_rng(0)
    before = rng.uniform(0, 100, (4, 16, 2))
    truth = before.copy()
    truth[1, 3] = np.nan
    for shift, factor in (((20.0, 0.0), 1), ((2.0, 0.0), 4), ((0.0, 0.0), 10)):
        after = before + np.array(shift)
        assert abs(arrow_factor(before, after) - factor) <= (factor == 4)
        figure = movement_arrows(before, after, truth, ["a", "b", "c", "d"])
        panels = [axes for axes in figure.axes if axes.get_title()]
        assert [axes.get_title() for axes in panels] == ["a", "b", "c", "d"]
        arrows = next(item for item in panels[2].collections if isinstance(item, Quiver))
        assert np.column_stack([arrows.X, arrows.Y]) == pytest.approx(before[2])
        assert np.unique(arrows.U) == pytest.approx(shift[0] * arrow_factor(before, after))
        low, high = sorted(panels[0].get_xlim())
        assert low <= before[0, :, 0].min() and high >= after[0, :, 0].max()
        assert panels[0].yaxis_inverted()  # image pixels run downwards
        to_png(figure, dpi=30)
