"""Tables 2 to 6 of the paper with one's own 3D scores beside what it prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.evaluate_3d import Score3D, Scores3D
from evaluation.report.depth_tables import ABOUT_OWN, ABOUT_PA, COLUMNS, OWN
from evaluation.report.published import PAPER
from evaluation.report.published_3d import (
    ACTION_TABLES,
    ACTIONS,
    BELOW_ONE,
    PAPER_NAMES,
    TABLE_2,
    TABLE_2_NOTES,
    TABLE_3,
    TABLE_3_NOTES,
    ActionTable,
    PaperScores3D,
    paper_action,
)
from evaluation.report.tables import Cell, Table, cell

METRICS = {
    "joint_error": "Joint Error",
    "pa_joint_error": "PA Joint Error",
    "bone_error": "Bone Error",
    "bone_std": "Bone Std",
    "illegal_angle": "Illegal Angle",
}
DIGITS = 2  # of a difference, whose interval is often narrow
AVERAGE = 0.1  # mm: how far a printed average may be from the mean of the printed actions
Row = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Entry3D:
    """A stage of a run in 3D, scored: a row of Table 2.

    Attributes:
        name: of the row.
        method: its name in Table 1, or '' if unknown.
        data: names of what it was trained on.
        mixed: whether a second dataset was trained on too.
        scores: of the stage.
        reference: name of what `difference` compares with; '' without a difference.
        difference: what `compare_3d` found, this one minus the reference; None if there is nothing to compare with.
    """

    name: str
    method: str
    data: str
    mixed: bool
    scores: Scores3D
    reference: str = ""
    difference: Scores3D | None = None


def under(protocol: int, entry: Entry3D | None) -> Entry3D | None:
    """The entry, if its people are those of a protocol or nobody knows of which they are; else None."""
    followed = entry.scores.protocol if entry else ""
    return entry if not followed or followed.startswith(f"Protocol {protocol}") else None


def unit(metric: str) -> str:
    """The unit of a metric of `Scores3D`."""
    return "%" if "angle" in metric else "mm"


def table_2(entries: Sequence[Entry3D]) -> Table:
    """All metrics of every method, by what it was trained on: one's own, differences, the ground truth's, the paper's.

    A metric in a column, so that the table fits a phone; the paper has them in rows.
    """
    rows: list[Row] = []
    sections: list[tuple[int, str]] = []

    def add(caption: str, lines: Sequence[Row]) -> None:
        if lines:
            sections.append((len(rows), caption))
            rows.extend(lines)

    for mixed, data in dict.fromkeys((entry.mixed, entry.data) for entry in entries):
        group = [entry for entry in entries if (entry.mixed, entry.data) == (mixed, data)]
        add(f"Trained on {data}", [(entry.name, *_metrics(entry.scores)) for entry in group])
        for reference in dict.fromkeys(entry.reference for entry in group if entry.difference):
            compared = [entry for entry in group if entry.reference == reference and entry.difference]
            add(f"Δ, minus {reference}", [(entry.name, *_metrics(entry.difference, True)) for entry in compared])
    first = entries[0].scores
    own = [_cell(getattr(first, f"gt_{metric}", None)) for metric in COLUMNS]
    add("The ground truth itself", [("ground truth", *own)] if first.gt_bone_std else [])
    for mixed, data in ((False, "Human3.6M"), (True, "Human3.6M + MPII")):
        printed = [(PAPER_NAMES[method], scores) for (method, also), scores in TABLE_2.items() if also == mixed]
        add(f"As published: {data}", [(name, *_printed(scores)) for name, scores in printed])
    return Table(
        title="All metrics of all methods: errors and Bone Std in mm, illegal angles in %",
        head=("", *COLUMNS.values()),
        rows=tuple(rows),
        sections=tuple(sections),
        note=" ".join([ABOUT_PA, ABOUT_OWN, _about_differences(entries), about_published(2), *TABLE_2_NOTES]),
    )


def second_dataset_table(gains: Sequence[Entry3D]) -> Table:
    """What training on a second dataset changes: rows of which `difference` is with it minus without."""
    return Table(
        title="With the second dataset minus without: errors and Bone Std in mm, illegal angles in %",
        head=("", *COLUMNS.values()),
        rows=tuple((entry.name, *_metrics(entry.difference, True)) for entry in gains),
        note="The same method on the same people; the confidence intervals are paired.",
    )


def table_3(metric: str, baseline: Entry3D | None, shown: Entry3D | None) -> Table:
    """A metric of Table 3 by kind of joint, right and left together: the baseline, another method, and the paper's two.

    Args:
        metric: a name of `METRICS`.
        baseline, shown: of one's own, trained alike; None leaves its columns out.
    """
    own = [entry for entry in (baseline, shown) if entry and _kinds(entry.scores, metric)]
    difference = shown.difference if shown else None
    gt = metric in OWN and next((kinds for entry in own if (kinds := _kinds(entry.scores, f"gt_{metric}"))), None)
    columns = {entry.name: (_kinds(entry.scores, metric), 1) for entry in own}
    columns |= {f"Δ {shown.name}": (_kinds(difference, metric), DIGITS)} if own and difference else {}
    columns |= {"gt": (gt, 1)} if gt else {}
    index = tuple(METRICS).index(metric)
    printed = {kind: [scores[index] for scores in both] for kind, both in TABLE_3.items()}
    kinds = dict.fromkeys([*(kind for found, _ in columns.values() for kind in found), *printed])
    kinds = [kind for kind in kinds if kind != "all"] + ["all"]

    def row(kind: str) -> Row | None:
        ours = [cell(found.get(kind, Estimate(None)), digits, digits > 1) for found, digits in columns.values()]
        line = [*ours, *map(Cell, printed.get(kind, (None, None)))]
        return (kind, *line) if any(part.value is not None for part in line) else None

    return Table(
        title=f"{METRICS[metric]} in {unit(metric)} by "
        + ("bone, from the joint to its parent" if "bone" in metric else "joint"),
        head=("", *columns, "Paper: Baseline", "Paper: Ours (all)"),
        rows=tuple(filter(None, map(row, kinds))),
        note=TABLE_3_NOTES[metric],
    )


def actions_3d_table(number: int, baseline: Entry3D | None, shown: Entry3D | None) -> Table:
    """Table 4, 5 or 6 by action, an action in a row; one's own baseline and another method first, then the published.

    Args:
        number: of the table.
        baseline, shown: of one's own, trained alike; None leaves its columns out.
    """
    table = ACTION_TABLES[f"table{number}"]
    columns = {}
    for entry in filter(None, (baseline, shown)):
        score = getattr(entry.scores, table.metric)
        if score.per_action:
            columns[entry.name] = (_actions(score), 1)
            if entry is shown and entry.difference:
                columns[f"Δ {entry.name}"] = (_actions(getattr(entry.difference, table.metric)), DIGITS)
    published = [dict(zip((*ACTIONS, "Avg"), (*row.values, row.average), strict=False)) if row.values
                 else {"Avg": row.average} for row in table.rows]  # fmt: skip
    others = dict.fromkeys(action for found, _ in columns.values() for action in found if action not in ACTIONS)
    others.pop("Avg", None)

    def row(action: str) -> Row:
        ours = [cell(found.get(action, Estimate(None)), digits, digits > 1) for found, digits in columns.values()]
        return action, *ours, *(Cell(found.get(action)) for found in published)

    works = "; ".join(row.work for row in table.rows if row.work)
    return Table(
        title=table.title,
        head=("", *columns, *(row.label for row in table.rows)),
        rows=tuple(map(row, (*ACTIONS, *others, "Avg"))),
        note=" ".join(filter(None, ["Avg: the mean of the actions, each alike.", about_published(number),
                                    f"Others: {works}.", odd_averages(table)])),
    )  # fmt: skip


def odd_averages(table: ActionTable) -> str:
    """Which of the printed averages are not the mean of the printed actions, in words; '' if all are."""
    means = [(row, sum(row.values) / len(row.values)) for row in table.rows if row.values]
    odd = [
        f"{row.label.removeprefix('Paper: ')} {row.average:.1f} ({mean:.2f})"
        for row, mean in means
        if abs(mean - row.average) > AVERAGE
    ]
    return (
        f"Averages as printed that are not the mean of their row, which is in brackets: {', '.join(odd)}."
        if odd
        else ""
    )


def about_published(number: int) -> str:
    """Where a table's published values are from, and of which protocol."""
    protocol = ACTION_TABLES[f"table{number}"].protocol if f"table{number}" in ACTION_TABLES else 2
    return (
        f"Published values are as printed in {PAPER}, Table {number}, of Human3.6M, Protocol {protocol}, and not ours."
    )


