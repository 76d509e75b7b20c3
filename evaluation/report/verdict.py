"""Which method wins: every two of them on the same people, in a sentence, a table and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evaluation import Estimate, Scores
from evaluation.metrics.calibration import correct_joints
from evaluation.metrics.conventions import SHORT
from evaluation.metrics.evaluate import person_errors
from evaluation.metrics.json_format import difference_to_json
from evaluation.report import plots
from evaluation.report.chance import find_beyond_chance
from evaluation.report.material import Entry, Run, View, list_entries, subtract_base
from evaluation.report.page import Section
from evaluation.report.tables import Table, cell

UNKNOWN = "whether they differ beyond chance is not known without the poses and the people"


@dataclass(frozen=True)
class Pair:
    """Two methods on the same people.

    Attributes:
        name, other: theirs.
        difference: scores of the first minus those of the second, with paired intervals.
        better, worse: people for whom the first has more joints correct, or fewer; in 3D a smaller, or larger, error.
        people: who are counted.
    """

    name: str
    other: str
    difference: Scores
    better: int
    worse: int
    people: int


def list_values(scores: Scores) -> dict[str, Estimate]:
    """What decides, of all joints and by joint group: PCKh or PCK at its own threshold; in 3D Joint Error."""
    score, key = (scores.pckh, "groups") if scores.dimensions == 2 else (scores["joint_error"], "per_kind")
    return {"all joints": score.overall, **{name: each for name, each in score.groups[key].items() if name != "Mean"}}


def compare_pairs(entries: Sequence[Entry], view: View) -> list[Pair]:
    """Every two of some methods, the better one minus the other, from the best on; none without poses."""
    flat, pairs = entries[0].scores.dimensions == 2, []
    order = [entry for entry in entries if list_values(entry.scores)["all joints"].value is not None]
    order.sort(key=lambda entry: list_values(entry.scores)["all joints"].value, reverse=flat)
    for one, other in combinations(order, 2):
        if difference := subtract_base(one, other, view, other.name).difference:
            gt, poses = view(one.scores.dimensions, one.poses, other.poses)
            if flat:
                gained = np.subtract(*(correct_joints(pose, gt, convention=one.scores.convention) for pose in poses))
                margin = np.where(np.isfinite(gained).any(axis=1), np.nansum(gained, axis=1), np.nan)
            else:
                margin = np.subtract(*(person_errors(pose, gt) for pose in reversed(poses)))
            counts = (int(members.sum()) for members in (margin > 0, margin < 0, np.isfinite(margin)))
            pairs.append(Pair(one.name, other.name, difference, *counts))
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
        low, high = sorted(map(abs, overall.interval))
        verb = "beats" if sign * overall.value > 0 else "loses to"
        said = f"{name} {verb} {other} by {abs(overall.value):.1f} [{low:.1f}, {high:.1f}] {unit}"
    sides: dict[str, list[str]] = {"better": [], "worse": [], "no difference": []}
    for group, value, beyond in zip([*list_values(difference)][1:], groups, find_beyond_chance(groups), strict=True):
        if value.interval == (0, 0):  # the root in 3D, which is 0 by definition
            continue
        sides["no difference" if not beyond else "better" if sign * value.value > 0 else "worse"].append(group)
    told = ", ".join(f"{side} at {' and '.join(_list(names))}" for side, names in sides.items() if names)
    return f"{said}; {told}" if told else said


def _list(words: Sequence[str]) -> list[str]:
    """All but the last word, with commas, and the last one."""
    return [*filter(None, [", ".join(words[:-1])]), words[-1]]


def make_section(runs: Sequence[Run], view: View) -> Section:
    """Sentences on the best method against each other one, all pairs in a table, and a plot by joint group.

    Several methods are compared by their last stages, those of one run with one another; in 3D by Joint Error if all
    have it.
    """
    dimensions = 3 if all(3 in run.stages[run.last] for run in runs) else 2
    entries = list_entries(runs, dimensions)
    entries = [entry for entry in entries if entry.stage != "mean_pose"] or entries
    pairs, scores = compare_pairs(entries, view), entries[-1].scores
    what = f"{scores.measure.title}{scores.measure.note} in %" if dimensions == 2 else "Joint Error in mm"
    if not pairs:
        values = ", ".join(f"{entry.name} {cell(list_values(entry.scores)['all joints'])}" for entry in entries)
        return Section("Verdict", (f"{what}: {values}{f'; {UNKNOWN}' if len(entries) > 1 else ''}.",))
    first = [pair for pair in pairs if pair.name == pairs[0].name]
    text = [
        f"{describe_difference(pair.name, pair.other, pair.difference)}; better for {pair.better:,} of {pair.people:,} "
        f"people, worse for {pair.worse:,}."
        for pair in first
    ]
    values = {f"{pair.name} − {pair.other}": list_values(pair.difference) for pair in pairs}
    rows = [
        (name, *(cell(value, signed=True) for value in each.values()), f"{pair.better:,} : {pair.worse:,}")
        for pair, (name, each) in zip(pairs, values.items(), strict=True)
    ]
    better = "more joints correct : fewer" if dimensions == 2 else "a smaller error : a larger one"
    note = f"People: those for whom the first has {better}. Intervals are paired."
    heads = [SHORT.get(group, group) for group in list_values(pairs[0].difference)]
    table = Table(f"Differences of every two: {what}", ("", *heads, "People"), tuple(rows), note)
    looks = [[entry.name for entry in entries].index(pair.other) for pair in first]  # as in the other plots
    plot = plots.joint_dots(
        dict(list(values.items())[: len(first)]), f"Differences by joint group: {what}", f"difference ({what})", looks
    )
    caption = "The best method minus each other one; left of 0 it is the lower one. Lines: 95 % paired intervals."
    facts = [
        {"run": pair.name, "reference": pair.other, "better": pair.better, "worse": pair.worse, "people": pair.people,
         **difference_to_json(pair.difference)}
        for pair in pairs
    ]  # fmt: skip
    verdict = {"sentences": text, "pairs": facts}
    return Section("Verdict", text, {"pairs": table}, {"differences": (caption, plot)}, facts={"verdict": verdict})
