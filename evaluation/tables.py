"""The paper's tables from the dicts of `evaluate`, as plain text, Markdown or HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.conventions import GROUPS
from evaluation.metrics import Tree, look_up

TABLE_8_HEADS = ("Head", "Sho.", "Elb.", "Wri.", "Hip", "Knee", "Ank.", "Mean")


@dataclass(frozen=True)
class Table:
    """A table of finished cells. The first column is left-aligned text, the others are figures, right-aligned.

    Attributes:
        title: one line saying what the figures are, with their unit.
        head: column names.
        rows: cells, as many in each row as `head` has.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Plain text with aligned columns, for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]

        def aligned(line: tuple[str, ...]) -> str:
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            return "  ".join(cells).rstrip()

        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([self.title, aligned(self.head), rule, *map(aligned, self.rows)])

    def markdown(self) -> str:
        """A Markdown table; the title stands above it."""

        def line(cells: tuple[str, ...]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = "|" + "|".join(["---", *["---:"] * (len(self.head) - 1)]) + "|"
        return "\n".join([self.title, "", line(self.head), rule, *map(line, self.rows)])

    def html(self) -> str:
        """The title over a <table> in a box that scrolls sideways on a narrow screen; intervals in small type."""

        def inside(cell: str) -> str:
            figure, bracket, interval = html.escape(cell).partition(" [")
            return f"{figure} <small>[{interval}</small>" if bracket else figure

        def line(cells: tuple[str, ...], tag: str) -> str:
            first, *others = map(inside, cells)
            return f"<tr><th>{first}</th>{''.join(f'<{tag}>{other}</{tag}>' for other in others)}</tr>"

        body = "\n".join(line(row, "td") for row in self.rows)
        return (
            f'<p class="title">{html.escape(self.title)}</p>\n<div class="scroll"><table>\n'
            f"<thead>{line(self.head, 'th')}</thead>\n<tbody>{body}</tbody></table></div>"
        )


def cell(result: Tree, *path: str, digits: int = 1) -> str:
    """A figure, with its interval in brackets where it has one: '88.4 [87.8, 89.0]'; '-' where undefined."""
    value, interval = look_up(result, *path)
    if value is None:
        return "-"
    if interval is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"


def groups_table(results: Mapping[str, Tree], threshold: str = "0.5") -> Table:
    """Table 8: PCKh of the joint groups and their Mean, one row a method.

    Args:
        results: name -> dict of `evaluate`.
        threshold: a key of its "pckh".
    """
    conventions = ", ".join(dict.fromkeys(result["convention"] for result in results.values()))
    return Table(
        title=f"PCKh@{threshold} in % ({conventions} convention)",
        head=("", *TABLE_8_HEADS),
        rows=tuple(
            (name, *(cell(result, "pckh", threshold, "groups", group) for group in GROUPS))
            for name, result in results.items()
        ),
    )


def summary_table(results: Mapping[str, Tree], threshold: str = "0.5") -> Table:
    """Table 7's columns, one row a stage (mean pose, stage 0, stage 1) or method: errors and mean PCKh.

    Args: as `groups_table`.
    """
    intervals = any("interval" in result for result in results.values())
    errors = [(part, unit) for unit in ("image_px", "crop_px") for part in ("joint_error", "bone_error")]
    return Table(
        title="Mean error in image pixels and in pixels of the 224 crop, mean PCKh in %"
        + ("; in brackets the 95 % interval over persons" if intervals else ""),
        head=("", "Joint px", "Bone px", "Joint crop px", "Bone crop px", f"PCKh@{threshold}"),
        rows=tuple(
            (
                name,
                *(cell(result, *path) for path in errors),
                cell(result, "pckh", threshold, "groups", "Mean"),
            )
            for name, result in results.items()
        ),
    )


def joints_table(result: Tree) -> Table:
    """One row a joint: how many are annotated, PCKh at each threshold, joint error and error of its bone."""
    thresholds = tuple(result["pckh"])
    bones = result["bone_error"]["per_bone"]

    def row(joint: str) -> tuple[str, ...]:
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
