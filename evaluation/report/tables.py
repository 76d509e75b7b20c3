"""Tables of metrics with their confidence intervals, as plain text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.conventions import GROUPS, SHORT
from evaluation.metrics.evaluate import Scores
from evaluation.metrics.json_format import Json

TABLE_8_HEADS = tuple(SHORT.get(group, group) for group in GROUPS)


@dataclass(frozen=True)
class Cell:
    """A number in a table, with its confidence interval if it has one.

    Attributes:
        value: None if undefined or unknown: shown as a dash.
        interval: (low, high).
        digits: after the point.
        signed: whether a plus is written: for differences.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    digits: int = 1
    signed: bool = False

    def number(self, value: float) -> str:
        """`value` with this cell's digits; what rounds to zero has no sign."""
        value = round(value, self.digits) + 0.0
        return f"{value:{'+' if self.signed and value else ''}.{self.digits}f}"

    def parts(self) -> tuple[str, str]:
        """The value, and its interval in brackets or an empty text."""
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
    """A table. The first column is left-aligned text; the others are numbers (or text), right-aligned.

    Attributes:
        title: one line that names the metrics, with their unit.
        head: column names.
        rows: as many cells in each row as `head` has.
        sections: (row, caption): a caption above that row and those after it.
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
        return "\n".join([self.title, aligned(lines[0]), rule, *body, *filter(None, [self.note])])

    def markdown(self) -> str:
        """A Markdown table, its title above it and its note below."""

        def line(cells: tuple[Cell | str, ...]) -> str:
            return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

        def caption(text: str) -> str:
            return line((f"**{text}**", *[""] * (len(self.head) - 1)))

        rule = "|" + "|".join(["---", *["---:"] * (len(self.head) - 1)]) + "|"
        body = self._with_sections([line(row) for row in self.rows], caption)
        note = ["", self.note] if self.note else []
        return "\n".join([self.title, "", line(self.head), rule, *body, *note])

    def to_json(self) -> Json:
        """Title, head, rows, sections and note; a number is {"value", "interval"}."""

        def plain(cell: Cell | str) -> Json | str:
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


def cell(estimate: Estimate, digits: int = 1, signed: bool = False) -> Cell:
    """An estimate in a table, with its confidence interval if it has one."""
    return Cell(estimate.value, estimate.interval, digits, signed)


def group_heads(scores: Scores) -> tuple[str, ...]:
    """The joint groups' names and the Mean's, short as in Table 8."""
    return tuple(SHORT.get(group, group) for group in scores.pckh.groups[scores.pckh.measure.main])


def groups_table(results: Mapping[str, Scores], threshold: float | None = None, signed: bool = False) -> Table:
    """PCKh of the joint groups and their Mean, one row per method.

    Args:
        results: name -> scores.
        threshold: of PCKh; None: the measure's own.
        signed: values with a sign: for what `compare` found.
    """
    conventions = ", ".join(dict.fromkeys(scores.pckh.convention for scores in results.values()))
    first = next(iter(results.values()))
    measure = first.pckh.measure
    threshold = measure.main if threshold is None else threshold
    return Table(
        title=f"{measure.name}@{threshold:g}{measure.note} in % ({conventions} convention)",
        head=("", *group_heads(first)),
        rows=tuple(
            (name, *(cell(group, signed=signed) for group in scores.pckh.groups[threshold].values()))
            for name, scores in results.items()
        ),
    )


def summary_table(results: Mapping[str, Scores], signed: bool = False) -> Table:
    """Errors and mean PCKh@0.5, one row per stage (mean pose, stage 0, stage 1) or method.

    Args: as `groups_table`; signed, with a sign and another digit of the errors: for what `compare` found.
    """
    intervals = any(scores.bootstrap for scores in results.values())
    measure = next(iter(results.values())).pckh.measure

    def row(name: str, scores: Scores) -> tuple[Cell | str, ...]:
        joint, bone = scores.joint_error, scores.bone_error
        errors = (joint.image_px, bone.image_px, joint.crop_px, bone.crop_px)
        return name, *(cell(error, 1 + signed, signed) for error in errors), cell(scores.mean_pckh, signed=signed)

    return Table(
        title=f"Mean error in image pixels and in pixels of the 224 crop, mean {measure.name} in %"
        + ("; in brackets the 95 % confidence interval over people" if intervals else ""),
        head=("", "Joint px", "Bone px", "Joint crop px", "Bone crop px", measure.title),
        rows=tuple(row(*item) for item in results.items()),
    )


def joints_table(scores: Scores) -> Table:
    """One row per joint: how many are annotated, PCKh at each threshold, joint error and error of its bone."""
    joints, bones, measure = scores.joint_error, scores.bone_error.per_part, scores.pckh.measure

    def row(joint: str) -> tuple[Cell | str, ...]:
        return (
            joint,
            str(joints.counts[joint]),
            *(cell(per_joint[joint]) for per_joint in scores.pckh.per_joint.values()),
            cell(joints.per_part[joint].image_px),
            cell(bones[joint].image_px) if joint in bones else "-",
        )

    return Table(
        title=f"Per joint: {measure.name}{measure.note} in %, errors in image pixels; a bone runs from the joint to "
        "its parent",
        head=(
            "",
            "Annotated",
            *(f"{measure.name}@{threshold:g}" for threshold in scores.pckh.per_joint),
            "Joint error",
            "Bone error",
        ),
        rows=tuple(map(row, joints.per_part)),
    )
