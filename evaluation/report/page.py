"""The report: one HTML page that holds its tables, plots and pictures and needs nothing from outside."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

from evaluation.report.plots import to_png, to_svg
from evaluation.report.skeletons import to_jpeg
from evaluation.report.tables import Table

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 72rem; font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a;
  background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; padding-top: .5rem; border-top: 1px solid #ccc; }
p { max-width: 48rem; margin: .5rem 0; }
nav { margin: 1rem 0; line-height: 1.9; }
nav a { margin-right: 1rem; white-space: nowrap; }
a { color: #0b57a4; }
.scroll { overflow-x: auto; margin: .4rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
.title { font-weight: 600; margin: 1.2rem 0 0; }
.note { color: #4a4a4a; font-size: .85rem; }
th, td { padding: .25rem .7rem; text-align: right; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid #e2e2e2; }
th { font-weight: 600; }
thead th { vertical-align: bottom; white-space: normal; border-bottom: 2px solid #999; }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: #fff; }
tbody th { font-weight: 400; white-space: normal; min-width: 5.5rem; max-width: 14rem; }
tr.section th { border-bottom-color: #999; padding-top: .9rem; font-weight: 600; max-width: none; position: static; }
tr.section span { position: sticky; left: 0; }
td small { display: block; color: #555; font-size: .75rem; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: #0b57a4; padding: .3rem 0; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(46%, 15rem), 1fr)); }
.plots { display: grid; align-items: start; margin: 1rem 0; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; }
.plots figure { max-width: 34rem; }
figure img { display: block; width: 100%; height: auto; }
@media (max-width: 40rem) { tbody th { max-width: 7rem; } th, td { padding: .25rem .45rem; } }
figcaption { font-size: .85rem; color: #4a4a4a; padding-top: .3rem; }
"""


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        heading: of the section.
        text: paragraphs above its contents.
        tables: file name without suffix -> table.
        figures: file name without suffix -> (caption, figure).
        pictures: (caption, (H, W, 3) uint8 RGB) photographs.
        folded: names of the tables that are opened by a tap on their title.
    """

    heading: str
    text: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, tuple[str, Figure]] = field(default_factory=dict)
    pictures: Sequence[tuple[str, np.ndarray]] = ()
    folded: frozenset[str] = frozenset()


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
        """Relative path -> content: index.html, tables/NAME.md, .csv and .tex, figures/NAME.png and .svg.

        Raises:
            PoseError: a picture of another form.
        """
        files = {}
        for section in self.sections:
            for name, table in section.tables.items():
                for suffix, write in (("md", table.markdown), ("csv", table.csv), ("tex", table.latex)):
                    files[f"tables/{name}.{suffix}"] = f"{write().rstrip()}\n".encode()
            for name, (_, figure) in section.figures.items():
                files[f"figures/{name}.svg"] = to_svg(figure)
                files[f"figures/{name}.png"] = to_png(figure)
        drawn = {name.split("/")[1][:-4]: data for name, data in files.items() if name.endswith(".svg")}
        return {**files, "index.html": self._page(drawn).encode()}

    def tables(self) -> dict[str, Table]:
        """Every table by its file name."""
        return {name: table for section in self.sections for name, table in section.tables.items()}

    def _page(self, drawn: Mapping[str, bytes]) -> str:
        title = html.escape(self.title)
        links = [f'<a href="#part{n}">{html.escape(s.heading)}</a>' for n, s in enumerate(self.sections)]
        parts = [f"<h1>{title}</h1>"]
        parts += [f"<p>{html.escape(self.lead)}</p>"] if self.lead else []
        parts += [f"<nav>{' '.join(links)}</nav>"] if len(links) > 1 else []
        for number, section in enumerate(self.sections):
            parts += [f'<h2 id="part{number}">{html.escape(section.heading)}</h2>', *_contents(section, drawn)]
        return "\n".join(
            [
                "<!doctype html>",
                '<html lang="en"><head><meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<title>{title}</title>",
                f"<style>{STYLE}</style></head>",
                "<body>",
                *parts,
                "</body></html>",
                "",
            ]
        )


def _contents(section: Section, drawn: Mapping[str, bytes]) -> list[str]:
    parts = [f"<p>{html.escape(text)}</p>" for text in section.text]
    parts += [table.html() for name, table in section.tables.items() if name not in section.folded]
    plots = [_figure("image/svg+xml", drawn[name], caption) for name, (caption, _) in section.figures.items()]
    pictures = [_figure("image/jpeg", to_jpeg(image), caption) for caption, image in section.pictures]
    for kind, items in (("plots three" if len(plots) == 3 else "plots", plots), ("pictures", pictures)):
        parts += [f'<div class="{kind}">', *items, "</div>"] if items else []
    for name, table in section.tables.items():
        if name in section.folded:
            title = html.escape(table.title)
            parts.append(f"<details><summary>{title}</summary>\n{table.html(titled=False)}</details>")
    return parts


def _figure(kind: str, data: bytes, caption: str) -> str:
    """A picture held in the page. As an image of its own, an SVG's ids cannot clash with another's."""
    text = html.escape(caption, quote=True)
    source = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'
