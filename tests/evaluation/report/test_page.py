import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from evaluation.report.material import Section
from evaluation.report.page import lay_out, render_report
from evaluation.report.plots import pckh_curves
from evaluation.report.tables import Cell, Table, mark_beyond_chance, summary_table

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
    summary, curves = summary_table(results), {"curves": ("PCKh curves", pckh_curves(results))}
    sections = [
        Section("Numbers", ("One < two.",), {"summary": summary}),
        Section("Pictures", (), {"folded": summary}, curves, [('the "worst" person', picture)], frozenset({"folded"})),
        Section("Small", tables={"small": small}),
    ]
    return render_report("A & B", "Five < six.", sections)


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
    assert [link[1:] for link in inside] == [name for name in parsed.ids if name.startswith("part")] != []
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text)) <= set(parsed.ids)
    assert all(link.startswith("data:") for link in parsed.links if link not in inside)
    assert not re.search(r"<script|<link|@import|http|url\((?!#)", text)
    assert 'name="viewport"' in text


def test_pictures_decode_and_are_described(page):
    text, parsed = page
    kinds = {}
    for image in parsed.images:
        assert image["alt"]
        kind, data = image["src"].removeprefix("data:").split(";base64,")
        kinds[kind] = base64.b64decode(data)
    assert cv2.imdecode(np.frombuffer(kinds["image/jpeg"], np.uint8), cv2.IMREAD_COLOR).shape == (40, 60, 3)
    assert list(kinds) == ["image/jpeg"] and 'aria-label="PCKh curves"' in text


def test_a_table_shows_sections_intervals_and_its_note(page):
    text, parsed = page
    minus = "\N{MINUS SIGN}"
    rows = [["", "x|y"], ["Part <1>"], ["<b>", f"{minus}1.0 [{minus}1.5, +0.5]"], ["&_", minus]]
    assert parsed.rows[-4:] == rows
    assert '<p class="title">a &lt; b</p>' in text and '<p class="note">read &lt;me&gt; Bold' in text
    assert '<tr class="section"><th colspan="2">' in text and f"<small>[{minus}1.5, +0.5]</small>" in text


def test_a_folded_table_opens_without_a_script(page):
    text, _ = page
    assert text.count("<table ") == 3
    assert len(re.findall(r"<details><summary>.*?</summary>\n<div class=\"scroll\".*?</details>", text, re.S)) == 1


def test_columns_and_sections_are_folded_or_stand_below_others():
    rows = ("Ours",), ("a", Cell(1.0), Cell(0.5, signed=True), Cell(7.0)), ("Theirs",), ("b", Cell(2.0), "", Cell(None))
    table = Table("t", ("", "x", "Δ x", "y"), rows, below={"Δ x": ("x", "Δ")}, folded=frozenset({"y", "Theirs"}))
    (seen, aside, theirs) = lay_out(table)
    assert seen[:3] == ("", ["", "x"], [("Ours",), [[("", "a")], [("", rows[1][1]), ("Δ", rows[1][2])]]])
    assert aside[:3] == ("y", ["", "y"], [("Ours",), [[("", "a")], [("", rows[1][3])]]])
    assert theirs[:3] == ("Theirs", ["", "x"], [[[("", "b")], [("", rows[3][1])]]])
    twice = Table("t", ("", "x"), (("A",), ("a", "1"), ("A",), ("b", "2")))
    assert [row if len(row) == 1 else row[0][0][1] for row in lay_out(twice)[0][2]] == [("A",), "a", "b"]


def test_differences_beyond_chance_are_bold():
    cells = [Cell(1.0, (0.1, 1.9), signed=True)] * 2 + [Cell(-3.0, (-4.0, -2.0), signed=True), Cell(5.0, (4.0, 6.0))]
    files = render_report("t", "", [Section("s", tables={"one": Table("t", ("", *"abcd"), (("x", *cells),))})])
    page = files["index.html"].decode()
    assert re.findall("<b>(.*?)</b>", page) == ["\N{MINUS SIGN}3.0"]  # 1.0 alone would be: three are read at once
    assert "3 differences" in page and "**-3.0 [-4.0, -2.0]**" in files["tables/one.md"].decode()


def test_every_table_and_figure_is_a_file_too(files, page, small):
    tables = {f"tables/{name}.md" for name in ("summary", "folded", "small")}
    assert set(files) == {"index.html", "results.json", "figures/curves.svg", *tables}
    assert files["tables/small.md"].decode() == f"{mark_beyond_chance(small).markdown()}\n"
    (curves,) = re.findall("<svg.*?</svg>", page[0], re.S)
    drawn = files["figures/curves.svg"].decode()
    assert re.findall(r' d="[^"]*"', curves) == re.findall(r' d="[^"]*"', drawn) != []
    assert "currentColor" in drawn and ">threshold (head sizes)<" in drawn
