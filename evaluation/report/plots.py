"""Plots of the metrics, in a width that a phone can show. Drawn off screen, without pyplot's state."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from evaluation import Estimate, Scores
from heads.skeleton import MPII, Skeleton

# Of methods: told apart on light and dark grounds; with a line style and a marker each, color is not needed.
COLORS = ("#009E73", "#CC79A7", "#8A6FD1", "#B8860B", "#A0522D", "#56A3A6", "#8C8C8C")
LINES = ("-", "--", "-.", ":")
SIDES = {"right": "#D55E00", "left": "#0072B2", "center": "#000000"}  # the person's: no method has these
TRUE_POSE, GRID, INK = "#c4c4c4", "#808080", "#000000"  # ink is the page's own color for text (`to_svg`)
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
    looks, names = looks or range(len(values)), [joint.replace("_", " ") for joint in next(iter(values.values()))]
    figure, axes = make_axes(title, 1.6 + len(names) * (0.16 + 0.07 * len(values)))
    for index, (places, value, reach, look) in zip(looks, place_values(values, 0.7 / len(values)), strict=True):
        look |= {"fmt": MARKERS[index % len(MARKERS)], "color": COLORS[index % len(COLORS)]}
        axes.errorbar(value, places, xerr=reach, markersize=4, elinewidth=1, **look)
    if axes.get_xlim()[0] < 0:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_yticks(np.arange(len(names)), names)
    axes.set(xlabel=xlabel, ylim=(len(names) - 0.4, -0.6))  # the first joint on top
    add_legend(figure, len(values))
    return figure


def part_points(values: Values, title: str, xlabel: str, ylabel: str) -> Figure:
    """A value of each part of the data with its confidence interval, one marker per method.

    Args:
        values: method -> part -> value, all with the same parts; an undefined one stays empty.
        title, xlabel, ylabel: what the parts are, and the value.
    """
    figure, axes = make_axes(title, 3.6 + 0.2 * len(values))
    parts = list(next(iter(values.values())))
    for marker, (places, value, reach, look) in zip(cycle(MARKERS), place_values(values, 0.5 / len(values))):
        axes.errorbar(places, value, yerr=reach, capsize=3, fmt=marker, **look)
    axes.set_xticks(np.arange(len(parts)), parts)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.6, len(parts) - 0.4), ylim=(0, 1.05 * axes.get_ylim()[1]))
    axes.grid(axis="x", visible=False)
    if len(values) > 1:
        add_legend(figure, len(values))
    return figure


def place_values(values: Values, step: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None, dict]]:
    """Of each method: places `step` beside those of the previous one, values, their reaches, its label and color."""
    for index, (name, estimates) in enumerate(values.items()):
        places = np.arange(len(estimates)) + (index - (len(values) - 1) / 2) * step
        look = {"label": label_line(name), "color": COLORS[index % len(COLORS)]}
        yield places, *split_estimates(estimates.values()), look


def movement_arrows(
    before: np.ndarray,
    after: np.ndarray,
    true: np.ndarray,
    captions: Sequence[str],
    *,
    skeleton: Skeleton = MPII,
    columns: int = 3,
) -> Figure:
    """People as stick figures: the true pose in gray, the previous in thin lines, an arrow from it at each joint.

    Small movements are drawn longer, by `arrow_factor`; the title says how many times.

    Args:
        before, after: (P, K, 2) predicted joints of P people, pixels with y downwards.
        true: (P, K, 2) ground truth; NaN is left out.
        captions: P titles.
        skeleton: names and parents of the K joints.
        columns: people side by side.
    """
    lines = -(-len(captions) // columns)
    figure = Figure(figsize=(WIDTH, 1.9 * lines + 0.5), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for panel in panels:
        panel.set_axis_off()
    factor, colors = arrow_factor(before, after), [SIDES[side] for side in skeleton.sides]
    for axes, start, end, joints, caption in zip(panels, before, after, true, captions, strict=False):
        add_limbs(axes, joints, skeleton, TRUE_POSE, 4)
        add_limbs(axes, start, skeleton, side_colors(skeleton), 0.8, capstyle=None)
        shift = factor * (end - start)
        head = {"width": 0.014, "headwidth": 4, "headlength": 4.5, "headaxislength": 4}
        axes.quiver(*start.T, *shift.T, color=colors, angles="xy", scale_units="xy", scale=1, zorder=3, **head)
        everything = np.concatenate([start, start + shift, joints])
        low, high = np.nanmin(everything, axis=0), np.nanmax(everything, axis=0)
        center, half = (low + high) / 2, max(float((high - low).max() / 2), 1.0) * 1.08
        axes.set(xlim=(center[0] - half, center[0] + half), ylim=(center[1] + half, center[1] - half), aspect="equal")
        axes.set_title(caption, fontsize="small")
    if factor > 1:
        figure.suptitle(f"arrows {factor} times as long as the movement", fontsize="small")
    add_legend_of_sides(figure, marker=">")
    return figure


def side_colors(skeleton: Skeleton) -> list[str]:
    """The color of each limb of `add_limbs`."""
    return [SIDES[side] for side, parent in zip(skeleton.sides, skeleton.parents, strict=True) if parent != -1]


def add_limbs(
    axes: Axes, joints: np.ndarray, skeleton: Skeleton, colors: object, width: float, capstyle: str | None = "round"
) -> None:
    """A pose (K, 2), a line per limb."""
    limbs = np.array([(joint, parent) for joint, parent in enumerate(skeleton.parents) if parent != -1])
    axes.add_collection(LineCollection(joints[limbs], colors=colors, linewidths=width, capstyle=capstyle))


def add_legend_of_sides(figure: Figure, marker: str = "") -> None:
    """Which color is whose, below the figure."""
    handles = [Line2D([], [], color=TRUE_POSE, linewidth=4, label="ground truth")]
    handles += [Line2D([], [], color=color, marker=marker, label=side) for side, color in SIDES.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize="small")


def arrow_factor(before: np.ndarray, after: np.ndarray) -> int:
    """How many times longer than the movement an arrow must be to be seen: 1 to 10, the same for all people.

    Args:
        before, after: (P, K, 2) joints. The mean arrow becomes about a twelfth of the people's extent.
    """
    moved = np.nanmean(np.linalg.norm(after - before, axis=-1))
    extent = (np.nanmax(before, axis=1) - np.nanmin(before, axis=1)).max(axis=-1).mean()
    return int(np.clip(np.rint(extent / 12 / max(moved, 1e-9)), 1, 10))


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
