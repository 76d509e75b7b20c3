"""The report: one HTML page that holds its tables, plots and pictures and needs nothing from outside."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from evaluation.metrics.json_format import Json
from evaluation.report.plots import to_svg
from evaluation.report.skeletons import to_jpeg
from evaluation.report.tables import Table

TEMPLATE = Path(__file__).with_name("page.html.j2")


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        heading: of the section.
        text: paragraphs above its contents.
        tables: file name without suffix -> table.
        figures: file name without suffix -> (caption, figure).
        pictures: (caption, (H, W, 3) uint8 RGB) images.
        folded: names of the tables that are opened by a tap on their title.
        wide: whether the pictures are twice as wide as high, so that a phone shows one in a row.
        facts: what results.json holds of it, beside the tables: key -> values.
        files: further ones of the report: path -> content.
    """

    heading: str
    text: Sequence[str] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, tuple[str, Figure]] = field(default_factory=dict)
    pictures: Sequence[tuple[str, np.ndarray]] = ()
    folded: frozenset[str] = frozenset()
    wide: bool = False
    facts: Json = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All sections of a report under a title; it knows how to become files, the caller writes them.

    Attributes:
        title: of the page.
        lead: a paragraph under the title: what data, which budget, what to look for.
        sections: in the order of the page.
    """

    title: str
    lead: str
    sections: Sequence[Section]

    def files(self) -> dict[str, bytes]:
        """Relative path -> content: index.html, tables/NAME.md, figures/NAME.svg.

        Raises:
            PoseError: a picture that is not (H, W, 3) uint8.
        """
        drawn = {name: to_svg(plot) for section in self.sections for name, (_, plot) in section.figures.items()}
        loader = FileSystemLoader(TEMPLATE.parent)
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
        environment.filters |= {"base64": lambda data: base64.b64encode(data).decode("ascii"), "jpeg": to_jpeg}
        page = environment.get_template(TEMPLATE.name).render(report=self, drawn=drawn)
        return {
            **{f"tables/{name}.md": f"{table.markdown().rstrip()}\n".encode() for name, table in self.tables().items()},
            **{f"figures/{name}.svg": data for name, data in drawn.items()},
            **{name: data for section in self.sections for name, data in section.files.items()},
            "index.html": page.encode(),
        }

    def to_json(self) -> Json:
        """Everything that the page shows, for results.json."""
        tree: Json = {"title": self.title}
        for section in self.sections:
            for key, values in section.facts.items():
                tree[key] = {**tree[key], **values} if key in tree else values
        return {**tree, "tables": {name: table.to_json() for name, table in self.tables().items()}}

    def tables(self) -> dict[str, Table]:
        """Every table by its file name."""
        return {name: table for section in self.sections for name, table in section.tables.items()}
