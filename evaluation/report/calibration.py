"""Whether the joints' scores know which joints are correct: a table, and a plot per run."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from evaluation.metrics import PCKH, Calibration, Measure, calibrate, correct_joints, cross_fit, to_json
from evaluation.report import plots
from evaluation.report.material import Run, Section, View
from evaluation.report.tables import Cell, Table, cell, file_name, readable


def measure(runs: Sequence[Run], view: View) -> dict[str, dict[str, Calibration]]:
    """Run -> its last stage's scores against correctness, "as_predicted", and "calibrated" by the other half of the
    people; runs in which no annotated joint has both, or all have the same score, are left out.
    """
    results = {}
    for run in (run for run in runs if run.last in run.scores):
        gt, (pose,) = view(2, run.poses[run.last])
        scores, convention = run.scores[run.last], run.stages[run.last][2].convention
        correct = correct_joints(pose, gt, convention=convention)
        before, after = calibrate(scores, correct), calibrate(cross_fit(scores, correct), correct)
        if before and after and before.correlation.value is not None:
            results[run.name] = {"as_predicted": before, "calibrated": after}
    return results


def make_section(results: dict[str, dict[str, Calibration]], unit: Measure = PCKH) -> Section | None:
    """A row per run and kind of score, and a plot per run; None without results.

    Args:
        results: run -> what `measure` returns.
        unit: of what is correct.
    """
    if not results:
        return None
    text = (
        "A joint's score, from 0 to 1, says how sure the network is of it; a joint is correct within "
        f"{unit.main:g} {unit.unit} of the ground truth, as in {unit.title}. Calibrated scores are the "
        "predicted ones through a map that never falls, fitted to the share correct: for each half of the people on "
        "the other half, so that nobody's own joints are in it."
    )
    named = {run: {readable(name): each for name, each in both.items()} for run, both in results.items()}
    columns = attrgetter("score", "correct", "correlation", "auc", "error")
    table = Table(
        title="Scores of joints and their correctness",
        head=("", "Joints", "Mean score", "Share correct", "Correlation", "AUC", "Calibration error"),
        rows=tuple(
            (f"{run}, {name}", Cell(each.joints, digits=0), *(cell(value, digits=3) for value in columns(each)))
            for run, both in named.items()
            for name, each in both.items()
        ),
        note="Correlation: Pearson's r of score and correctness. AUC: the chance that a correct joint's score is above "
        "that of a wrong one. Calibration error: the mean distance of score and share correct over ten bins.",
    )
    caption = "Share correct over the mean score, in tenths of the score; on the diagonal scores mean what they say."
    figures = {
        f"reliability-{file_name(run)}": (f"{run}: {caption}", reliability_plot(both, f"{run}: reliability of scores"))
        for run, both in named.items()
    }
    return Section("Scores", (text,), {"scores": table}, figures, facts={"scores": to_json(results)})


def reliability_plot(results: Mapping[str, Calibration], title: str) -> plots.Figure:
    """The share of correct joints over their mean score, bin by bin, with its confidence interval.

    On the dashed diagonal a score of 0.7 means that 70 % of such joints are correct. A marker's area grows with the
    joints in its bin.

    Args:
        results: name ('as predicted', 'calibrated') -> what `calibrate` returns.
        title: above the plot.
    """
    figure, (axes,) = plots.make_axes(title, 4.6)
    axes.plot((0, 1), (0, 1), color="#777777", linestyle="--", linewidth=1, zorder=1)
    for index, (name, each) in enumerate(results.items()):
        color, place = (plots.INK, plots.GRID)[index % 2], [one.score for one in each.bins]  # none of a method's
        value, reach = plots.split_estimates(one.correct for one in each.bins)
        if reach is not None:
            axes.errorbar(place, value, yerr=reach, fmt="none", ecolor=color, elinewidth=1, capsize=2)
        look = {"color": color, "marker": plots.MARKERS[index % len(plots.MARKERS)], "label": plots.label_line(name)}
        axes.scatter(place, value, [12 + 150 * one.joints / each.joints for one in each.bins], **look, zorder=2)
    axes.set(xlabel="mean score of the joints", ylabel="share of them correct", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    plots.add_legend(figure, len(results))
    return figure
