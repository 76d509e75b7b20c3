"""Where the error is: by joint and bone, by person size, by annotated joints, by joint group, between two joints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.breakdown import PARTS, breakdown, part_to_json
from evaluation.metrics.conventions import Measure
from evaluation.metrics.relative import relative_errors
from evaluation.metrics.scores import Scores
from evaluation.report import plots
from evaluation.report.material import Run, View
from evaluation.report.page import Section
from evaluation.report.tables import Cell, Table, cell, file_name, joints_table

ABOUT = {
    "size": ("By person size", "person height in the image, 200 x scale (px)", "People in quarters by their size."),
    "annotated": ("By annotated joints", "annotated joints of a person", "People by how many joints they have."),
    "group": ("By joint group", "joint group", "All people; left and right together."),
}


def make_joints_section(results: Mapping[str, Scores]) -> Section:
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
    errors = draw_bars("joint_error", "Joint error per joint", pixels)
    figures = {
        f"{measure.block}-curves": (curves, plots.pckh_curves(results)),
        f"{measure.block}-per-joint": (f"{measure.title}{measure.note} of each joint.", joints),
        "joint-error": ("Mean distance of each joint to the ground truth.", errors),
        "bone-error": (bones, draw_bars("bone_error", "Bone error per joint", pixels)),
    }
    return Section("Curves, joints and bones", tables=tables, figures=figures, folded=frozenset(tables))


def make_parts_section(runs: Sequence[Run], view: View, measure: Measure, scaled: bool) -> Section:
    """The section, of the last stages of the runs that have predictions of it.

    Args:
        measure: of PCK.
        scaled: whether some person's scale is known. Crop pixels make people of all sizes comparable; without a scale
            there are only image pixels.
    """
    runs = [run for run in runs if run.last in run.poses]
    parts: dict[str, dict[str, dict[str, Scores]]] = {key: {} for key in PARTS}
    relative = {}
    for run in runs:
        gt, (pose,) = view(2, run.poses[run.last])
        for key, divide in PARTS.items():
            parts[key][run.name] = breakdown(pose, gt, divide(gt), convention=run.convention)
        relative[run.name] = {str(length): each for length, each in relative_errors(gt, [pose]).items()}
    error, unit = ("joint_error_crop", "crop px") if scaled else ("joint_error", "image px")
    figures, tables, text = {}, {}, []
    for key, (title, xlabel, caption) in ABOUT.items():
        if not any(parts[key].values()):
            text.append(f"{title}: nothing to show, as no person has what it takes (a scale, say).")
            continue
        values = select_values(parts[key], error)
        plot = plots.part_points(values, title, xlabel, f"mean joint error ({unit})")
        figures[f"error-by-{key}"] = (f"{caption} Bars are 95 % confidence intervals.", plot)
        words = f"mean joint error in {unit.replace('px', 'pixels')}"
        people = {label: part.people for label, part in next(iter(parts[key].values())).items()}
        tables[f"error-by-{key}"] = make_table(f"{title}: {words}", people, values)
        values, words = select_values(parts[key], measure.name_at(measure.main)), f"{measure.title}{measure.note} in %"
        tables[f"{measure.block}-by-{key}"] = make_table(f"{title}: {words}", people, values)
    if any(relative.values()):  # a single joint has no pairs
        title, unit = "By the bones between two joints", "mean error of their relative position (image px)"
        caption = (
            "Relative positions of two joints (Eq. 6). With one bone between them it is the bone error; the loss of "
            "`all` supervises those far apart too. Bars are 95 % confidence intervals."
        )
        plot = plots.part_points(relative, title, "bones on the path between two joints", unit)
        figures["error-by-path"] = (caption, plot)
        rows = tuple((name, *map(cell, each.values())) for name, each in relative.items())
        head = ("bones between", *next(iter(relative.values())))
        tables["error-by-path"] = Table(f"{title}: {unit}", head, rows)
    facts = {
        key: {run: {label: part_to_json(part) for label, part in each.items()} for run, each in by_run.items()}
        for key, by_run in parts.items()
    }
    folded = frozenset(tables)
    return Section("Where the error is", text, tables, figures, folded=folded, facts={"breakdowns": facts})


def select_values(parts: Mapping[str, Mapping[str, Scores]], metric: str) -> dict[str, dict[str, Estimate]]:
    """Run -> part of the data -> value of one metric."""
    return {run: {label: part[metric].overall for label, part in each.items()} for run, each in parts.items()}


def make_table(title: str, people: Mapping[str, int], values: plots.Values) -> Table:
    """Part of the data in a row, run in a column. `people`: how many are in each part."""
    rows = tuple(
        (label, Cell(count, digits=0), *(cell(each[label]) for each in values.values()))
        for label, count in people.items()
    )
    return Table(title, ("", "People", *values), rows)
