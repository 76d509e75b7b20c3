"""Which training is best in 3D, and which joints, bones and actions are hard: Tables 2 to 6, with one's own scores."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, cycle

from evaluation.metrics import METRICS, Scores, scores_to_json
from evaluation.report import material, published
from evaluation.report.material import BASE, SHOWN, Entry, Pair, Run, Section, View, subtract_base
from evaluation.report.tables import ABOUT_OWN, ABOUT_PA, Cell, Table, cell, join_groups, metric_cells

HEADS = {metric.name: metric.head for metric in METRICS[3] if not metric.of_gt}
IN_TABLE_3 = {metric.name: metric for metric in METRICS[3] if metric.title}
Cells = Mapping[str, Cell]  # of a column, by joint or action
Pairs = Mapping[bool, Pair]  # whether a second dataset was trained on too -> the baseline, and another method if any


def compare_trainings(runs: Sequence[Run], view: View) -> tuple[list[Entry], list[Entry], Pairs] | None:
    """Differences of the runs in 3D to the baseline of their data; of a single run's stages, to the mean pose.

    Of several runs the last stages are compared, and the mean pose of the first run of each dataset comes first.
    Without the people's depth, or predictions, there are no differences.

    Returns:
        The rows of Table 2, each with its difference; of each method trained with and without a second dataset what the
        second one changes; and what stands in Tables 3 to 6 and Figure 2. None if no run has a score in 3D.
    """
    if not (runs := [run for run in runs if run.scores_in(3)]):
        return None
    entries, single = [], len(runs) == 1
    for entry, run in zip(material.list_entries(runs, 3), cycle(runs)):  # a single run has several entries
        first = entry.trained_on not in (other.trained_on for other in entries)
        if first and not single and entry.stage != "mean_pose" and "mean_pose" in run.scores_in(3):
            entries.append(run.entry("mean_pose", 3, "mean pose"))
        entries.append(entry)
    trained = [entry for entry in entries if entry.method and entry.stage != "mean_pose"]
    gains = []
    for entry in trained:
        alone = [one for one in trained if (one.method, one.data, one.also) == (entry.method, entry.data, None)]
        if entry.also and alone and (gain := subtract_base(entry, alone[0], view, alone[0].name)).difference:
            gains.append(gain)
    pairs: dict[bool, list[Entry]] = {}
    for data in dict.fromkeys(entry.trained_on for entry in entries):
        alike = [row for row, entry in enumerate(entries) if entry.trained_on == data]
        rows = [row for row in alike if single or entries[row].stage != "mean_pose"] or alike
        base = next((row for row in rows if not single and entries[row].method == BASE), rows[0])
        others = [row for row in rows if row != base]
        for row in others:
            entries[row] = subtract_base(entries[row], entries[base], view, entries[base].name)
        shown = [row for row in others if entries[row].method == SHOWN and not single] or others
        pairs.setdefault(bool(entries[base].also), [entries[row] for row in (base, *shown[-1:])])
    return entries, gains, pairs


def make_metrics_section(entries: Sequence[Entry], gains: Sequence[Entry], runs: Sequence[Run], known: bool) -> Section:
    """Table 2, and what a second dataset gives. `known`: whether the validation people's depth is given."""
    text = material.describe_people(entries)
    if "illegal_angle" not in entries[-1].scores.metrics:
        text.append("Illegal Angle was not measured: it needs the joint-angle model (--angle-limits).")
    if not known:
        text.append("Differences and Figure 2 are left out: they need validation annotations with depth and cameras.")
    tables = {"table2": table_2(entries)}
    if gains:
        tables["second-dataset"] = Table(
            "With the second dataset minus without: errors and Bone Std in mm, illegal angles in %",
            ("", *HEADS.values()),
            tuple((entry.name, *metric_cells(entry.difference, HEADS, True)) for entry in gains),
            note="The same method on the same people; the confidence intervals are paired.",
        )
    facts = {
        "protocol": entries[-1].scores.protocol,
        "runs": {
            run.name: {stage: scores_to_json(scores) for stage, scores in run.scores_in(3).items()} for run in runs
        },
        "differences": material.differences_to_json(entries),
        "second_dataset": material.differences_to_json(gains),
    }
    return Section("Table 2: metrics in 3D", text, tables, facts={"3d": facts})


def table_2(entries: Sequence[Entry]) -> Table:
    """All metrics of every method, by what it was trained on: one's own, differences, the ground truth's, the paper's.

    A metric in a column, so that the table fits a phone; the paper has them in rows.
    """
    datasets, groups = [entry.trained_on for entry in entries], defaultdict(list)
    for entry in sorted(entries, key=lambda entry: datasets.index(entry.trained_on)):
        groups[f"Trained on {entry.trained_on}"].append((entry.name, *metric_cells(entry.scores, HEADS)))
        if entry.difference:
            groups[f"Δ, minus {entry.reference}"].append((entry.name, *metric_cells(entry.difference, HEADS, True)))
    if "gt_bone_std" in entries[0].scores.metrics:
        own = metric_cells(entries[0].scores, [f"gt_{name}" for name in HEADS])
        groups["The ground truth itself"] = [("ground truth", *own)]
    printed = mark_protocol("As published", entries, 2)
    for (method, mixed), values in published.TABLE_2.items():
        cells = [published.BELOW_ONE if values.get(name, 0) is None else Cell(values.get(name)) for name in HEADS]
        groups[f"{printed}: Human3.6M{' + MPII' * mixed}"].append((published.PAPER_NAMES[method], *cells))
    notes = material.describe_differences(entries), published.cite_table(2), *published.TABLE_2_NOTES
    title = "All metrics of all methods: errors and Bone Std in mm, illegal angles in %"
    note = " ".join([ABOUT_PA, ABOUT_OWN, *notes])
    return Table(title, ("", *HEADS.values()), join_groups(groups.items()), note)


