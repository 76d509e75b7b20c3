"""What kind of error the methods make: shares of good, jittering, inverted, swapped and missed joints."""

from collections.abc import Sequence

from evaluation.metrics.kinds import KINDS
from evaluation.report import plots
from evaluation.report.material import Entry
from evaluation.report.page import Section
from evaluation.report.tables import Table, file_name, join_groups, kinds_table, metric_cells


def make_section(entries: Sequence[Entry]) -> Section | None:
    """The Mean of each kind by method with the paired differences, dots, and a folded table per method.

    Args:
        entries: in 2D, of which the last of each name is shown, unless it was scored without kinds of error; None is
            returned if all were.
    """
    named = {entry.name: entry for entry in entries}
    named = {name: entry for name, entry in named.items() if "kind_good" in entry.scores.metrics}
    if not named:
        return None
    names = [f"kind_{kind}" for kind in KINDS]
    rows = [(name, *metric_cells(entry.scores, names)) for name, entry in named.items()]
    groups = [
        (f"Δ to {entry.reference}", [(name, *metric_cells(entry.difference, names, signed=True))])
        for name, entry in named.items() if entry.difference
    ]  # fmt: skip
    errors = {name: {kind: entry.scores[f"kind_{kind}"].overall for kind in KINDS[1:]} for name, entry in named.items()}
    tables = {f"kinds-{file_name(name)}": kinds_table(entry.scores, f"{name}. ") for name, entry in named.items()}
    example = next(iter(tables.values()))
    summary = Table(
        "Kinds of error in % of the joints", example.head, join_groups([("Shares", rows), *groups]), example.note
    )
    plot = plots.joint_dots(errors, "Kinds of error", "points gained if repaired")
    figures = {"error-kinds": ("What the Mean would gain if all joints of a kind were right, with 95 % CIs.", plot)}
    return Section("Kinds of error", tables={"kinds": summary, **tables}, figures=figures, folded=frozenset(tables))
