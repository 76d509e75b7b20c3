"""Which joints and bones are wrong: curves and bars per joint and bone, and a table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluation.metrics.scores import Scores
from evaluation.report import plots
from evaluation.report.page import Section
from evaluation.report.tables import file_name, joints_table


def make_section(results: Mapping[str, Scores]) -> Section:
    """PCKh over thresholds, and per-joint and per-bone scores of some stages: a plot each, and a table per stage.

    Args:
        results: name -> scores in 2D.
    """
    tables = {}
    for name, scores in results.items():
        table = joints_table(scores)
        tables[f"joints-{file_name(name)}"] = replace(table, title=f"{name}. {table.title}")
    measure = next(iter(results.values())).measure
    curves = (
        f"Mean {measure.name} over the threshold; in the legend the area under it from 0 to 0.5, 100 for a perfect "
        "prediction."
    )
    if any(scores.bootstrap for scores in results.values()):
        curves += " Bands, and bars below: 95 % confidence intervals over people."

    def draw_bars(metric: str, title: str, xlabel: str, limit: float | None = None) -> plots.Figure:
        return plots.joint_bars(
            {name: scores[metric].per_part for name, scores in results.items()}, title, xlabel, limit
        )

    main, pixels = measure.name_at(measure.main), "mean error (image px)"
    joints = draw_bars(main, f"{measure.title} per joint", f"{measure.name} (%)", 100)
    bones = "Mean error of each bone, named by the joint that it leads from to its parent."
    figures = {
        f"{measure.block}-curves": (curves, plots.pckh_curves(results)),
        f"{measure.block}-per-joint": (f"{measure.title}{measure.note} of each joint.", joints),
        "joint-error": (
            "Mean distance of each joint to the ground truth.",
            draw_bars("joint_error", "Joint error per joint", pixels),
        ),
        "bone-error": (bones, draw_bars("bone_error", "Bone error per joint", pixels)),
    }
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))