def make_joints_section(pairs: Pairs) -> Section:
    """Table 3, a table per metric."""
    pair = pairs[False not in pairs]
    text = (f"Right and left together. {describe_training(pair)} The paper's: on Human3.6M alone, Protocol 2.",)
    tables = {f"table3-{metric.replace('_', '-')}": table_3(metric, pair) for metric in IN_TABLE_3}
    return Section("Table 3: by joint and bone", text, tables)


def make_actions_section(pairs: Pairs) -> Section:
    """Tables 4 to 6; those whose protocol or kind of training none of one's own have are folded."""
    tables, folded = {}, set()
    for number, (name, printed) in enumerate(published.ACTION_TABLES.items(), start=4):
        protocols = ("", f"Protocol {printed['protocol']}")  # of an unknown one they stand in every table
        pair = [entry for entry in pairs.get(printed["mixed"], ()) if entry.scores.protocol[:10] in protocols]
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


def mark_protocol(name: str, entries: Sequence[Entry], protocol: int) -> str:
    """A name of published values, with their protocol if it is known that one's own people were prepared by another."""
    own = {entry.scores.protocol for entry in entries} - {""}
    other = own and not all(each[:10] == f"Protocol {protocol}" for each in own)
    return f"{name}, of Protocol {protocol}, not {' and '.join(sorted(own))}" if other else name


def table_3(name: str, pair: Pair = ()) -> Table:
    """A metric of Table 3 by kind of joint, right and left together: the baseline, another method, and the paper's two.

    Args:
        name: of the metric.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    metric, unit = IN_TABLE_3[name], "%" if IN_TABLE_3[name].unit == "percent" else "mm"
    columns = list_columns(pair, partial(list_kinds, name))
    columns["gt"] = list_kinds(f"gt_{name}", pair[0].scores) if pair else {}
    for index, head in enumerate(("Paper: Baseline", "Paper: Ours (all)")):
        printed = {kind: Cell(both[index][name]) for kind, both in published.TABLE_3.items()}
        columns[mark_protocol(head, pair, 2)] = printed
    of_part = "bone, from the joint to its parent" if metric.part == "bone" else "joint"
    return make_table(f"{metric.title} in {unit} by {of_part}", columns, (), "all", published.TABLE_3_NOTES[name])


def actions_table(number: int, pair: Pair = ()) -> Table:
    """Table 4, 5 or 6 by action, an action in a row; one's own baseline and another method first, then the published.

    Args:
        number: of the table.
        pair: one's own, trained on the same data; a missing one has no columns.
    """
    table = published.ACTION_TABLES[f"table{number}"]
    columns = list_columns(pair, partial(list_actions, table["metric"]))
    for label, _, values, average in table["rows"]:
        columns[label] = dict(zip(published.ACTIONS, map(Cell, values), strict=False)) | {"Avg": Cell(average)}
    works = "; ".join(work for _, work, *_ in table["rows"] if work)
    cited = published.cite_table(number, table["protocol"])
    note = f"Avg: the mean of the actions, each alike. {cited} Others: {works}. {table['note']}"
    return make_table(table["title"], columns, published.ACTIONS, "Avg", note)


def make_table(title: str, columns: Mapping[str, Cells], first: Iterable[str], last: str, note: str) -> Table:
    """A table of cells by name; rows and columns without a value are left out.

    Args:
        title, note: of the table.
        columns: one's own and the published ones.
        first: the names that come first, before others that a column has.
        last: the name that comes last.
    """
    columns = {head: cells for head, cells in columns.items() if cells}
    names = [name for name in dict.fromkeys(chain(first, *columns.values())) if name != last]
    rows = ((name, *(cells.get(name, Cell(None)) for cells in columns.values())) for name in [*names, last])
    shown = tuple(row for row in rows if any(each.value is not None for each in row[1:]))
    return Table(title, ("", *columns), shown, note=note)


def list_columns(pair: Pair, list_cells: Callable[..., Cells]) -> dict[str, Cells]:
    """A column per entry, then one per difference, with another digit; entries without values have an empty one."""
    columns = {entry.name: list_cells(entry.scores) for entry in pair}
    return columns | {f"Δ {entry.name}": list_cells(entry.difference, 2, True) for entry in pair if entry.difference}


def list_kinds(metric: str, scores: Scores, digits: int = 1, signed: bool = False) -> Cells:
    """Kind of joint -> value, under "all" the overall one; {} if the metric was not measured."""
    score = scores.metrics.get(metric)
    if score is None or score.overall.value is None:
        return {}
    return {
        kind: cell(each, digits, signed) for kind, each in {**score.groups["per_kind"], "all": score.overall}.items()
    }


def list_actions(metric: str, scores: Scores, digits: int = 1, signed: bool = False) -> Cells:
    """The paper's word for an action, or the data's own -> value, under "Avg" their mean; {} without actions."""
    groups = scores[metric].groups
    values = groups["per_action"] and {**groups["per_action"], "Avg": groups["action_mean"]}
    return {published.paper_action(name) or name: cell(each, digits, signed) for name, each in values.items()}


def describe_training(pair: Pair) -> str:
    """What some methods were trained on, in words."""
    names = " and ".join(dict.fromkeys(entry.name for entry in pair))
    return f"{names}: trained on {', '.join(dict.fromkeys(entry.trained_on for entry in pair))}."
