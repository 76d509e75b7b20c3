"""Which method is best: the verdict on every two of them, and Tables 7 and 8 with one's own scores."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, combinations

import numpy as np

from evaluation import PCKH, Estimate, Scores
from evaluation.metrics import SHORT, Json, correct_joints, find_beyond_chance, person_errors, scores_to_json
from evaluation.report import material, plots
from evaluation.report.material import BASE, PREDICTED, Entry, Run, Section, View, subtract_base
from evaluation.report.published import PAPER, TABLE_7, TABLE_8
from evaluation.report.tables import Cell, Row, Table, cell, join_groups, metric_cells, metric_heads, readable
from heads.skeleton import MPII

Compared = tuple[Entry, tuple[int, int, int]]  # with its difference; people for whom it is better, worse, and all
NOT_HERE = "In the paper, not among these runs"
ABOUT_PAPER = f"What is marked as the paper's is on MPII with its full training ({PAPER}, Table 7)."


def compare_stages(runs: Sequence[Run], view: View) -> list[Entry]:
    """Every stage of every run in 2D, with its paired difference to the reference.

    The reference is the same stage of the run of `ief_star` (of the first run, if there is none), its last one if it
    has no such stage; with a single run it is stage 0.
    """
    base, several = next((run for run in runs if run.method == BASE), runs[0]), len(runs) > 1
    entries = {(run.name, stage): run.entry(stage, 2, run.name) for run in runs for stage in run.scores_in(2)}
    for (name, stage), entry in entries.items():
        other, reference = (base.name, stage), f"{base.name} at the same stage"
        if not several:
            other, reference = (name, "stage0"), "stage 0"
        elif stage not in base.stages or stage == PREDICTED:
            other, reference = (base.name, base.last), base.name
        if other != (name, stage) and other in entries and not (several and stage == "mean_pose"):
            entries[name, stage] = subtract_base(entry, entries[other], view, reference)
    return list(entries.values())


def make_sections(
    runs: Sequence[Run], entries: Sequence[Entry], known: bool, published: Mapping[str, Json] = TABLE_8
) -> list[Section]:
    """Tables 7 and 8.

    Args:
        entries: the runs' stages, as `compare_stages` gives them.
        known: whether the validation people are given.
        published: rows below Table 8.
    """
    measure = entries[-1].scores.measure
    stages = {run.name: {stage: scores_to_json(scores) for stage, scores in run.scores_in(2).items()} for run in runs}
    facts = {
        "runs": {run.name: {"method": run.method, "training": run.record, "stages": stages[run.name]} for run in runs},
        "differences": material.differences_to_json(entries, "stage"),
        "published": {**published} if measure == PCKH else {},
    }
    text, silent = material.describe_people(entries), ", ".join(run.name for run in runs if not run.poses)
    if not known:
        text.append(
            "Differences, the parts of the data and the people are left out: they need the validation annotations "
            "(--data or --annotations)."
        )
    elif silent:
        text.append(f"Without predictions-valid.npz, and so without differences and parts of the data: {silent}.")
    of_paper = all(is_mpii(entry.scores) for entry in entries)
    stage = "" if all(run.is_file for run in runs) else " by stage"
    first, second = f"rrors and {measure.name}{stage}", f"{measure.name} by joint group"
    return [
        Section(f"Table 7: e{first}" if of_paper else f"E{first}", text, {"table7": table_7(entries)}, facts=facts),
        Section(f"Table 8: {second}" if of_paper else second, tables={"table8": table_8(entries, published)}),
    ]


def is_mpii(scores: Scores) -> bool:
    """Whether scores are PCKh of MPII's joints, beside which published values may stand."""
    return scores.measure == PCKH and tuple(scores["joint_error"].counts) == MPII.names


