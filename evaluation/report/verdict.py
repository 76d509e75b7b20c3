"""Which method wins: every two of them on the same people, in a sentence, a table and a plot."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from evaluation import Estimate, Scores
from evaluation.metrics.bootstrap import find_beyond_chance
from evaluation.metrics.calibration import correct_joints
from evaluation.metrics.conventions import SHORT
from evaluation.metrics.evaluate import person_errors
from evaluation.report import plots
from evaluation.report.material import Entry, Run, View, differences_to_json, list_entries, subtract_base
from evaluation.report.page import Section
from evaluation.report.tables import Table, cell


def list_values(scores: Scores) -> dict[str, Estimate]:
    """What decides, of all joints and by joint group: PCKh or PCK at its own threshold; in 3D Joint Error."""
    score, key = (scores.pckh, "groups") if scores.dimensions == 2 else (scores["joint_error"], "per_kind")
    return {"all joints": score.overall, **{name: each for name, each in score.groups[key].items() if name != "Mean"}}


def compare_pairs(entries: Sequence[Entry], view: View) -> list[tuple[Entry, tuple[int, int, int]]]:
    """Every two of some methods, the better one minus the other, from the best on; none without poses.

    Returns:
        The better one with its difference to the other; people for whom it has more joints correct (in 3D a smaller
        error), for whom it has fewer, and all who are counted.
    """
    flat, pairs = entries[0].scores.dimensions == 2, []
    order = [entry for entry in entries if list_values(entry.scores)["all joints"].value is not None]
    order.sort(key=lambda entry: list_values(entry.scores)["all joints"].value, reverse=flat)
    for one, other in combinations(order, 2):
        if (pair := subtract_base(one, other, view, other.name)).difference:
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
        unknown = "; whether they differ beyond chance is not known without the poses and the people"
        return Section("Verdict", (f"{what}: {values}{unknown * (len(entries) > 1)}.",))
    first = [pair for pair in pairs if pair[0].name == pairs[0][0].name]
    text = [
        f"{describe_difference(one.name, one.reference, one.difference)}; better for {better:,} of {people:,} people, "
        f"worse for {worse:,}."
        for one, (better, worse, people) in first
    ]
    values = {f"{one.name} − {one.reference}": list_values(one.difference) for one, _ in pairs}
    rows = [
        (name, *(cell(value, signed=True) for value in each.values()), f"{better:,} : {worse:,}")
        for (name, each), (_, (better, worse, _)) in zip(values.items(), pairs, strict=True)
    ]
    better = "more joints correct : fewer" if dimensions == 2 else "a smaller error : a larger one"
    note = f"People: those for whom the first has {better}. Intervals are paired."
    heads = [SHORT.get(group, group) for group in next(iter(values.values()))]
    table = Table(f"Differences of every two: {what}", ("", *heads, "People"), tuple(rows), note)
    looks = [[entry.name for entry in entries].index(one.reference) for one, _ in first]  # as in the other plots
    plot = plots.joint_dots(
        dict(list(values.items())[: len(first)]), f"Differences by joint group: {what}", f"difference ({what})", looks
    )
    caption = "The best method minus each other one; left of 0 it is the lower one. Lines: 95 % paired intervals."
    told = zip(differences_to_json([one for one, _ in pairs]), pairs, strict=True)
    facts = [{**each, **dict(zip(("better", "worse", "people"), counts, strict=True))} for each, (_, counts) in told]
    verdict = {"sentences": text, "pairs": facts}
    return Section("Verdict", text, {"pairs": table}, {"differences": (caption, plot)}, facts={"verdict": verdict})
