"""Plots of the figures, in a width that a phone can show. Drawn off screen, without pyplot's state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from checkpoints.errors import PoseError
from evaluation.metrics.evaluate import Tree, look_up
from evaluation.metrics.spread import Spread
from heads.skeleton import MPII, Skeleton

# Okabe and Ito's palette without its yellow, which fades on white; with a line style each, color is not needed.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", "-.", ":")
SIDES = {"right": "#D55E00", "left": "#0072B2", "center": "#000000"}  # the person's, on a white ground
TRUTH = "#c4c4c4"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 4.8  # inches: at a phone's width its 10 pt text is about 10 px high


def pckh_curves(results: Mapping[str, Tree]) -> Figure:
    """Mean PCKh over thresholds from 0 to 0.5, one line a method, the area in the legend.

    Args:
        results: name -> dict of `evaluate`; a method with intervals gets a band.

    Raises:
        PoseError: no results.
    """
    figure, axes = _axes(results, "Share of joints within a fraction of the head size", height=4.2)
    for index, (name, result) in enumerate(results.items()):
        points = [(float(key), *look_up(result, "pckh_curve", key)) for key in result["pckh_curve"]]
        points = [point for point in points if point[1] is not None]
        thresholds, values, intervals = zip(*points, strict=True) if points else ((), (), ())
        auc = result["pckh_auc"]
        label = name if auc is None else f"{name} (area {auc:.1f})"
        axes.plot(thresholds, values, label=label, **_style(index))
        if intervals and None not in intervals:
            low, high = zip(*intervals, strict=True)
            axes.fill_between(thresholds, low, high, color=COLORS[index % len(COLORS)], alpha=0.15, lw=0)
    axes.set(xlabel="threshold (head sizes)", ylabel="mean PCKh (%)", xlim=(0, 0.5), ylim=(0, 100))
    axes.legend(loc="upper left", fontsize="small")
    return figure


def joint_bars(results: Mapping[str, Tree], *path: str) -> Figure:
    """Horizontal bars of one figure per joint, one bar a method, with its interval where it has one.

    Args:
        results: name -> dict of `evaluate`.
        path: where the joints lie in that dict: ("pckh", "0.5", "per_joint"), ("joint_error", "per_joint") or
            ("bone_error", "per_bone"); errors are drawn in image pixels.

    Raises:
        PoseError: no results.
    """
    is_pckh = path[0] == "pckh"
    title = f"PCKh@{path[1]} per joint" if is_pckh else f"{path[0].replace('_', ' ').capitalize()} per joint"
    figure, axes = _axes(results, title, height=5.2 + 0.4 * len(results))
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
            color=COLORS[index % len(COLORS)],
            xerr=reach if np.isfinite(reach).any() else None,
            error_kw={"lw": 1, "ecolor": "#333333"},
        )
    axes.set_yticks(rows, [joint.replace("_", " ") for joint in joints])
    axes.set_ylim(len(joints) - 0.4, -0.6)
    axes.set_xlabel("PCKh (%)" if is_pckh else "mean error (image px)")
    axes.set_xlim(0, 100 if is_pckh else None)
    axes.grid(axis="y", visible=False)
    _legend_below(figure, len(results))
    return figure


def part_points(breakdowns: Mapping[str, Mapping[str, Tree]], title: str, xlabel: str, unit: str) -> Figure:
    """Joint error of each part of the data with its interval, a marker a method.

    Args:
        breakdowns: method -> dict of `breakdown`, all with the same parts; a part without a figure stays empty.
        title, xlabel: what the parts are.
        unit: 'image_px' or 'crop_px'.

    Raises:
        PoseError: no breakdown.
    """
    figure, axes = _axes(breakdowns, title, height=3.6 + 0.2 * len(breakdowns))
    labels = list(next(iter(breakdowns.values()), {}))
    places = np.arange(len(labels))
    step = 0.5 / len(breakdowns)
    for index, (name, parts) in enumerate(breakdowns.items()):
        found = [look_up(parts[label], "joint_error", unit) for label in labels]
        values = np.array([np.nan if value is None else value for value, _ in found])
        reach = np.abs(np.transpose([interval or (np.nan, np.nan) for _, interval in found]) - values)
        axes.errorbar(
            places + (index - (len(breakdowns) - 1) / 2) * step,
            values,
            yerr=reach,
            fmt=MARKERS[index % len(MARKERS)],
            color=COLORS[index % len(COLORS)],
            capsize=3,
            label=name,
        )
    axes.set_xticks(places, labels)
    axes.set(xlabel=xlabel, ylabel=f"mean joint error ({unit.replace('_', ' ')})", xlim=(-0.6, len(labels) - 0.4))
    axes.set_ylim(bottom=0)
    axes.grid(axis="x", visible=False)
    if len(breakdowns) > 1:
        _legend_below(figure, len(breakdowns))
    return figure


def spread_bars(spread: Spread, skeleton: Skeleton = MPII) -> Figure:
    """Figure 1 of the paper, right: standard deviation of joints against that of their bones."""
    figure, axes = _axes({"spread": spread}, "Spread of joints and of bones over people", height=4.6)
    kinds = spread.by_kind(skeleton)
    rows = np.arange(len(kinds))
    for offset, column, name, color in ((-0.2, 0, "joint", COLORS[1]), (0.2, 1, "bone to its parent", COLORS[0])):
        values = [pair[column] for pair in kinds.values()]
        axes.barh(rows + offset, values, 0.4, label=name, color=color)
    axes.set_yticks(rows, list(kinds))
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.set_xlabel("standard deviation (px of the 224 crop)")
    axes.grid(axis="y", visible=False)
    _legend_below(figure, 2)
    return figure


def movement_arrows(
    before: np.ndarray,
    after: np.ndarray,
    truth: np.ndarray,
    captions: Sequence[str],
    *,
    skeleton: Skeleton = MPII,
    columns: int = 3,
) -> Figure:
    """People as stick figures: the truth in grey, the pose before in thin lines, an arrow from it at each joint.

    Small movements are drawn longer, by `arrow_factor`; the title says how many times.

    Args:
        before, after: (P, K, 2) predicted joints of P people, pixels with y downwards.
        truth: (P, K, 2) true joints; NaN is left out.
        captions: P titles.
        skeleton: names and parents of the K joints.
        columns: people side by side.

    Raises:
        PoseError: no person.
    """
    if not len(captions):
        raise PoseError("plot of movements: nothing to draw; give at least one person")
    lines = -(-len(captions) // columns)
    figure = Figure(figsize=(WIDTH, 1.9 * lines + 0.5), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    limbs = [(joint, parent) for joint, parent in enumerate(skeleton.parents) if parent != -1]
    colors = [SIDES[side] for side in skeleton.sides]
    factor = arrow_factor(before, after)
    for axes, start, end, true, caption in zip(panels, before, after, truth, captions, strict=False):
        for joint, parent in limbs:
            axes.plot(*true[[joint, parent]].T, color=TRUTH, linewidth=4, solid_capstyle="round")
            axes.plot(*start[[joint, parent]].T, color=colors[joint], linewidth=0.8)
        shift = factor * (end - start)
        axes.quiver(*start.T, *shift.T, color=colors, angles="xy", scale_units="xy", scale=1, width=0.014,
                    headwidth=4, headlength=4.5, headaxislength=4, zorder=3)  # fmt: skip
        everything = np.concatenate([start, start + shift, true[np.isfinite(true).all(axis=-1)]])
        center, half = (everything.min(axis=0) + everything.max(axis=0)) / 2, np.ptp(everything, axis=0).max() / 2
        half = max(float(half), 1.0) * 1.08
        axes.set(xlim=(center[0] - half, center[0] + half), ylim=(center[1] + half, center[1] - half), aspect="equal")
        axes.set_title(caption, fontsize="small")
    handles = [
        Line2D([], [], color=TRUTH, linewidth=4, label="truth"),
        *(Line2D([], [], color=color, marker=">", label=side)
          for side, color in SIDES.items()),
    ]  # fmt: skip
    if factor > 1:
        figure.suptitle(f"arrows {factor} times as long as the movement", fontsize="small")
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    return figure


def arrow_factor(before: np.ndarray, after: np.ndarray) -> int:
    """How many times longer than the movement an arrow must be to be seen: 1 to 10, the same for all people.

    Args:
        before, after: (P, K, 2) joints. The mean arrow becomes about a twelfth of the people's extent.
    """
    moved = np.linalg.norm(after - before, axis=-1).mean()
    extent = np.ptp(before, axis=1).max(axis=-1).mean()
    return int(np.clip(np.rint(extent / 12 / max(moved, 1e-9)), 1, 10))


def training_curves(
    series: Mapping[str, Sequence[tuple[float, float]]],
    ylabel: str,
    *,
    xlabel: str = "step",
    log: bool = False,
    title: str = "Training",
) -> Figure:
    """One line a series of (step, value); a value that is not finite breaks the line.

    Args:
        series: name -> points in order, possibly none.
        ylabel, xlabel: axis labels, with their units.
        log: whether the values lie on a logarithmic axis.
        title: above the plot.

    Raises:
        PoseError: no series.
    """
    figure, axes = _axes(series, title)
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
    _legend_below(figure, len(series))
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
    return {"color": COLORS[index % len(COLORS)], "linestyle": LINES[index % len(LINES)]}


def _legend_below(figure: Figure, count: int) -> None:
    figure.legend(loc="outside lower center", ncols=min(3, count), frameon=False, fontsize="small")


def _axes(contents: Mapping, title: str, height: float = 3.8) -> tuple[Figure, Axes]:
    if not contents:
        raise PoseError(f"plot '{title}': nothing to draw; give at least one named result")
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize="medium", loc="left")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