def table_7(entries: Sequence[Entry]) -> Table:
    """Joint error, bone error and PCKh@0.5 of every stage and run, the difference beside each, the paper's last.

    Of other joints than MPII's, or in another measure than PCKh, there is nothing of the paper.

    PCKh comes first. The columns of differences are left out if no entry has one. The mean pose, which is the same for
    all runs trained on the same data, has one row. The paper's rows that no entry stands for follow in a section of
    their own, so that all of its values are there.
    """
    compared, with_paper = any(entry.difference for entry in entries), all(is_mpii(entry.scores) for entry in entries)
    measure = entries[-1].scores.measure
    metrics = metric_heads(entries[-1].scores)
    heads = {name: metrics[name] for name in (measure.name_at(measure.main), "joint_error", "bone_error")}
    crop = {name: metrics[name] for name in ("joint_error_crop", "bone_error_crop")}

    def row(entry: Entry) -> Row:
        both = metric_cells(entry.scores, heads), metric_cells(entry.difference, heads, True)
        paper = list_paper(TABLE_7.get((entry.method, entry.stage), (None, None, None))) if with_paper else ()
        pairs = zip(*both[: 1 + compared], strict=True)
        return (entry.name, *chain.from_iterable(pairs), *metric_cells(entry.scores, crop), *paper)

    shown = [head for column in heads.values() for head in (column, f"Δ {column}")[: 1 + compared]]
    shown += crop.values()
    ours = {(entry.method, entry.stage) for entry in entries}
    printed = {key: values for key, values in TABLE_7.items() if with_paper and key not in ours}
    empty = [""] * len(shown)
    others = [(f"{name}, {readable(stage)}", *empty, *list_paper(values)) for (name, stage), values in printed.items()]
    columns = {f"Paper, on MPII: {column}": column for column in heads.values() if with_paper}
    below = {f"Δ {column}": (column, "Δ") for column in heads.values()}
    below |= {head: (column, "paper") for head, column in columns.items()}
    return Table(
        f"Mean {measure.title}{measure.note} in %, mean joint and bone error in image pixels, and in pixels of the "
        "224 crop",
        ("", *shown, *columns),
        join_groups([*_group_by_stage(entries, row), (NOT_HERE, others)]),
        " ".join(filter(None, [material.describe_differences(entries), ABOUT_PAPER if with_paper else ""])),
        {head: over for head, over in below.items() if head in (*shown, *columns)},
        frozenset([NOT_HERE, *crop.values()]),
    )


def list_paper(values: Sequence[float | None]) -> list[Cell]:
    """A row of the paper's Table 7 in the order of the columns here: PCKh, joint error, bone error."""
    return [Cell(values[2]), Cell(values[0]), Cell(values[1])]


def table_8(entries: Sequence[Entry], published: Mapping[str, Json]) -> Table:
    """PCKh@0.5 of the joint groups, one's own by stage and run, then published rows by source.

    Published rows stand beside PCKh of MPII's joints alone.
    """
    measure = entries[-1].scores.measure
    published = published if all(is_mpii(entry.scores) for entry in entries) else {}

    def row(entry: Entry) -> Row:
        return entry.name, *map(cell, entry.scores.pckh.groups["groups"].values())

    groups, captions = _group_by_stage(entries, row), {}
    for each in published.values():
        captions.setdefault(f"As published, MPII test set: {each['source']}", []).append(
            (each["label"], *map(Cell, each["groups"]))
        )
    notes = ["The published rows are not ours: they are on MPII's test set."] * bool(published)
    note = " ".join(filter(None, [*notes, *(each["note"] for each in published.values())]))
    conventions = ", ".join(dict.fromkeys(entry.scores.convention for entry in entries))
    title = f"{measure.title}{measure.note} in % by joint group ({conventions} convention)"
    heads = (SHORT.get(group, group) for group in entries[-1].scores.pckh.groups["groups"])  # as there
    return Table(title, ("", *heads), join_groups([*groups, *captions.items()]), note, folded=frozenset(captions))


def _group_by_stage(entries: Sequence[Entry], row: Callable[[Entry], Row]) -> list[tuple[str, list[Row]]]:
    """The entries' rows under one caption per stage; a mean pose that all runs share has one row."""
    groups, alone = [], all(entry.stage == PREDICTED for entry in entries)
    for stage in dict.fromkeys(entry.stage for entry in entries):
        lines = [row(entry) for entry in entries if entry.stage == stage]
        if stage == "mean_pose" and len(lines) > 1 and len({line[1:] for line in lines}) == 1:
            lines = [("all runs", *lines[0][1:])]
        groups.append(("" if alone else readable(stage).capitalize(), lines))
    return groups


def list_values(scores: Scores) -> dict[str, Estimate]:
    """What decides, of all joints and by joint group: PCKh or PCK at its own threshold; in 3D Joint Error."""
    score, key = (scores.pckh, "groups") if scores.dimensions == 2 else (scores["joint_error"], "per_kind")
    return {"all joints": score.overall, **{name: each for name, each in score.groups[key].items() if name != "Mean"}}


def compare_pairs(entries: Sequence[Entry], view: View, compared: Sequence[Entry] = ()) -> list[Compared]:
    """Every two of some methods, the better one minus the other, from the best on; none without poses.

    Args:
        compared: entries with differences that are known already.

    Returns:
        The better one with its difference to the other; people for whom it has more joints correct (in 3D a smaller
        error), for whom it has fewer, and all who are counted.
    """
    flat, pairs = entries[0].scores.dimensions == 2, []
    order = [entry for entry in entries if list_values(entry.scores)["all joints"].value is not None]
    order.sort(key=lambda entry: list_values(entry.scores)["all joints"].value, reverse=flat)
    for one, other in combinations(order, 2):
        if (pair := subtract_base(one, other, view, other.name, compared)).difference:
            gt, poses = view(one.scores.dimensions, one.poses, other.poses)
            if flat:
                gained = np.subtract(*(correct_joints(pose, gt, convention=one.scores.convention) for pose in poses))
                margin = np.where(np.isfinite(gained).any(axis=1), np.nansum(gained, axis=1), np.nan)
            else:
                margin = np.subtract(*(person_errors(pose, gt) for pose in reversed(poses)))
            pairs.append((pair, tuple(int(who.sum()) for who in (margin > 0, margin < 0, np.isfinite(margin)))))
    return pairs


