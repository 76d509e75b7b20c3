"""What a reader hands back: the people, and a count of everything it left out or had to change."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpii_tools.people import People

EXAMPLES = 3


@dataclass(frozen=True)
class Reading:
    """The people of one annotation file or folder.

    Attributes:
        people: the persons, in the order of the file.
        form: which form of annotation it was, in words.
        notes: for each thing left out or changed, the names (persons, images, columns) it befell.
    """

    people: People
    form: str
    notes: dict[str, list[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """One line a note: how many, what, and the first examples."""
        return [note_line(what, names) for what, names in self.notes.items() if names]


def note_line(what: str, names: list[str]) -> str:
    """`what`, how many and the first few of `names`, as in '2,000 columns without image (im00005.jpg, ...)'."""
    more = ", ..." if len(names) > EXAMPLES else ""
    return f"{len(names):,} {what} ({', '.join(names[:EXAMPLES])}{more})"
