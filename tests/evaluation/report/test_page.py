import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from evaluation.report.page import Report, Section
from evaluation.report.plots import pckh_curves
from evaluation.report.tables import summary_table

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.images, self.links, self.ids, self.words, self.rows = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value for key, value in attrs.items() if key in ("src", "href")]
        self.ids += [attrs["id"]] if "id" in attrs else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def files(results, small):
    picture = np.full((40, 60, 3), (250, 120, 0), np.uint8)
    sections = [
        Section("Numbers", ("One < two.",), {"summary": summary_table(results)}),
        Section(
            "Pictures",
            tables={"folded": summary_table(results)},
            figures={"curves": ("PCKh curves", pckh_curves(results))},
            pictures=[('the "worst" person', picture)],
            folded=frozenset({"folded"}),
        ),
        Section("Small", tables={"small": small}),
    ]
    return Report("A & B", "Five < six.", sections).files()


@pytest.fixture(scope="module")
def page(files):
    text = files["index.html"].decode()
    parsed = Page()
    parsed.feed(text)
    return text, parsed


def test_well_formed_and_escaped(page):
    text, parsed = page
    assert parsed.open == []
    words = " ".join(parsed.words)
    assert "A & B" in words and "Five < six." in words and "One < two." in words and "stage 1" in words
    assert text.startswith("<!doctype html>")


def test_holds_everything_itself(page):
    text, parsed = page
    inside = [link for link in parsed.links if link.startswith("#")]
    assert [link[1:] for link in inside] == parsed.ids != []
    assert all(link.startswith("data:") for link in parsed.links if link not in inside)
    assert not re.search(r"<script|<link|@import|url\(", text)
    assert 'name="viewport"' in text


def test_pictures_decode_and_are_described(page):
    _, parsed = page
    kinds = {}
    for image in parsed.images:
        assert image["alt"]
        kind, data = image["src"].removeprefix("data:").split(";base64,")
        kinds[kind] = base64.b64decode(data)
    back = cv2.imdecode(np.frombuffer(kinds["image/jpeg"], np.uint8), cv2.IMREAD_COLOR)
    assert back.shape == (40, 60, 3)
    assert b"</svg>" in kinds["image/svg+xml"]


def test_a_table_shows_sections_intervals_and_its_note(page):
    text, parsed = page
    minus = "\N{MINUS SIGN}"
    rows = [["", "x|y"], ["Part <1>"], ["<b>", f"{minus}1.0 [{minus}1.5, +0.5]"], ["&_", minus]]
    assert parsed.rows[-4:] == rows
    assert '<p class="title">a &lt; b</p>' in text and '<p class="note">read &lt;me&gt;</p>' in text
    assert '<tr class="section"><th colspan="2">' in text and f"<small>[{minus}1.5, +0.5]</small>" in text


def test_a_folded_table_opens_without_a_script(page):
    text, _ = page
    assert text.count("<table>") == 3
    assert len(re.findall(r"<details><summary>.*?</summary>\n<div class=\"scroll\".*?</details>", text, re.S)) == 1


def test_every_table_and_figure_is_a_file_too(files, page, small):
    assert set(files) == {
        "index.html", "figures/curves.svg", *(f"tables/{name}.md" for name in ("summary", "folded", "small")),
    }  # fmt: skip
    assert files["tables/small.md"].decode() == f"{small.markdown()}\n"
    (curves,) = (image["src"] for image in page[1].images if "svg" in image["src"])
    assert base64.b64decode(curves.split("base64,")[1]) == files["figures/curves.svg"]