def describe_difference(name: str, other: str, difference: Scores) -> str:
    """`both beats ief_star by 1.1 [0.1, 2.1] points of PCKh@0.5; better at Knee, no difference at Head`.

    The overall value decides by itself, the groups by Holm's correction over them.

    Args:
        difference: scores of the method `name` minus those of the `other`.
    """
    flat, (overall, *groups) = difference.dimensions == 2, list_values(difference).values()
    unit, sign = (f"points of {difference.measure.title}", 1) if flat else ("mm of Joint Error", -1)
    said = f"{name} and {other}: no difference beyond chance, {cell(overall, signed=True)} {unit}"
    if find_beyond_chance([overall])[0]:
        verb = "beats" if sign * overall.value > 0 else "loses to"
        said = f"{name} {verb} {other} by {Cell(abs(overall.value), sorted(map(abs, overall.interval)))} {unit}"
    sides: dict[str, list[str]] = {"better": [], "worse": [], "no difference": []}
    for group, value, beyond in zip([*list_values(difference)][1:], groups, find_beyond_chance(groups), strict=True):
        if value.interval == (0, 0):  # the root in 3D, which is 0 by definition
            continue
        sides["no difference" if not beyond else "better" if sign * value.value > 0 else "worse"].append(group)
    listed = {side: filter(None, (", ".join(names[:-1]), names[-1])) for side, names in sides.items() if names}
    told = ", ".join(f"{side} at {' and '.join(names)}" for side, names in listed.items())
    return f"{said}; {told}" if told else said


def make_verdict(runs: Sequence[Run], view: View, compared: Sequence[Entry] = ()) -> Section:
    """Sentences on the best method against each other one, all pairs in a table, and a plot by joint group.

    Several methods are compared by their last stages, those of one run with one another; in 3D by Joint Error if all
    have it. `compared`: stages whose differences are known already.
    """
    dimensions = 3 if all(3 in run.stages[run.last] for run in runs) else 2
    doubts = [f"{run.name}: {doubt}." for run in runs for doubt in run.doubts]
    entries = material.list_entries(runs, dimensions)
    entries = [entry for entry in entries if entry.stage != "mean_pose"] or entries
    pairs, scores = compare_pairs(entries, view, compared), entries[-1].scores
    what = f"{scores.measure.title}{scores.measure.note} in %" if dimensions == 2 else "Joint Error in mm"
    if not pairs:
        values = ", ".join(f"{entry.name} {cell(list_values(entry.scores)['all joints'])}" for entry in entries)
        unknown = "; whether they differ beyond chance is not known without the poses and the people"
        return Section("Verdict", (f"{what}: {values}{unknown * (len(entries) > 1)}.", *doubts))
    text, values, looks, names = [], {}, [], [entry.name for entry in entries]
    for one, (better, worse, people) in pairs:
        if one.name == pairs[0][0].name:
            told = describe_difference(one.name, one.reference, one.difference)
            text.append(f"{told}; better for {better:,} of {people:,} people, worse for {worse:,}.")
            values[f"{one.name} − {one.reference}"] = list_values(one.difference)
            looks.append(names.index(one.reference))  # as in the other plots
    plot = plots.joint_dots(values, f"Differences by joint group: {what}", f"difference ({what})", looks)
    caption = "The best method minus each other one; left of 0 it is the lower one. Lines: 95 % paired intervals."
    facts = material.differences_to_json([one for one, _ in pairs])
    for each, (_, counts) in zip(facts, pairs, strict=True):
        each.update(zip(("better", "worse", "people"), counts, strict=True))
    verdict, tables = {"sentences": text, "pairs": facts}, {"pairs": pairs_table(pairs, what)}
    return Section("Verdict", [*text, *doubts], tables, {"differences": (caption, plot)}, facts={"verdict": verdict})


def pairs_table(pairs: Sequence[Compared], what: str) -> Table:
    """A row per pair: the differences of all joints and of each group, and for how many people. `what`: is compared."""
    values = [(*pair, list_values(pair[0].difference)) for pair in pairs]
    rows = tuple(
        (
            f"{one.name} − {one.reference}",
            *(cell(each, signed=True) for each in groups.values()),
            f"{more:,} : {less:,}",
        )
        for one, (more, less, _), groups in values
    )
    heads = (SHORT.get(group, group) for group in values[0][-1])
    better = "a smaller error : a larger one" if pairs[0][0].scores.dimensions == 3 else "more joints correct : fewer"
    note = f"People: those for whom the first has {better}. Intervals are paired."
    return Table(f"Differences of every two: {what}", ("", *heads, "People"), rows, note)
