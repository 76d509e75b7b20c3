"""Where the error is: by person size, by annotated joints, by joint group, and by the bones between two joints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.metrics.breakdown import PARTS, PartScores, breakdown
from evaluation.metrics.relative import relative_errors
from evaluation.report import plots
from evaluation.report.material import Run, View
from evaluation.report.page import Section
from evaluation.report.tables import Cell, Table, cell

ABOUT = {
    "size": ("By person size", "person height in the image, 200 x scale (px)", "People in quarters by their size."),
    "annotated": ("By annotated joints", "annotated joints of a person", "People by how many joints they have."),
    "group": ("By joint group", "joint group", "All people; left and right together."),
}


def make_section(runs: Sequence[Run], view: View, scaled: bool) -> Section:
    """The section, of the last stages of the runs that have predictions of it.

    Args:
        scaled: whether some person's scale is known. Crop pixels make people of all sizes comparable; without a scale
            there are only image pixels.
    """
    views = {run.name: view(2, run.poses[run.last]) for run in runs if run.last in run.poses}
    conventions = {run.name: run.convention for run in runs}
    parts = {
        key: {
            name: breakdown(pose, gt, divide(gt), convention=conventions[name]) for name, (gt, (pose,)) in views.items()
        }
        for key, divide in PARTS.items()
    }
    relative = {name: relative_errors(gt, [pose]) for name, (gt, (pose,)) in views.items()}
    measure = runs[-1].stages[runs[-1].last][2].measure
    error, unit = ("joint_error_crop", "crop px") if scaled else ("joint_error", "image px")
    main = measure.name_at(measure.main)
    figures, tables, text = {}, {}, []
    for key, (title, xlabel, caption) in ABOUT.items():
        if not any(parts[key].values()):
            text.append(f"{title}: nothing to show, as no person has what it takes (a scale, say).")
            continue
        values = {
            name: {label: part.scores[error].overall for label, part in each.items()}
            for name, each in parts[key].items()
        }
        plot = plots.part_points(values, title, xlabel, f"mean joint error ({unit})")
        figures[f"error-by-{key}"] = (f"{caption} Bars are 95 % confidence intervals.", plot)
        for name, metric, words in (
            ("error", error, f"mean joint error in {unit.replace('px', 'pixels')}"),
            (measure.block, main, f"{measure.title}{measure.note} in %"),
        ):
            tables[f"{name}-by-{key}"] = breakdown_table(f"{title}: {words}", parts[key], metric)
    if any(relative.values()):  # a single joint has no pairs
        title, unit = "By the bones between two joints", "mean error of their relative position (image px)"
        values = {name: {str(length): each for length, each in found.items()} for name, found in relative.items()}
        caption = (
            "Relative positions of two joints (Eq. 6). With one bone between them it is the bone error; the loss of "
            "`all` supervises those far apart too. Bars are 95 % confidence intervals."
        )
        plot = plots.part_points(values, title, "bones on the path between two joints", unit)
        figures["error-by-path"] = (caption, plot)
        rows = tuple((name, *map(cell, found.values())) for name, found in values.items())
        tables["error-by-path"] = Table(f"{title}: {unit}", ("bones between", *next(iter(values.values()))), rows)
    facts = {"breakdowns": {key: {name: {label: part.to_json() for label, part in each.items()}
                                  for name, each in found.items()} for key, found in parts.items()}}  # fmt: skip
    return Section("Where the error is", text, tables, figures, folded=frozenset(tables), facts=facts)


def breakdown_table(title: str, breakdowns: Mapping[str, Mapping[str, PartScores]], metric: str) -> Table:
    """One metric of each part of the data, one column per method.

    Args:
        title: one line with the unit.
        breakdowns: method -> what `breakdown` found, all with the same parts.
        metric: name of a part's score.
    """
    first = next(iter(breakdowns.values()))
    return Table(
        title=title,
        head=("", "People", *breakdowns),
        rows=tuple(
            (
                label,
                Cell(part.people, digits=0),
                *(cell(found[label].scores[metric].overall) for found in breakdowns.values()),
            )
            for label, part in first.items()
        ),
    )
