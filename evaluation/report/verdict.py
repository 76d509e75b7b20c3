"""Which method wins: every two of them on the same people, in a sentence, a table and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from evaluation import Estimate, Score, Scores
from evaluation.metrics.calibration import correct_joints
from evaluation.metrics.conventions import SHORT
from evaluation.metrics.evaluate import person_errors
from evaluation.metrics.json_format import difference_to_json
from evaluation.report import plots
from evaluation.report.chance import find_beyond_chance
from evaluation.report.material import Entry, Run, View, list_entries, subtract_base
from evaluation.report.page import Section
from evaluation.report.tables import Table, cell

UNDECIDED = "no difference"


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


def main_score(scores: Scores) -> Score:
    """What decides: PCKh, or PCK, at its own threshold; in 3D Joint Error."""
    return scores.pckh if scores.dimensions == 2 else scores["joint_error"]


def list_groups(scores: Scores) -> dict[str, Estimate]:
    """What decides by joint group, left and right together, without the Mean; in 3D by kind of joint."""
    groups = main_score(scores).groups["groups" if scores.dimensions == 2 else "per_kind"]
    return {group: value for group, value in groups.items() if group != "Mean"}


def compare_pairs(entries: Sequence[Entry], view: View) -> list[Pair]:
    """Every two of some methods, the better one minus the other, from the best on; none without poses."""
    higher = entries[0].scores.dimensions == 2
    order = [entry for entry in entries if main_score(entry.scores).overall.value is not None]
    order.sort(key=lambda entry: main_score(entry.scores).overall.value, reverse=higher)
    pairs = []
    for one, other in combinations(order, 2):
        if (difference := subtract_base(one, other, view, other.name).difference) is None:
            continue
        gt, poses = view(one.scores.dimensions, one.poses, other.poses)
        if higher:
            convention = one.scores.convention
            gained = np.subtract(*(correct_joints(pose, gt, convention=convention) for pose in poses))
            margin = np.where(np.isfinite(gained).any(axis=1), np.nansum(gained, axis=1), np.nan)
        else:
            margin = np.subtract(*(person_errors(pose, gt) for pose in reversed(poses)))
        counts = [int(members.sum()) for members in (margin > 0, margin < 0, np.isfinite(margin))]
        pairs.append(Pair(one.name, other.name, difference, *counts))
    return pairs


def describe_difference(name: str, other: str, difference: Scores) -> str:
    """`both beats ief_star by 1.1 [0.1, 2.1] points of PCKh@0.5; better at Knee, no difference at Head`.

    By which groups is said by Holm's correction over them; the overall value by itself.

    Args:
        difference: scores of the method `name` minus those of the `other`.
    """
    flat, groups = difference.dimensions == 2, list_groups(difference)
    overall = main_score(difference).overall
    sign = 1 if flat else -1
    unit = f"points of {difference.measure.title}" if flat else "mm of Joint Error"
    decided, *_ = find_beyond_chance([overall])
    won = [sign * (overall.value or 0) > 0, sign * (overall.value or 0) < 0]
    if decided:
        low, high = sorted(sign * (1 if won[0] else -1) * bound for bound in overall.interval)
        said = f"{name} {'beats' if won[0] else 'loses to'} {other} by {abs(overall.value):.1f} [{low:.1f}, {high:.1f}]"
    else:
        said = f"{name} and {other}: {UNDECIDED} beyond chance, {cell(overall, signed=True)}"
    parts: dict[str, list[str]] = {"better": [], "worse": [], UNDECIDED: []}
    for (group, value), beyond in zip(groups.items(), find_beyond_chance(list(groups.values())), strict=True):
        side = UNDECIDED if not beyond else "better" if sign * value.value > 0 else "worse"
        parts[side].append(group)
    told = [f"{side} at {join_words(names)}" for side, names in parts.items() if names]
    return "; ".join([f"{said} {unit}", ", ".join(told)]) if told else f"{said} {unit}"


def join_words(words: Sequence[str]) -> str:
    """`Head, Knee and Ank.`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def make_section(runs: Sequence[Run], view: View) -> Section:
    """Sentences on the best method against each other one, all pairs in a table, and a plot by joint group.

    Several methods are compared by their last stages, those of one run with one another; in 3D by Joint Error if all
    have it.
    """
    dimensions = 3 if all(3 in run.stages[run.last] for run in runs) else 2
    entries = [entry for entry in list_entries(runs, dimensions) if entry.stage != "mean_pose"]
    entries = entries or list_entries(runs, dimensions)
    pairs = compare_pairs(entries, view)
    scores = entries[-1].scores
    what = f"{scores.measure.title}{scores.measure.note} in %" if dimensions == 2 else "Joint Error in mm"
    if not pairs:
        values = ", ".join(f"{entry.name} {cell(main_score(entry.scores).overall)}" for entry in entries)
        more = "; whether they differ beyond chance is not known without the poses and the people" * (len(entries) > 1)
        return Section("Verdict", (f"{what}: {values}{more}.",))
    first = [pair for pair in pairs if pair.name == pairs[0].name]
    text = [
        f"{describe_difference(pair.name, pair.other, pair.difference)}; better for {pair.better:,} of {pair.people:,} "
        f"people, worse for {pair.worse:,}."
        for pair in first
    ]
    heads = [SHORT.get(group, group) for group in list_groups(scores)]
    rows = tuple(
        (
            f"{pair.name} − {pair.other}",
            *(cell(value, signed=True) for value in (main_score(pair.difference).overall, *groups.values())),
            *(f"{count:,}" for count in (pair.better, pair.worse)),
        )
        for pair in pairs
        for groups in [list_groups(pair.difference)]
    )
    better = "more joints correct, or fewer" if dimensions == 2 else "a smaller error, or a larger one"
    table = Table(
        f"Differences of every two: {what}",
        ("", "Mean" if dimensions == 2 else "all", *heads, "Better for", "Worse for"),
        rows,
        f"Better, worse: people for whom the first has {better}. Intervals are paired.",
    )
    values = {
        f"{pair.name} − {pair.other}": {
            "all joints": main_score(pair.difference).overall,
            **list_groups(pair.difference),
        }
        for pair in first
    }
    caption = "The best method minus each other one; left of 0 it is the lower one. Lines: 95 % paired intervals."
    looks = [[entry.name for entry in entries].index(pair.other) for pair in first]  # as in the other plots
    plot = plots.joint_dots(values, f"Differences by joint group: {what}", f"difference ({what})", looks)
    facts = [
        {"run": pair.name, "reference": pair.other, "better": pair.better, "worse": pair.worse, "people": pair.people,
         **difference_to_json(pair.difference)}
        for pair in pairs
    ]  # fmt: skip
    figures = {"differences": (caption, plot)}
    return Section("Verdict", text, {"pairs": table}, figures, facts={"verdict": {"sentences": text, "pairs": facts}})
