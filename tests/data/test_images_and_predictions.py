"""Finding images (D), and whose prediction is whose (F): inputs as people have them, and what comes out."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from helpers.real_data import Case, run_case

from mpii_tools.prepared.read import load_prepared


def write_images(folder: Path, *paths: str) -> None:
    """Images, each of a color of its own."""
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((60, 80, 3), 30 + 40 * number, np.uint8)
        (folder / path).write_bytes(cv2.imencode(Path(path).suffix, pixels)[1].tobytes())


def found(names: list[str], files: list[str], images: str | None, *expected: int, says: tuple[str, ...] = ()) -> dict:
    """A row: people of images called `names`, in a folder with `files`; `expected` are the files they must get."""

    def build(folder: Path) -> list[str]:
        write_images(folder, *files)
        joints = [[30.0 + k, 20.0 + k] for k in range(16)]
        people = [{"image": name, "center": [40, 30], "scale": 0.2, "joints": joints} for name in names]
        (folder / "train.json").write_text(json.dumps(people))
        options = ["--images", images] if images else []
        return ["prepare", "--annotations", "train.json", *options, "--out", "out", "--size", "32"]

    def check(folder: Path) -> None:
        if not expected:
            assert not (folder / "out").exists()
            return
        data = load_prepared(folder / "out", "train")
        colors = data.crops[:, 20, 20].astype(int)
        assert np.abs(colors - (30 + 40 * np.array(expected)[:, None])).max() <= 3
        assert set(data.people.images) <= set(names)

    status = 0 if len(expected) == len(names) else 3 if expected else 2
    return {"build": build, "status": status, "says": says, "check": check}


FINDING_IMAGES = [
    Case("folders of cameras", **found(["cam1/0.jpg", "cam2/0.jpg"], ["i/cam1/0.jpg", "i/cam2/0.jpg"], "i", 0, 1)),
    Case("folders of cameras, a level above", **found(["cam2/0.jpg"], ["i/cam1/0.jpg", "i/cam2/0.jpg"], ".", 1)),
    Case("folders of cameras, a level below", **found(["cam2/0.jpg"], ["i/cam1/0.jpg", "i/cam2/0.jpg"], "i/cam2", 1)),
    Case("beside the annotations", **found(["0.jpg", "1.jpg"], ["deep/er/1.jpg", "0.jpg"], None, 1, 0)),
    Case("a path of Windows", **found([r"C:\data\0.jpg"], ["i/0.jpg"], "i", 0)),
    Case("a path of Windows, a level above", **found([r"C:\data\0.jpg"], ["i/0.jpg"], ".", 0)),
    Case(
        "a path of Windows with folders of cameras, a level above",
        **found([r"C:\data\cam2\0.jpg"], ["i/cam1/0.jpg", "i/cam2/0.jpg"], ".", 1),
    ),
    Case("a path of another home", **found(["/home/x/mpii/0.jpg"], ["i/0.jpg", "i/10.jpg"], "i", 0)),
    Case("another case of the ending", **found(["0.JPG", "1.jpg"], ["i/0.jpg", "i/1.JPG"], "i", 0, 1)),
    Case("another ending", **found(["0.png", "1.jpeg"], ["i/0.jpg", "i/1.png"], "i", 0, 1)),
    Case("letters as macOS writes them", **found([unicodedata.normalize("NFD", "é.jpg")], ["i/é.jpg"], "i", 0)),
    Case(
        "two of a name",
        **found(
            ["0.jpg", "1.jpg"],
            ["i/a/0.jpg", "i/b/0.jpg", "i/1.jpg"],
            "i",
            2,
            says=("0.jpg#1: i: '0.jpg' can be any of 2 images, 'a/0.jpg', 'b/0.jpg'",),
        ),
    ),
    Case(
        "two cameras and the images of one",
        **found(["cam1/0.jpg", "cam2/0.jpg"], ["i/0.jpg"], "i", says=("both be the image '0.jpg'", "'cam1/0.jpg'")),
    ),
    Case(
        "nobody is found, and all is told",
        **found(
            ["im001.jpg", "im002.jpg"],
            ["i/img001.jpg"],
            "i",
            says=(
                "2  im001.jpg#1: i: no image 'im001.jpg' among the 1 there; the nearest name is 'img001.jpg'",
                "no person of out could be prepared; first reason: people left out: image missing",
            ),
        ),
    ),
    Case("hidden folders are passed over", **found(["0.jpg"], ["i/.thumbs/0.jpg", "i/full/0.jpg"], "i", 1)),
]


@pytest.mark.parametrize("case", FINDING_IMAGES, ids=str)
def test_images_are_found(case, tmp_path, capsys):
    run_case(case, tmp_path, capsys)
