import cv2
import numpy as np
import pytest
from coco_files import write_tree
from commands import run_ief
from pictures import encode_picture
from PIL import Image

from mpii_tools.prepared.read import load_prepared, read_description


@pytest.fixture
def folder(tmp_path):
    """Four annotated images in HRNet's format, as viewers show them."""
    rng, people = np.random.default_rng(0), []
    (tmp_path / "images").mkdir()
    for row in range(4):
        image = cv2.resize(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8), (90, 60))
        cv2.imwrite(str(tmp_path / "images" / f"{row}.png"), image)
        joints = rng.uniform(5, 55, (16, 2)).tolist()
        people.append({"image": f"{row}.png", "center": [40, 30], "scale": 0.3, "joints": joints})
    write_tree(tmp_path / "train.json", people)
    return tmp_path


def prepare(folder, *options, status=0):
    """The crops of the folder's images."""
    files = ["--annotations", folder / "train.json", "--images", folder / "images", "--out", folder / "out"]
    run_ief("prepare", *files, "--size", "32", *options, status=status)
    return np.array(load_prepared(folder / "out", "train").crops, dtype=int)


def test_unusable_images_are_named_and_the_rest_is_written(folder, capsys):
    (folder / "images" / "1.png").unlink()
    (folder / "images" / "3.png").write_bytes(b"no image")
    prepare(folder, status=3)
    error = capsys.readouterr().err
    for words in ("2 left out, everything else is written", "'1.png' among the 3 there", "3.png: 8 bytes that cannot"):
        assert words in error
    assert load_prepared(folder / "out", "train").people.images.tolist() == ["0.png", "2.png"]


def test_apply_exif_turns_images_as_viewers_do(folder):
    upright = prepare(folder)
    assert not read_description(folder / "out")["apply_exif"]
    for path in (folder / "images").iterdir():  # stored a quarter turn to the left of how it is shown
        path.write_bytes(encode_picture(np.rot90(np.asarray(Image.open(path))), "PNG", 6))
    turned = prepare(folder, "--apply-exif")
    assert read_description(folder / "out")["apply_exif"] and np.abs(turned - upright).max() <= 2
    assert np.abs(prepare(folder) - upright).mean() > 10  # as MPII's labels need it
