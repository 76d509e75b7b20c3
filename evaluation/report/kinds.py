"""What kind of error the methods make: shares of good, jittering, inverted, swapped and missed joints."""

from collections.abc import Sequence

from evaluation.metrics.kinds import KINDS
from evaluation.report import plots
from evaluation.report.material import Entry
from evaluation.report.page import Section
from evaluation.report.tables import Table, cell, file_name, join_groups, kinds_table, readable


def make_section(entries: Sequence[Entry]) -> Section | None:
    """The Mean of each kind by method with the paired differences, dots, and a folded table per method.

    Args:
        entries: stages in 2D, those without kinds of error (scored by an earlier version) left out; None without any.
    """
    entries = [entry for entry in entries if "kind_good" in entry.scores.metrics]
    if not entries:
        return None
    names = [f"{entry.name}, {readable(entry.stage)}" for entry in entries]
    shares = {
        name: {kind: entry.scores[f"kind_{kind}"].overall for kind in KINDS}
        for name, entry in zip(names, entries, strict=True)
    }
    tables = {
        f"kinds-{file_name(name)}": kinds_table(entry.scores, f"{name}. ")
        for name, entry in zip(names, entries, strict=True)
    }
    example = next(iter(tables.values()))
    differences = [
        (name, *(cell(entry.difference[f"kind_{kind}"].overall, signed=True) for kind in KINDS))
        for name, entry in zip(names, entries, strict=True)
        if entry.difference
    ]
    rows = join_groups(
        [("Shares", [(name, *map(cell, each.values())) for name, each in shares.items()]), ("Δ in points", differences)]
    )
    errors = {name: {kind: each[kind] for kind in KINDS[1:]} for name, each in shares.items()}
    title = "Points gained if all joints of that kind were right"
    figures = {
        "error-kinds": (
            f"{title}, with 95 % confidence intervals.",
            plots.part_points(errors, title, "kind of error", "share of the joints (%)"),
        )
    }
    return Section(
        "Kinds of error",
        (),
        {"kinds": Table("Kinds of error in % of the joints", example.head, rows, example.note), **tables},
        figures,
        folded=frozenset(tables),
    )
