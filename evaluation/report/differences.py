"""Paired differences with their confidence intervals, drawn from the `results.json` that `ief table7` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from matplotlib.figure import Figure

from checkpoints.errors import PoseError


def plot_differences(tables: Mapping[str, Mapping], metric: str = "PCKh@0.5") -> Figure:
    """One panel of each table: a point and its interval per difference, over people and, if given, over seeds (thin).

    Args:
        tables: name -> the table "all joints" of a `results.json`. A row is a name ("stage 1, all - joint") and a
            cell per column of "head": {"value", "interval"}, with the interval over seeds, "[low, high]", in the cell
            after it, if there is one. The first table has the rows to draw; "-" leaves a place empty.
        metric: the column to draw.

    Raises:
        PoseError: no table, or one without that column.
    """
    for name, table in tables.items():
        if metric not in table["head"]:
            raise PoseError(f"differences of {name}: no column {metric}; choose one of {', '.join(table['head'][1:])}")
    if not tables:
        raise PoseError("differences: no table to draw; give at least one")
    names = [row[0] for row in next(iter(tables.values()))["rows"]]
    figure = Figure(figsize=(2 + 3.2 * len(tables), 1 + 0.24 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(tables), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, table) in zip(panels, tables.items(), strict=True):
        column, rows = table["head"].index(metric), {row[0]: row for row in table["rows"]}
        axes.axvline(0, color="black", linewidth=0.8)
        axes.grid(color="#dddddd", linewidth=0.6)
        for place, name in enumerate(names):
            cell, *beside = rows.get(name, [])[column:] or ["-"]
            if not isinstance(cell, dict) or cell["value"] is None:
                continue
            over_seeds = beside[0] if beside and isinstance(beside[0], str) and "[" in beside[0] else "[]"
            for ends, width in ((json.loads(over_seeds.replace("+", "")), 1), (cell.get("interval") or [], 4)):
                axes.plot(ends, [place] * len(ends), color="#0072B2", linewidth=width, solid_capstyle="butt")
            axes.plot(cell["value"], place, "ko", markersize=4)
        axes.set_title(title, fontsize="medium", loc="left")
        axes.set(xlabel=metric, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    return figure
