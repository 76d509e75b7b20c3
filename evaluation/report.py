"""The report: one HTML page that holds its tables, plots and pictures and needs nothing from outside."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from evaluation.metrics import Tree
from evaluation.overlays import to_jpeg
from evaluation.plots import to_svg
from evaluation.tables import groups_table, joints_table, summary_table

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a;
  background: #fff; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
.scroll { overflow-x: auto; margin: .4rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
.title { color: #555; font-size: .9rem; margin: 0; }
th, td { padding: .25rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #e2e2e2; }
th { font-weight: 600; }
th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0; background: #fff; }
tbody th { white-space: normal; min-width: 5.5rem; }
td small { display: block; color: #666; font-size: .75rem; }
thead th { border-bottom: 2px solid #999; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; }
figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: .85rem; color: #555; padding-top: .3rem; }
"""


def render_report(
    title: str,
    results: Mapping[str, Tree],
    *,
    lead: str = "",
    overlays: Sequence[tuple[str, np.ndarray]] = (),
    plots: Sequence[tuple[str, Figure]] = (),
) -> str:
    """The page as a string; the caller writes it.

    Args:
        title: of the page.
        results: name -> dict of `evaluate`, in the order of the rows; one row a stage or method. The last
            one's joints get a table of their own.
        lead: a paragraph under the title: what data, which budget, what to look for.
        overlays: (caption, (H, W, 3) uint8 RGB) pictures.
        plots: (caption, figure) of `plots`.

    Raises:
        BadInput: a picture of another form.
    """
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if lead:
        parts.append(f"<p>{html.escape(lead)}</p>")
    if results:
        *_, (last, joints) = results.items()
        parts += [
            "<h2>Summary</h2>",
            summary_table(results).html(),
            "<h2>Joint groups</h2>",
            groups_table(results).html(),
            f"<h2>Joints of {html.escape(last)}</h2>",
            joints_table(joints).html(),
        ]
    if plots:
        pictures = [_figure("image/svg+xml", to_svg(figure), caption) for caption, figure in plots]
        parts += ["<h2>Plots</h2>", '<div class="plots">', *pictures, "</div>"]
    if overlays:
        pictures = [_figure("image/jpeg", to_jpeg(image), caption) for caption, image in overlays]
        parts += ["<h2>Pictures</h2>", KEY, '<div class="pictures">', *pictures, "</div>"]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title>",
            f"<style>{STYLE}</style></head>",
            "<body>",
            *parts,
            "</body></html>",
            "",
        ]
    )


KEY = "<p>Orange: the person's right side; blue: left; yellow: centre; thin white: the truth, where known.</p>"


def _figure(kind: str, data: bytes, caption: str) -> str:
    """A picture held in the page. As an image of its own, an SVG's ids cannot clash with another's."""
    text = html.escape(caption, quote=True)
    source = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'
