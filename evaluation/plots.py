"""Plots of the figures: PCKh curves, per-joint bars, training curves. Drawn off screen, without pyplot's state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from evaluation.metrics import Tree, look_up
from heads.errors import BadInput

# Okabe and Ito's palette without its yellow, which fades on white; with a line style each, colour is not needed.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", "-.", ":")


def pckh_curves(results: Mapping[str, Tree]) -> Figure:
    """Mean PCKh over thresholds from 0 to 0.5, one line a method, the area in the legend.

    Args:
        results: name -> dict of `evaluate`; a method with intervals gets a band.

    Raises:
        BadInput: no results.
    """
    figure, axes = _axes(results, "PCKh curve: share of joints within a fraction of the head size")
    for index, (name, result) in enumerate(results.items()):
        points = [(float(key), *look_up(result, "pckh_curve", key)) for key in result["pckh_curve"]]
        points = [point for point in points if point[1] is not None]
        thresholds, values, intervals = zip(*points, strict=True) if points else ((), (), ())
        auc = result["pckh_auc"]
        label = name if auc is None else f"{name} (area {auc:.1f})"
        axes.plot(thresholds, values, label=label, **_style(index))
        if intervals and None not in intervals:
            low, high = zip(*intervals, strict=True)
            axes.fill_between(thresholds, low, high, color=COLOURS[index % len(COLOURS)], alpha=0.15, lw=0)
    axes.set(xlabel="threshold (head sizes)", ylabel="mean PCKh (%)", xlim=(0, 0.5), ylim=(0, 100))
    axes.legend(loc="upper left")
    return figure


def joint_bars(results: Mapping[str, Tree], *path: str) -> Figure:
    """Horizontal bars of one figure per joint, one bar a method, with its interval where it has one.

    Args:
        results: name -> dict of `evaluate`.
        path: where the joints lie in that dict: ("pckh", "0.5", "per_joint"), ("joint_error", "per_joint") or
            ("bone_error", "per_bone"); errors are drawn in image pixels.

    Raises:
        BadInput: no results.
    """
    is_pckh = path[0] == "pckh"
    title = f"PCKh@{path[1]} per joint" if is_pckh else f"{path[0].replace('_', ' ').capitalize()} per joint"
    figure, axes = _axes(results, title, height=6.5)
    node = next(iter(results.values()))
    for key in path:
        node = node[key]
    joints, height = list(node), 0.8 / len(results)
    rows = np.arange(len(joints))
    for index, (name, result) in enumerate(results.items()):
        unit = () if is_pckh else ("image_px",)
        found = [look_up(result, *path, joint, *unit) for joint in joints]
        values = np.array([np.nan if value is None else value for value, _ in found])
        bounds = [(np.nan, np.nan) if interval is None else interval for _, interval in found]
        reach = np.abs(np.transpose(bounds) - values)
        axes.barh(
            rows + (index - (len(results) - 1) / 2) * height,
            values,
            height,
            label=name,
            color=COLOURS[index % len(COLOURS)],
            xerr=reach if np.isfinite(reach).any() else None,
            error_kw={"lw": 1, "ecolor": "#333333"},
        )
    axes.set_yticks(rows, [joint.replace("_", " ") for joint in joints])
    axes.set_ylim(len(joints) - 0.4, -0.6)
    axes.set_xlabel("PCKh (%)" if is_pckh else "mean error (image px)")
    axes.set_xlim(0, 100 if is_pckh else None)
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=min(3, len(results)), frameon=False)
    return figure


def training_curves(
    series: Mapping[str, Sequence[tuple[float, float]]], ylabel: str, *, xlabel: str = "step", log: bool = False
) -> Figure:
    """One line a series of (step, value); a value that is not finite breaks the line.

    Args:
        series: name -> points in order, possibly none.
        ylabel, xlabel: axis labels, with their units.
        log: whether the values lie on a logarithmic axis.

    Raises:
        BadInput: no series.
    """
    figure, axes = _axes(series, "Training")
    for index, (name, points) in enumerate(series.items()):
        steps, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
        axes.plot(
            steps,
            np.where(np.isfinite(values), values, np.nan),
            label=name,
            **_style(index),
            marker="." if len(points) < 30 else "",
        )
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if log:
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.legend()
    return figure


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG file, the same bytes for the same figure."""
    with matplotlib.rc_context({"svg.hashsalt": "figure", "svg.fonttype": "path"}):
        return _saved(figure, "svg", {"Date": None, "Creator": None})


def to_png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a PNG file."""
    return _saved(figure, "png", {"Software": None}, dpi=dpi)


def _saved(figure: Figure, form: str, metadata: dict, **options: int) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format=form, metadata=metadata, **options)
    return data.getvalue()


def _style(index: int) -> dict[str, str]:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}


def _axes(contents: Mapping, title: str, height: float = 4.2) -> tuple[Figure, Axes]:
    if not contents:
        raise BadInput(f"plot '{title}': nothing to draw; give at least one named result")
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize="medium", loc="left")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
