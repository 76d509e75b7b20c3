import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from evaluation import evaluate
from evaluation.plots import pckh_curves
from evaluation.report import render_report

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.images, self.links, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(attrs)
        self.links += [value for key, value in attrs.items() if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page():
    rng = np.random.default_rng(0)
    gt = rng.uniform(0, 400, (30, 16, 2))
    scale = rng.uniform(1, 3, 30)
    results = {
        name: evaluate(gt + rng.normal(0, spread, gt.shape), gt, 25 * scale, scale)
        for name, spread in (("mean pose", 40), ("stage <1>", 10))
    }
    picture = np.full((40, 60, 3), (250, 120, 0), np.uint8)
    text = render_report(
        "A & B",
        results,
        lead="Five < six.",
        overlays=[('the "worst" person', picture)],
        plots=[("PCKh curves", pckh_curves(results))],
    )
    parsed = Page()
    parsed.feed(text)
    return text, parsed, results


def test_well_formed_and_escaped(page):
    text, parsed, _ = page
    assert parsed.open == []
    words = " ".join(parsed.words)
    assert "A & B" in words and "Five < six." in words and "stage <1>" in words
    assert text.startswith("<!doctype html>")


def test_holds_everything_itself(page):
    text, parsed, _ = page
    assert parsed.links and all(link.startswith("data:") for link in parsed.links)
    assert not re.search(r"<script|<link|@import|url\(", text)
    assert 'name="viewport"' in text


def test_pictures_decode_and_are_described(page):
    _, parsed, _ = page
    kinds = {}
    for image in parsed.images:
        assert image["alt"]
        kind, data = image["src"].removeprefix("data:").split(";base64,")
        kinds[kind] = base64.b64decode(data)
    back = cv2.imdecode(np.frombuffer(kinds["image/jpeg"], np.uint8), cv2.IMREAD_COLOR)
    assert back.shape == (40, 60, 3)
    assert b"</svg>" in kinds["image/svg+xml"]


def test_figures_are_in_the_tables(page):
    _, parsed, results = page
    for result in results.values():
        assert f"{result['joint_error']['image_px']:.1f}" in parsed.words
        assert f"{result['pckh']['0.5']['groups']['Mean']:.1f}" in parsed.words


def test_a_page_without_anything_is_still_a_page():
    parsed = Page()
    parsed.feed(render_report("Nothing yet", {}))
    assert parsed.open == []