def _about_differences(entries: Sequence[Entry3D]) -> str:
    if not any(entry.difference for entry in entries):
        return ""
    return "Δ: of the same people, with paired intervals; a difference is beyond chance if its interval leaves out 0."


def _metrics(scores: Scores3D, signed: bool = False) -> list[Cell]:
    return [_cell(getattr(scores, metric), signed) for metric in COLUMNS]


def _cell(score: Score3D | None, signed: bool = False) -> Cell:
    return cell(score.overall if score else Estimate(None), DIGITS if signed else 1, signed)


def _printed(scores: PaperScores3D) -> list[Cell | str]:
    found = scores._asdict()
    cells = [Cell(found.get(metric)) for metric in COLUMNS]
    return [*cells[:-1], cells[-1] if scores.illegal_angle is not None else BELOW_ONE]


def _kinds(scores: Scores3D, metric: str) -> dict[str, Estimate]:
    """Kind of joint -> value, under "all" the overall one; {} if the metric was not measured."""
    score = getattr(scores, metric)
    return {} if score is None or score.overall.value is None else {**score.per_kind, "all": score.overall}


def _actions(score: Score3D) -> dict[str, Estimate]:
    """The paper's word for an action, or the data's own -> value, and the average."""
    named = {paper_action(action) or action: value for action, value in score.per_action.items()}
    return {**named, "Avg": score.action_mean}
