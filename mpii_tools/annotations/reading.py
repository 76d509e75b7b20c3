"""What a reader returns: the people, and a count of everything it left out or had to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mpii_tools.depth.table import Depth
from mpii_tools.people import People

EXAMPLES = 3
UNPLACED = "people with a labelled joint without coordinates, taken as missing"

# What was found -> the people, images or columns affected.
Findings = Mapping[str, list[str]]


@dataclass(frozen=True)
class Reading:
    """The people of one annotation file or folder.

    Attributes:
        people: the people, in the order of the file.
        format: of the annotations, in words.
        faults: what is wrong with the file: people it should hold that cannot be used, values that contradict.
        notes: what is worth knowing and no fault.
        depth: a row for each of the people, of annotations in three dimensions.
    """

    people: People
    format: str
    faults: Findings = field(default_factory=dict)
    notes: Findings = field(default_factory=dict)
    depth: Depth | None = None


def merge(*findings: Findings) -> dict[str, list[str]]:
    """All of them, without those that affect nobody."""
    merged: dict[str, list[str]] = {}
    for found in findings:
        for what, names in found.items():
            if names:
                merged.setdefault(what, []).extend(names)
    return merged


def table(heading: str, findings: Findings) -> str:
    """A row per finding: what, how many, and the first examples; empty without findings."""
    findings = merge(findings)
    if not findings:
        return ""
    width = max(map(len, [heading, *findings]))
    rows = [f"{heading:<{width}}  {'count':>7}  first"]
    for what, names in findings.items():
        more = ", ..." if len(names) > EXAMPLES else ""
        rows.append(f"{what:<{width}}  {len(names):>7,}  {', '.join(names[:EXAMPLES])}{more}")
    return "\n".join(rows)
