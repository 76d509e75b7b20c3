"""Tables of figures with their intervals, as plain text, Markdown, HTML, CSV and LaTeX."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluation.metrics.conventions import GROUPS
from evaluation.metrics.evaluate import Tree, look_up

TABLE_8_HEADS = ("Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean")


@dataclass(frozen=True)
class Cell:
    """A figure in a table, with its interval where it has one.

    Attributes:
        value: None where undefined or unknown: shown as a dash.
        interval: (low, high).
        digits: after the point.
        signed: whether a plus is written: for differences.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    digits: int = 1
    signed: bool = False

    def number(self, value: float) -> str:
        """`value` in this cell's form; what rounds to zero has no sign."""
        value = round(value, self.digits) + 0.0
        return f"{value:{'+' if self.signed and value else ''}.{self.digits}f}"

    def parts(self) -> tuple[str, str]:
        """The figure, and its interval in brackets or an empty text."""
        if self.value is None:
            return "-", ""
        if self.interval is None:
            return self.number(self.value), ""
        low, high = map(self.number, self.interval)
        return self.number(self.value), f"[{low}, {high}]"

    def __str__(self) -> str:
        """'88.4 [87.8, 89.0]', '88.4' or '-'."""
        return " ".join(filter(None, self.parts()))


@dataclass(frozen=True)
class Table:
    """A table. The first column is left-aligned text; the others are figures (or text), right-aligned.

    Attributes:
        title: one line saying what the figures are, with their unit.
        head: column names.
        rows: as many cells in each row as `head` has.
        sections: (row, caption): a caption that stands above that row and those after it.
        note: what a reader must know to read it right; may be empty.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    sections: tuple[tuple[int, str], ...] = ()
    note: str = ""

    def text(self) -> str:
        """Plain text with aligned columns, for a terminal."""
        lines = [tuple(map(str, line)) for line in (self.head, *self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]

        def aligned(line: tuple[str, ...]) -> str:
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            return "  ".join(cells).rstrip()

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        body = self._with_sections([aligned(line) for line in lines[1:]], lambda caption: f"{caption}:")
        return "\n".join([self.title, aligned(lines[0]), rule, *body, *self._note()])

    def markdown(self) -> str:
        """A Markdown table; the title stands above it, the note below."""

        def line(cells: tuple[Cell | str, ...]) -> str:
            return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

        def caption(text: str) -> str:
            return line((f"**{text}**", *[""] * (len(self.head) - 1)))

        rule = "|" + "|".join(["---", *["---:"] * (len(self.head) - 1)]) + "|"
        body = self._with_sections([line(row) for row in self.rows], caption)
        note = ["", self.note] if self.note else []
        return "\n".join([self.title, "", line(self.head), rule, *body, *note])

    def html(self, titled: bool = True) -> str:
        """A <table> in a box that scrolls sideways on a narrow screen; intervals in small type.

        Args:
            titled: whether the title stands above it.
        """

        def inside(cell: Cell | str) -> str:
            if not isinstance(cell, Cell):
                return html.escape(cell)
            figure, interval = (part.replace("-", "\N{MINUS SIGN}") for part in cell.parts())
            return f"{figure} <small>{interval}</small>" if interval else figure

        def line(cells: tuple[Cell | str, ...], tag: str) -> str:
            first, *others = map(inside, cells)
            return f"<tr><th>{first}</th>{''.join(f'<{tag}>{other}</{tag}>' for other in others)}</tr>"

        def caption(text: str) -> str:
            return f'<tr class="section"><th colspan="{len(self.head)}"><span>{html.escape(text)}</span></th></tr>'

        body = "\n".join(self._with_sections([line(row, "td") for row in self.rows], caption))
        note = f'\n<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        title = f'<p class="title">{html.escape(self.title)}</p>\n' if titled else ""
        return (
            f'{title}<div class="scroll" tabindex="0"><table>\n'
            f"<thead>{line(self.head, 'th')}</thead>\n<tbody>{body}</tbody></table></div>{note}"
        )

    def csv(self) -> str:
        """Comma-separated, figures unrounded: a column with intervals is three, NAME, `NAME low` and `NAME high`."""
        wide = [any(isinstance(row[column], Cell) and row[column].interval for row in self.rows)
                for column in range(len(self.head))]  # fmt: skip

        def spread(cells: tuple[Cell | str, ...]) -> list[object]:
            values: list[object] = []
            for cell, with_interval in zip(cells, wide, strict=True):
                value = cell.value if isinstance(cell, Cell) else cell
                interval = (cell.interval if isinstance(cell, Cell) else None) or (None, None)
                values += [value, *interval] if with_interval else [value]
            return values

        names = [
            name
            for column, with_interval in zip(self.head, wide, strict=True)
            for name in ([column, f"{column} low", f"{column} high"] if with_interval else [column])
        ]
        captions = dict(self.sections)
        lines, caption = [], ""
        for index, row in enumerate(self.rows):
            caption = captions.get(index, caption)
            lines.append([caption, *spread(row)] if self.sections else spread(row))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["section", *names] if self.sections else names)
        writer.writerows(lines)
        return text.getvalue()

    def latex(self) -> str:
        """A `tabular` with booktabs' rules; the title and the note are comments around it."""

        def inside(cell: Cell | str) -> str:
            if not isinstance(cell, Cell):
                return escape_latex(cell)
            if cell.value is None:
                return "--"
            figure, interval = cell.parts()
            return f"${figure}$" + (f" {{\\scriptsize $[{interval[1:-1]}]$}}" if interval else "")

        def line(cells: tuple[Cell | str, ...]) -> str:
            return " & ".join(map(inside, cells)) + r" \\"

        def caption(text: str) -> str:
            return rf"\midrule \multicolumn{{{len(self.head)}}}{{l}}{{\emph{{{escape_latex(text)}}}}} \\"

        body = self._with_sections([line(row) for row in self.rows], caption)
        rule = [] if dict(self.sections).get(0) else [r"\midrule"]
        columns = "l" + "r" * (len(self.head) - 1)
        return "\n".join(
            [f"% {self.title}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(self.head), *rule, *body,
             r"\bottomrule", r"\end{tabular}", *(f"% {part}" for part in self._note())]
        )  # fmt: skip

    def to_json(self) -> Tree:
        """Title, head, rows, sections and note; a figure is {"value", "interval"}."""

        def plain(cell: Cell | str) -> Tree | str:
            return {"value": cell.value, "interval": cell.interval} if isinstance(cell, Cell) else cell

        rows = [[plain(cell) for cell in row] for row in self.rows]
        return {"title": self.title, "head": self.head, "rows": rows, "sections": self.sections, "note": self.note}

    def _with_sections(self, lines: list[str], write: Callable[[str], str]) -> list[str]:
        captions = dict(self.sections)
        return [
            part
            for index, line in enumerate(lines)
            for part in ([write(captions[index])] if index in captions else []) + [line]
        ]

    def _note(self) -> list[str]:
        return [self.note] if self.note else []


