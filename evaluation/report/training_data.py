"""Which training is best, in 3D: Table 2 of the paper with one's own scores, and what a second dataset gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.metrics.json_format import Json, difference_to_json, scores_to_json
from evaluation.metrics.metric import METRICS
from evaluation.report.material import (
    BASE,
    SHOWN,
    Entry,
    Run,
    View,
    describe_differences,
    describe_people,
    subtract,
)
from evaluation.report.page import Section
from evaluation.report.published import BELOW_ONE, PAPER_NAMES, TABLE_2, TABLE_2_NOTES, cite_table
from evaluation.report.tables import ABOUT_OWN, ABOUT_PA, Cell, Group, Table, metric_cells, readable

HEADS = {metric.name: metric.head for metric in METRICS[3] if not metric.of_gt}
UNKNOWN = "data that is not recorded"


@dataclass(frozen=True)
class Trainings:
    """Runs in 3D, compared by what they were trained on.

    Attributes:
        entries: rows of Table 2, each with its difference to the baseline trained on the same data.
        gains: of each method trained with and without a second dataset: what the second one changes.
        pairs: whether a second dataset was trained on too -> the baseline, and the method beside it in Tables 3 to 6
            and Figure 2 if there is one.
    """

    entries: list[Entry]
    gains: list[Entry]
    pairs: dict[bool, list[Entry]]


def compare_trainings(runs: Sequence[Run], view: View) -> Trainings | None:
    """Differences of the runs in 3D to the baseline of their data; of a single run's stages, to the mean pose.

    Without the people's depth, or predictions, there are none. None if no run has a score in 3D.
    """
    runs = [run for run in runs if run.scores_in(3)]
    if not runs:
        return None
    entries, single = _list_trainings(runs), len(runs) == 1

    def minus(entry: Entry, base: Entry) -> Entry:
        if entry.poses is None or base.poses is None:
            return entry
        found = subtract(view, 3, entry.poses, base.poses, "")
        return replace(entry, reference=base.name if found else "", difference=found)

    trained = [entry for entry in entries if entry.method and entry.stage != "mean_pose"]
    gains = []
    for entry in trained:
        alone = [one for one in trained if (one.method, one.data, one.also) == (entry.method, entry.data, None)]
        if entry.also and alone and (gain := minus(entry, alone[0])).difference:
            gains.append(gain)
    pairs: dict[bool, list[Entry]] = {}
    for data in dict.fromkeys((entry.data, entry.also) for entry in entries):
        alike = [row for row, entry in enumerate(entries) if (entry.data, entry.also) == data]
        rows = [row for row in alike if single or entries[row].stage != "mean_pose"] or alike
        base = next((row for row in rows if not single and entries[row].method == BASE), rows[0])
        others = [row for row in rows if row != base]
        for row in others:
            entries[row] = minus(entries[row], entries[base])
        shown = [row for row in others if entries[row].method == SHOWN and not single] or others
        pairs.setdefault(bool(data[1]), [entries[row] for row in (base, *shown[-1:])])
    return Trainings(entries, gains, pairs)


def _list_trainings(runs: Sequence[Run]) -> list[Entry]:
    """The stages of a single run; of several the last ones, and the mean pose of the first run of each dataset."""

    def make_entry(run: Run, stage: str, name: str) -> Entry:
        data, also = run.record.get("data", UNKNOWN), run.record.get("also")
        return Entry(name, run.method, stage, run.stages[stage][3], data, also, run.poses.get(stage))

    if len(runs) == 1:
        return [make_entry(runs[0], stage, readable(stage)) for stage in runs[0].scores_in(3)]
    lasts = [list(run.scores_in(3))[-1] for run in runs]
    entries: list[Entry] = []
    for run, last in zip(runs, lasts, strict=True):
        entry = make_entry(run, last, run.name if len(set(lasts)) == 1 else f"{run.name}, {readable(last)}")
        first = entry.trained_on not in {other.trained_on for other in entries}
        if "mean_pose" in run.scores_in(3) and last != "mean_pose" and first:
            entries.append(make_entry(run, "mean_pose", "mean pose"))
        entries.append(entry)
    return entries


def make_section(found: Trainings, runs: Sequence[Run], known: bool) -> Section:
    """Table 2, and what a second dataset gives. `known`: whether the validation people's depth is given."""

    def to_json(entries: Sequence[Entry]) -> list[Json]:
        return [{"run": entry.name, "reference": entry.reference, **difference_to_json(entry.difference)}
                for entry in entries if entry.difference]  # fmt: skip

    text = describe_people(found.entries)
    if "illegal_angle" not in found.entries[-1].scores.metrics:
        text.append("Illegal Angle was not measured: it needs the joint-angle model (--angle-limits).")
    if not known:
        text.append("Differences and Figure 2 are left out: they need validation annotations with depth and cameras.")
    tables = {"table2": table_2(found.entries)}
    tables |= {"second-dataset": second_dataset_table(found.gains)} if found.gains else {}
    facts = {
        "protocol": found.entries[-1].scores.protocol,
        "runs": {
            run.name: {stage: scores_to_json(scores) for stage, scores in run.scores_in(3).items()} for run in runs
        },
        "differences": to_json(found.entries),
        "second_dataset": to_json(found.gains),
    }
    return Section("Table 2: metrics in 3D", text, tables, facts={"3d": facts})


def table_2(entries: Sequence[Entry]) -> Table:
    """All metrics of every method, by what it was trained on: one's own, differences, the ground truth's, the paper's.

    A metric in a column, so that the table fits a phone; the paper has them in rows.
    """
    groups: list[Group] = []
    for mixed, data in dict.fromkeys((bool(entry.also), entry.trained_on) for entry in entries):
        alike = [entry for entry in entries if (bool(entry.also), entry.trained_on) == (mixed, data)]
        groups.append((f"Trained on {data}", [(entry.name, *metric_cells(entry.scores, HEADS)) for entry in alike]))
        for reference in dict.fromkeys(entry.reference for entry in alike if entry.difference):
            compared = [entry for entry in alike if entry.reference == reference and entry.difference]
            rows = [(entry.name, *metric_cells(entry.difference, HEADS, True)) for entry in compared]
            groups.append((f"Δ, minus {reference}", rows))
    own = metric_cells(entries[0].scores, [f"gt_{name}" for name in HEADS])
    own = [("ground truth", *own)] if "gt_bone_std" in entries[0].scores.metrics else []
    groups.append(("The ground truth itself", own))
    for data, mixed in (("Human3.6M", False), ("Human3.6M + MPII", True)):
        rows = [
            (
                PAPER_NAMES[method],
                *(BELOW_ONE if values.get(name, 0) is None else Cell(values.get(name)) for name in HEADS),
            )
            for (method, also), values in TABLE_2.items()
            if also == mixed
        ]
        groups.append((f"As published: {data}", rows))
    note = " ".join([ABOUT_PA, ABOUT_OWN, describe_differences(entries), cite_table(2), *TABLE_2_NOTES])
    title = "All metrics of all methods: errors and Bone Std in mm, illegal angles in %"
    return Table.of_groups(title, ("", *HEADS.values()), groups, note)


def second_dataset_table(gains: Sequence[Entry]) -> Table:
    """What training on a second dataset changes: rows of which `difference` is with it minus without."""
    return Table(
        title="With the second dataset minus without: errors and Bone Std in mm, illegal angles in %",
        head=("", *HEADS.values()),
        rows=tuple((entry.name, *metric_cells(entry.difference, HEADS, True)) for entry in gains),
        note="The same method on the same people; the confidence intervals are paired.",
    )
