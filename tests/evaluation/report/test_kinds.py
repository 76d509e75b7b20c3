"""The section on kinds of error holds the scores' shares and the paired differences."""

from dataclasses import replace

from scored import rows_by_section

from evaluation.metrics.kinds import KINDS
from evaluation.report.errors import make_kinds_section

HEAD = [kind.capitalize() for kind in KINDS]


def test_the_last_stages_shares_and_their_differences(entries):
    section = make_kinds_section(entries)
    rows = rows_by_section(section.tables["kinds"])
    for entry in (entries[1], entries[3]):
        for head, kind in zip(HEAD, KINDS, strict=True):
            share = entry.scores[f"kind_{kind}"]
            assert rows["Shares"][entry.name][head].value == share.overall.value
            table = section.tables[f"kinds-{entry.name}"]
            wrist = next(row for row in table.rows if row[0] == "Wri.")
            assert wrist[table.head.index(head)].value == share.groups["groups"]["Wrist"].value
    for head, kind in zip(HEAD, KINDS, strict=True):
        cell, change = rows["Δ to first"]["second"][head], entries[3].difference[f"kind_{kind}"].overall
        assert (cell.value, cell.interval) == (change.value, change.interval)
    assert section.folded == {"kinds-first", "kinds-second"} and "error-kinds" in section.figures


def test_scores_of_before_have_no_section(entries):
    metrics = {name: score for name, score in entries[1].scores.metrics.items() if not name.startswith("kind_")}
    assert make_kinds_section([replace(entries[1], scores=replace(entries[1].scores, metrics=metrics))]) is None