def escape_latex(text: str) -> str:
    """The text with LaTeX's own characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "Δ": r"$\Delta$"}
    special |= {character: "\\" + character for character in "&%$#_{}"}
    return re.sub(r"[\\~^&%$#_{}Δ]", lambda found: special[found.group()], text)


def cell(result: Tree, *path: str, digits: int = 1, signed: bool = False) -> Cell:
    """A figure of `evaluate` or `compare`, with its interval where it has one."""
    return Cell(*look_up(result, *path), digits=digits, signed=signed)


def groups_table(results: Mapping[str, Tree], threshold: str = "0.5", signed: bool = False) -> Table:
    """PCKh of the joint groups and their Mean, one row a method.

    Args:
        results: name -> dict of `evaluate`.
        threshold: a key of its "pckh".
        signed: figures with a sign: for dicts of `compare`.
    """
    conventions = ", ".join(dict.fromkeys(result["convention"] for result in results.values()))
    return Table(
        title=f"PCKh@{threshold} in % ({conventions} convention)",
        head=("", *TABLE_8_HEADS),
        rows=tuple(
            (name, *(cell(result, "pckh", threshold, "groups", group, signed=signed) for group in GROUPS))
            for name, result in results.items()
        ),
    )


def summary_table(results: Mapping[str, Tree], threshold: str = "0.5", signed: bool = False) -> Table:
    """Errors and mean PCKh, one row a stage (mean pose, stage 0, stage 1) or method.

    Args: as `groups_table`; signed, with a sign and another digit of the errors: for dicts of `compare`.
    """
    intervals = any("interval" in result for result in results.values())
    errors = [(part, unit) for unit in ("image_px", "crop_px") for part in ("joint_error", "bone_error")]
    return Table(
        title="Mean error in image pixels and in pixels of the 224 crop, mean PCKh in %"
        + ("; in brackets the 95 % interval over people" if intervals else ""),
        head=("", "Joint px", "Bone px", "Joint crop px", "Bone crop px", f"PCKh@{threshold}"),
        rows=tuple(
            (
                name,
                *(cell(result, *path, digits=1 + signed, signed=signed) for path in errors),
                cell(result, "pckh", threshold, "groups", "Mean", signed=signed),
            )
            for name, result in results.items()
        ),
    )


def joints_table(result: Tree) -> Table:
    """One row a joint: how many are annotated, PCKh at each threshold, joint error and error of its bone."""
    thresholds = tuple(result["pckh"])
    bones = result["bone_error"]["per_bone"]

    def row(joint: str) -> tuple[Cell | str, ...]:
        return (
            joint,
            str(result["counts"]["joint_error"]["per_joint"][joint]),
            *(cell(result, "pckh", threshold, "per_joint", joint) for threshold in thresholds),
            cell(result, "joint_error", "per_joint", joint, "image_px"),
            cell(result, "bone_error", "per_bone", joint, "image_px") if joint in bones else "-",
        )

    return Table(
        title="Per joint: PCKh in %, errors in image pixels; a bone runs from the joint to its parent",
        head=("", "Annotated", *(f"PCKh@{t}" for t in thresholds), "Joint error", "Bone error"),
        rows=tuple(row(joint) for joint in result["joint_error"]["per_joint"]),
    )
