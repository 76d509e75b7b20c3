"""Plots of the metrics, in a width that a phone can show. Drawn off screen, without pyplot's state."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation.metrics import Estimate, Scores

# Of methods: told apart on light and dark grounds; with a line style and a marker each, color is not needed.
COLORS = ("#009E73", "#CC79A7", "#8A6FD1", "#B8860B", "#A0522D", "#56A3A6", "#8C8C8C")
LINES = ("-", "--", "-.", ":")
GRID, INK = "#808080", "#000000"  # ink is the page's own color for text (`to_svg`)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 4.8  # inches: at a phone's width its 10 pt text is about 10 px high
Values = Mapping[str, Mapping[str, Estimate]]  # method -> what the axis counts off -> value


def pckh_curves(results: Mapping[str, Scores]) -> Figure:
    """Mean PCKh over thresholds from 0 to 0.5, one line per method, the area in the legend.

    Args:
        results: name -> scores; a method with confidence intervals gets a band.
    """
    measure, lines = next(iter(results.values())).measure, {}
    curves = {name: scores[f"{measure.block}_curve"] for name, scores in results.items()}
    for name, curve in curves.items():
        area = "" if curve.overall.value is None else f" (area {curve.overall.value:.1f})"
        lines[f"{name}{area}"] = [(threshold, mean.value) for threshold, mean in curve.groups["curve"].items()]
    title = f"Share of joints within a fraction of the {measure.one}"
    figure = line_plot(lines, title, f"threshold ({measure.unit})", f"mean {measure.name} (%)")
    (axes,) = figure.axes
    axes.set(xlim=(0, 0.5), ylim=(0, 100))
    for color, curve in zip(cycle(COLORS), curves.values()):
        value, reach = split_estimates(curve.groups["curve"].values())
        if reach is not None:
            band = value - reach[0], value + reach[1]
            axes.fill_between(list(curve.groups["curve"]), *band, color=color, alpha=0.15, lw=0)
    return figure


def joint_dots(
    values: Values, title: str, xlabel: str, looks: Sequence[int] = (), beside: Mapping[str, Values] | None = None
) -> Figure:
    """A dot per joint (or whatever is counted off) and method, with its confidence interval if it has one.

    Args:
        values: method -> joint -> value, all with the same joints. Where some lie on both sides of 0, it has a line.
        title, xlabel: what the values are.
        looks: which color and marker each method has, if not those of its place.
        beside: what is shown to the right, values of the same methods and joints by their xlabel.
    """
    count, names = len(values), [joint.replace("_", " ") for joint in next(iter(values.values()))]
    panels = {xlabel: values, **(beside or {})}
    figure, plots = make_axes(title, 1.6 + len(names) * (0.16 + 0.07 * count), len(panels))
    for axes, (label, each) in zip(plots, panels.items(), strict=True):
        for index, (name, estimates) in enumerate(each.items()):
            value, reach = split_estimates(estimates.values())
            places = np.arange(len(names)) + (index - (count - 1) / 2) * 0.7 / count
            look = looks[index] if looks else index
            axes.errorbar(
                value, places, xerr=reach, markersize=4, elinewidth=1, fmt=MARKERS[look % len(MARKERS)],
                color=COLORS[look % len(COLORS)], label=label_line(name) if label == xlabel else None,
            )  # fmt: skip
        if axes.get_xlim()[0] < 0:
            axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        axes.set_yticks(np.arange(len(names)), names)
        axes.set(xlabel=label, ylim=(len(names) - 0.4, -0.6))  # the first joint on top
    add_legend(figure, count)
    return figure


def line_plot(series: Mapping[str, Sequence[tuple[float, float]]], title: str, xlabel: str, ylabel: str) -> Figure:
    """One line per series of (step, value); a value that is not finite breaks the line.

    Args:
        series: name -> points in order, possibly none.
        title, xlabel, ylabel: above the plot, and what the steps and the values are.
    """
    figure, (axes,) = make_axes(title, 3.8)
    for index, (name, points) in enumerate(series.items()):
        steps, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
        values = np.where(np.isfinite(values), values, np.nan)
        look = {"color": COLORS[index % len(COLORS)], "linestyle": LINES[index % len(LINES)]}
        axes.plot(steps, values, label=label_line(name), marker="." if len(points) < 30 else "", **look)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    add_legend(figure, len(series))
    return figure


def label_line(name: str) -> str:
    """A name for the legend, from which matplotlib leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def to_svg(figure: Figure) -> bytes:
    """The figure as an SVG file, the same bytes for the same figure. A dollar sign in a name begins no formula.

    It has no ground, its text is text, and what is black is in the color of the text around it: dark pages show it too.
    """
    data = io.BytesIO()
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with matplotlib.rc_context({"svg.hashsalt": "figure", "svg.fonttype": "none", "text.parse_math": False}):
        figure.savefig(data, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = re.sub(rb"<metadata>.*?</metadata>", b"", data.getvalue(), flags=re.DOTALL)
    return drawn.replace(INK.encode(), b"currentColor").replace(b"<svg ", b'<svg fill="currentColor" ', 1)


def split_estimates(estimates: Iterable[Estimate]) -> tuple[np.ndarray, np.ndarray | None]:
    """(P,) values, NaN for undefined ones, and (2, P) how far their intervals reach down and up; None without any."""
    rows = [(estimate.value, estimate.low, estimate.high) for estimate in estimates]
    value, *bounds = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return value, np.abs(np.stack(bounds) - value) if np.isfinite(bounds).any() else None


def add_legend(figure: Figure, count: int) -> None:
    """The names of `count` methods below the figure."""
    figure.legend(loc="outside lower center", ncols=min(3, count), frameon=False, fontsize="small")


def make_axes(title: str, height: float, plots: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """A figure `height` inches high with plots side by side, each as wide as a phone, under a title."""
    figure = Figure(figsize=(WIDTH * plots, height), layout="constrained")
    every = figure.subplots(1, plots, sharey=True, squeeze=False)[0]
    every[0].set_title(fill(title, 46 * plots), fontsize="medium", loc="left")
    for axes in every:
        axes.grid(color=GRID, alpha=0.3, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
    return figure, every
