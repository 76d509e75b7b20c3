"""Which actions are hard: Tables 4 to 6 of the paper, one's own scores beside every published row."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.scores import Score
from evaluation.report.joints import describe_training
from evaluation.report.material import Entry, Pair
from evaluation.report.page import Section
from evaluation.report.published import ACTION_TABLES, ACTIONS, ActionTable, cite_table, paper_action
from evaluation.report.tables import Cell, Row, Table, cell

AVERAGE = 0.1  # mm: how far a printed average may be from the mean of the printed actions


def make_section(pairs: Mapping[bool, Pair]) -> Section:
    """Tables 4 to 6; those whose protocol or kind of training none of one's own have are folded.

    Args:
        pairs: whether a second dataset was trained on too -> baseline and another. Of which protocol one's own are, if
            that is known, decides where they stand.
    """
    own = {
        name: [entry for entry in pairs.get(table.mixed, ()) if follows(table.protocol, entry)]
        for name, table in ACTION_TABLES.items()
    }
    known = any(entry.scores.protocol for pair in pairs.values() for entry in pair)
    text = [
        "Protocol 1 trains on subjects 1, 5, 6, 7, 8 and 9 and tests on 11; Protocol 2 trains without 9 and tests on "
        "both. One's own values "
        + (
            "stand beside the published ones of their own protocol alone."
            if known
            else "are of the same validation people in all three tables: their protocol is not known."
        )
    ]
    text += [describe_training(pair) for _, pair in sorted(pairs.items())]
    tables = {name: actions_table(int(name.removeprefix("table")), pair) for name, pair in own.items()}
    folded = frozenset(name for name, pair in own.items() if not pair)
    return Section("Tables 4 to 6: by action", text, tables, folded=folded)


def follows(protocol: int, entry: Entry) -> bool:
    """Whether an entry's people are those of a protocol, or nobody knows of which they are."""
    followed = entry.scores.protocol
    return not followed or followed.startswith(f"Protocol {protocol}")


def actions_table(number: int, pair: Pair = ()) -> Table:
    """Table 4, 5 or 6 by action, an action in a row; one's own baseline and another method first, then the published.

    Args:
        number: of the table.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    table = ACTION_TABLES[f"table{number}"]
    columns = {}
    for entry in pair:
        score = entry.scores[table.metric]
        if score.groups["per_action"]:
            columns[entry.name] = (_list_actions(score), 1)
            if entry.difference:
                columns[f"Δ {entry.name}"] = (_list_actions(entry.difference[table.metric]), 2)
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
        note=" ".join(filter(None, ["Avg: the mean of the actions, each alike.", cite_table(number),
                                    f"Others: {works}.", name_odd_averages(table)])),
    )  # fmt: skip


def name_odd_averages(table: ActionTable) -> str:
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


def _list_actions(score: Score) -> dict[str, Estimate]:
    """The paper's word for an action, or the data's own -> value, and the average."""
    named = {paper_action(action) or action: value for action, value in score.groups["per_action"].items()}
    return {**named, "Avg": score.groups["action_mean"]}
