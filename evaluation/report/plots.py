"""Plots of the metrics, in a width that a phone can show. Drawn off screen, without pyplot's state."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation import Estimate, Scores

# Of methods: told apart on light and dark grounds; with a line style and a marker each, color is not needed.
COLORS = ("#009E73", "#CC79A7", "#8A6FD1", "#B8860B", "#A0522D", "#56A3A6", "#8C8C8C")
LINES = ("-", "--", "-.", ":")
SIDES = {"right": "#D55E00", "left": "#0072B2", "center": "#000000"}  # the person's: no method has these
GRID, INK = "#808080", "#000000"  # ink is the page's own color for text (`to_svg`)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 4.8  # inches: at a phone's width its 10 pt text is about 10 px high
Values = Mapping[str, Mapping[str, Estimate]]  # method -> what the axis counts off -> value


def pckh_curves(results: Mapping[str, Scores]) -> Figure:
    """Mean PCKh over thresholds from 0 to 0.5, one line per method, the area in the legend.

    Args:
        results: name -> scores; a method with confidence intervals gets a band.
    """
    measure = next(iter(results.values())).measure
    figure, axes = make_axes(f"Share of joints within a fraction of the {measure.one}", 4.2)
    for index, (label, scores) in enumerate(results.items()):
        curve = scores[f"{measure.block}_curve"]
        means, auc = curve.groups["curve"], curve.overall.value
        value, reach = split_estimates(means.values())
        label = label_line(label) + ("" if auc is None else f" (area {auc:.1f})")
        axes.plot(list(means), value, label=label, **style(index))
        if reach is not None:
            color = COLORS[index % len(COLORS)]
            axes.fill_between(list(means), value - reach[0], value + reach[1], color=color, alpha=0.15, lw=0)
    axes.set(xlabel=f"threshold ({measure.unit})", ylabel=f"mean {measure.name} (%)", xlim=(0, 0.5), ylim=(0, 100))
    axes.legend(loc="upper left", fontsize="small", frameon=False)
    return figure


def joint_dots(values: Values, title: str, xlabel: str, looks: Sequence[int] | None = None) -> Figure:
    """A dot per joint (or whatever is counted off) and method, with its confidence interval if it has one.

    Args:
        values: method -> joint -> value, all with the same joints. Where some lie on both sides of 0, it has a line.
        title, xlabel: what the values are.
        looks: which color and marker each method has, if not those of its place.
    """
    count, names = len(values), [joint.replace("_", " ") for joint in next(iter(values.values()))]
    figure, axes = make_axes(title, 1.6 + len(names) * (0.16 + 0.07 * count))
    for index, (name, estimates) in enumerate(values.items()):
        value, reach = split_estimates(estimates.values())
        places, look = np.arange(len(names)) + (index - (count - 1) / 2) * 0.7 / count, looks[index] if looks else index
        axes.errorbar(
            value, places, xerr=reach, markersize=4, elinewidth=1, fmt=MARKERS[look % len(MARKERS)],
            color=COLORS[look % len(COLORS)], label=label_line(name),
        )  # fmt: skip
    if axes.get_xlim()[0] < 0:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_yticks(np.arange(len(names)), names)
    axes.set(xlabel=xlabel, ylim=(len(names) - 0.4, -0.6))  # the first joint on top
    add_legend(figure, count)
    return figure


def training_curves(series: Mapping[str, Sequence[tuple[float, float]]], ylabel: str, title: str) -> Figure:
    """One line per series of (step, value); a value that is not finite breaks the line.

    Args:
        series: name -> points in order, possibly none.
        ylabel: what the values are, with their unit.
        title: above the plot.
    """
    figure, axes = make_axes(title, 3.8)
    for index, (name, points) in enumerate(series.items()):
        steps, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
        values = np.where(np.isfinite(values), values, np.nan)
        axes.plot(steps, values, label=label_line(name), marker="." if len(points) < 30 else "", **style(index))
    axes.set(xlabel="step", ylabel=ylabel)
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


def style(index: int) -> dict[str, str]:
    """Color and dashes of the line of a method."""
    return {"color": COLORS[index % len(COLORS)], "linestyle": LINES[index % len(LINES)]}


def add_legend(figure: Figure, count: int) -> None:
    """The names of `count` methods below the figure."""
    figure.legend(loc="outside lower center", ncols=min(3, count), frameon=False, fontsize="small")


def make_axes(title: str, height: float) -> tuple[Figure, Axes]:
    """A figure as wide as a phone, `height` inches high, with one plot under a title."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(fill(title, 46), fontsize="medium", loc="left")
    prepare_axes(axes)
    axes.set_axisbelow(True)
    return figure, axes


def prepare_axes(axes: Axes) -> None:
    """A thin grid, and no frame above and to the right."""
    axes.grid(color=GRID, alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
