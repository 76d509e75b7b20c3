"""The report: one HTML page that holds its tables, plots and pictures and needs nothing from outside."""

import base64
import json
import math
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from evaluation.metrics import Json
from evaluation.report.material import Section
from evaluation.report.plots import to_svg
from evaluation.report.skeletons import to_jpeg
from evaluation.report.tables import Cell, Row, Table, mark_beyond_chance

FOLDER = Path(__file__).parent
Part = tuple[str, Sequence[str], Sequence[Row], int]  # of a table: caption, head, rows, width


def render_report(title: str, lead: str, sections: Sequence[Section]) -> dict[str, bytes]:
    """The files of a report, relative path -> content: index.html, results.json, tables/NAME.md, figures/NAME.svg.

    Args:
        title: of the page.
        lead: a paragraph under the title: what data, which budget, what to look for.
        sections: in the order of the page.

    Raises:
        PoseError: a picture that is not (H, W, 3) uint8.
    """
    drawn = {name: to_svg(plot) for section in sections for name, (_, plot) in section.figures.items()}
    tables = {name: mark_beyond_chance(table) for section in sections for name, table in section.tables.items()}
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {"base64": lambda data: base64.b64encode(data).decode("ascii"), "jpeg": to_jpeg}
    environment.filters |= {"lay_out": lay_out, "inline": inline_svg, "json": inline_json}
    page = environment.get_template("page.html.j2").render(
        title=title, lead=lead, sections=sections, drawn=drawn, tables=tables
    )
    tree: Json = {"title": title}
    for key, values in chain.from_iterable(section.facts.items() for section in sections):
        tree[key] = {**tree[key], **values} if key in tree else values
    tree["tables"] = {name: table.to_json() for name, table in tables.items()}
    return {
        **{f"tables/{name}.md": f"{table.markdown().rstrip()}\n".encode() for name, table in tables.items()},
        **{f"figures/{name}.svg": data for name, data in drawn.items()},
        **{name: data for section in sections for name, data in section.files.items()},
        "index.html": page.encode(),
        "results.json": json.dumps(tree, indent=1, allow_nan=False).encode(),
    }


def lay_out(table: Table) -> list[Part]:
    """A table's parts on the page: what is seen, under the caption "", then what a caption opens.

    The width is in rem, in the steps of the page's styles. A cell becomes the cells that stand in it, (what is before
    it, cell), its own and those below it; a row that is a caption stays one text.
    """
    head, groups, caption = table.head, {"": []}, ""
    for row in table.rows:
        if len(row) == 1:
            caption = str(row[0])
            if groups.setdefault(caption, []):
                continue  # more rows under a caption that is there
        groups[caption].append(row)
    seen = [i for i, name in enumerate(head) if name not in table.below and name not in table.folded]
    aside = [i for i, name in enumerate(head) if not i or name in table.folded]
    under = {
        i: [(text, head.index(name)) for name, (over, text) in table.below.items() if over == head[i]] for i in seen
    }

    def part(caption: str, columns: Sequence[int], rows: Sequence[Row]) -> Part:
        filled = [
            row if len(row) == 1
            else [[("", row[i]), *((text, row[j]) for text, j in under.get(i, ()) if str(row[j]) not in "-")]
                  for i in columns]
            for row in rows
        ]  # fmt: skip
        cells = [[("", head[i])] for i in columns]
        for row in (row for row in filled if len(row) > 1):
            cells = [column + each for column, each in zip(cells, row, strict=True)]
        width = 6 + sum(1.2 + 0.45 * max(_count_unbroken(*each) for each in column) for column in cells[1:])
        return caption, [head[i] for i in columns], filled, min(76, 4 * math.ceil(width / 4))

    shown = [row for caption, rows in groups.items() if caption not in table.folded for row in rows]
    names = ", ".join(head[i] for i in aside[1:])
    return [
        part("", seen, shown),
        *([part(names, aside, shown)] if names else []),
        *(part(caption, seen, rows[1:]) for caption, rows in groups.items() if caption in table.folded),
    ]


def _count_unbroken(before: str, cell: Cell | str) -> int:
    """The characters of its longest part that no line break divides."""
    parts = [f"{before} {cell}"] if before else str(cell).replace(", ", ",").split()
    return max(map(len, parts), default=0)


def inline_svg(data: bytes, name: str, caption: str) -> Markup:
    """A drawing as a part of the page, described by its caption; its ids, which begin with its name, are its own."""
    drawing = re.sub(r' xmlns(:\w+)?="[^"]*"', "", data[data.index(b"<svg") :].decode())
    drawing = re.sub(r'(?<=id=")|(?<=url\(#)|(?<=href="#)', f"{name}-", re.sub(r'<g id="[^"]*"', "<g", drawing))
    return Markup(drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1))


def inline_json(values: Json) -> Markup:
    """Values as a script of the page reads them; no text in them ends it."""
    return Markup(json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))
