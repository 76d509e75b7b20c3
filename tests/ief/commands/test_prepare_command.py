import json

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif

from ief.cli import main
from mpii_tools.prepared.read import load_prepared, read_description


@pytest.fixture
def folder(tmp_path):
    """Four annotated images in HRNet's format, as viewers show them."""
    rng = np.random.default_rng(0)
    people = [
        {"image": f"{row}.png", "center": [40, 30], "scale": 0.3, "joints": rng.uniform(5, 55, (16, 2)).tolist(),
         "joints_vis": [1] * 16} for row in range(4)
    ]  # fmt: skip
    (tmp_path / "train.json").write_text(json.dumps(people))
    (tmp_path / "images").mkdir()
    for row in range(4):
        image = cv2.resize(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8), (90, 60))
        Image.fromarray(image).save(tmp_path / "images" / f"{row}.png")
    return tmp_path


def prepare(folder, *options):
    annotations = ["--annotations", str(folder / "train.json"), "--images", str(folder / "images")]
    return main(["prepare", *annotations, "--size", "32", "--out", str(folder / "out"), *options])


def test_unusable_images_are_named_and_the_rest_is_written(folder, capsys):
    (folder / "images" / "1.png").unlink()
    (folder / "images" / "3.png").write_bytes(b"no image")
    assert prepare(folder) == 3
    error = capsys.readouterr().err
    assert "2 left out, everything else is written" in error
    assert "'1.png' among the 3 there" in error
    assert "3.png: 8 bytes that cannot be decoded" in error
    assert load_prepared(folder / "out", "train").people.images.tolist() == ["0.png", "2.png"]


def test_apply_exif_turns_images_as_viewers_do(folder):
    assert prepare(folder) == 0 and not read_description(folder / "out")["apply_exif"]
    upright = np.array(load_prepared(folder / "out", "train").crops)
    exif = Exif()
    exif[0x0112] = 6  # stored a quarter turn to the left of how it is shown
    for path in (folder / "images").iterdir():
        Image.fromarray(np.rot90(np.asarray(Image.open(path)))).save(path, exif=exif)
    assert prepare(folder, "--apply-exif") == 0 and read_description(folder / "out")["apply_exif"]
    turned = np.array(load_prepared(folder / "out", "train").crops)
    assert np.abs(turned.astype(int) - upright).max() <= 2
    assert prepare(folder) == 0  # as MPII's labels need it
    assert np.abs(np.array(load_prepared(folder / "out", "train").crops).astype(int) - upright).mean() > 10
