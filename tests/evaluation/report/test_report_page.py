import base64
import csv
import io
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from evaluation import evaluate
from evaluation.report.page import Report, Section
from evaluation.report.plots import pckh_curves
from evaluation.report.tables import summary_table

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.images, self.links, self.ids, self.words = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(attrs)
        self.links += [value for key, value in attrs.items() if key in ("src", "href")]
        self.ids += [attrs["id"]] if "id" in attrs else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (30, 16, 2))
    scale = rng.uniform(1, 3, 30)
    return {
        name: evaluate(gt + rng.normal(0, spread, gt.shape), gt, 25 * scale, scale)
        for name, spread in (("mean pose", 40), ("stage <1>", 10))
    }


@pytest.fixture(scope="module")
def files(results):
    picture = np.full((40, 60, 3), (250, 120, 0), np.uint8)
    sections = [
        Section("Figures", ("One < two.",), {"summary": summary_table(results)}),
        Section(
            "Pictures",
            tables={"folded": summary_table(results)},
            figures={"curves": ("PCKh curves", pckh_curves(results))},
            pictures=[('the "worst" person', picture)],
            folded=frozenset({"folded"}),
        ),
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
    assert "A & B" in words and "Five < six." in words and "One < two." in words and "stage <1>" in words
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


def test_figures_are_in_the_tables(page, results):
    _, parsed = page
    for result in results.values():
        assert f"{result['joint_error']['image_px']:.1f}" in parsed.words
        assert f"{result['pckh']['0.5']['groups']['Mean']:.1f}" in parsed.words


def test_a_folded_table_is_in_the_page_and_opens_without_a_script(page):
    text, _ = page
    assert text.count("<table>") == 2
    assert len(re.findall(r"<details><summary>.*?</summary>\n<div class=\"scroll\".*?</details>", text, re.S)) == 1


def test_every_table_and_figure_is_a_file_too(files, results):
    assert set(files) == {
        "index.html", "figures/curves.svg", "figures/curves.png",
        *(f"tables/{name}.{suffix}" for name in ("summary", "folded") for suffix in ("md", "csv", "tex")),
    }  # fmt: skip
    assert cv2.imdecode(np.frombuffer(files["figures/curves.png"], np.uint8), cv2.IMREAD_COLOR).std() > 5
    rows = list(csv.reader(io.StringIO(files["tables/summary.csv"].decode())))
    assert float(rows[2][1]) == results["stage <1>"]["joint_error"]["image_px"]


def test_a_page_without_anything_is_still_a_page():
    parsed = Page()
    parsed.feed(Report("Nothing yet", "", []).files()["index.html"].decode())
    assert parsed.open == []
