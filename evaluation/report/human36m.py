"""Which joints, bones and actions are hard in 3D: Tables 3 to 6 of the paper, one's own scores beside the published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.metric import METRICS
from evaluation.metrics.scores import Scores
from evaluation.report.material import Pair
from evaluation.report.page import Section
from evaluation.report.published import (
    ACTION_TABLES,
    ACTIONS,
    TABLE_3,
    TABLE_3_NOTES,
    cite_table,
    paper_action,
)
from evaluation.report.tables import Row, Table, cell

IN_TABLE_3 = {metric.name: metric for metric in METRICS[3] if metric.title}
Values = Mapping[str, Estimate]  # joint or action -> value
Columns = list[tuple[str, Values]]  # the head of each, and its values


def make_joints_section(pairs: Mapping[bool, Pair]) -> Section:
    """Table 3, a table per metric. `pairs`: whether a second dataset was trained on too -> baseline and another."""
    pair = pairs[False not in pairs]
    text = (f"Right and left together. {describe_training(pair)} The paper's: on Human3.6M alone, Protocol 2.",)
    tables = {f"table3-{metric.replace('_', '-')}": table_3(metric, pair) for metric in IN_TABLE_3}
    return Section("Table 3: by joint and bone", text, tables)


def make_actions_section(pairs: Mapping[bool, Pair]) -> Section:
    """Tables 4 to 6; those whose protocol or kind of training none of one's own have are folded.

    Args:
        pairs: whether a second dataset was trained on too -> baseline and another. Of which protocol one's own are, if
            that is known, decides where they stand.
    """
    tables, folded = {}, set()
    for number, (name, published) in enumerate(ACTION_TABLES.items(), start=4):
        protocols = ("", f"Protocol {published.protocol}")  # of an unknown one they stand in every table
        pair = [entry for entry in pairs.get(published.mixed, ()) if entry.scores.protocol[:10] in protocols]
        tables[name] = actions_table(number, pair)
        folded |= set() if pair else {name}
    stand = "are of the same validation people in all three tables: their protocol is not known."
    if any(entry.scores.protocol for pair in pairs.values() for entry in pair):
        stand = "stand beside the published ones of their own protocol alone."
    text = [
        "Protocol 1 trains on subjects 1, 5, 6, 7, 8 and 9 and tests on 11; Protocol 2 trains without 9 and tests on "
        f"both. One's own values {stand}",
        *(describe_training(pair) for _, pair in sorted(pairs.items())),
    ]
    return Section("Tables 4 to 6: by action", text, tables, folded=frozenset(folded))


def table_3(name: str, pair: Pair = ()) -> Table:
    """A metric of Table 3 by kind of joint, right and left together: the baseline, another method, and the paper's two.

    Args:
        name: of the metric.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    metric, unit = IN_TABLE_3[name], "%" if IN_TABLE_3[name].unit == "percent" else "mm"
    columns = list_columns(pair, lambda scores: list_kinds(scores, name))
    columns += [("gt", values) for entry in pair[:1] if (values := list_kinds(entry.scores, f"gt_{name}"))]
    for index, head in enumerate(("Paper: Baseline", "Paper: Ours (all)")):
        columns.append((head, {kind: Estimate(both[index][name]) for kind, both in TABLE_3.items()}))
    of_part = "bone, from the joint to its parent" if metric.part == "bone" else "joint"
    return make_table(f"{metric.title} in {unit} by {of_part}", columns, (), "all", TABLE_3_NOTES[name])


def actions_table(number: int, pair: Pair = ()) -> Table:
    """Table 4, 5 or 6 by action, an action in a row; one's own baseline and another method first, then the published.

    Args:
        number: of the table.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    table = ACTION_TABLES[f"table{number}"]
    columns = list_columns(pair, lambda scores: list_actions(scores, table.metric))
    for row in table.rows:
        by_action = dict(zip(ACTIONS, row.values, strict=False))
        columns.append(
            (row.label, {name: Estimate(value) for name, value in (*by_action.items(), ("Avg", row.average))})
        )
    works = "; ".join(row.work for row in table.rows if row.work)
    note = f"Avg: the mean of the actions, each alike. {cite_table(number)} Others: {works}. {table.note}"
    return make_table(table.title, columns, ACTIONS, "Avg", note)


def make_table(title: str, columns: Columns, first: Iterable[str], last: str, note: str) -> Table:
    """A table of values by name; differences are signed and have another digit; rows without a value are left out.

    Args:
        title, note: of the table.
        columns: one's own and the published ones.
        first: the names that come first, before others that a column has.
        last: the name that comes last.
    """
    names = dict.fromkeys([*first, *(name for _, values in columns for name in values)])
    names.pop(last)

    def make_row(name: str) -> Row | None:
        cells = [cell(values.get(name, Estimate(None)), 1 + ("Δ" in head), "Δ" in head) for head, values in columns]
        return (name, *cells) if any(each.value is not None for each in cells) else None

    rows = tuple(filter(None, map(make_row, [*names, last])))
    return Table(title, ("", *(head for head, _ in columns)), rows, note=note)


def list_columns(pair: Pair, list_values: Callable[[Scores], Values]) -> Columns:
    """A column per entry, then one per difference; entries without values have none."""
    columns = [(entry.name, list_values(entry.scores)) for entry in pair]
    columns += [(f"Δ {entry.name}", list_values(entry.difference)) for entry in pair if entry.difference]
    return [column for column in columns if column[1]]


def list_kinds(scores: Scores, metric: str) -> Values:
    """Kind of joint -> value, under "all" the overall one; {} if the metric was not measured."""
    score = scores.metrics.get(metric)
    return {} if score is None or score.overall.value is None else {**score.groups["per_kind"], "all": score.overall}


def list_actions(scores: Scores, metric: str) -> Values:
    """The paper's word for an action, or the data's own -> value, under "Avg" their mean; {} without actions."""
    groups = scores[metric].groups
    values = {paper_action(action) or action: value for action, value in groups["per_action"].items()}
    return {**values, "Avg": groups["action_mean"]} if values else {}


def describe_training(pair: Pair) -> str:
    """What some methods were trained on, in words."""
    names = " and ".join(dict.fromkeys(entry.name for entry in pair))
    return f"{names}: trained on {', '.join(dict.fromkeys(entry.trained_on for entry in pair))}."
