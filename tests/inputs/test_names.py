"""One file name that cannot be printed, or is as long as a file system allows, costs nobody else their work."""

import csv
import json

import cv2
import numpy as np
import pytest
from coco_files import coco_tree, write_tree

from checkpoints.errors import escape_name
from ief.workflow.predict import predict_inputs
from mpii_tools.images.sources import open_images
from mpii_tools.people import People
from mpii_tools.prepared.dataset import prepare_dataset
from mpii_tools.prepared.read import load_prepared
from mpii_tools.prepared.write import CropSpec
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions

NAMES = {
    "x\ny.jpg": "x%ny.jpg",
    "x\ty.jpg": "x%ty.jpg",
    "bild_\udcfc.jpg": "bild_%udcfc.jpg",  # a name in Latin-1
    "\x1b[31mred.jpg": "%x1b[31mred.jpg",
    "a\u202egpj.exe": "a%u202egpj.exe",  # runs backwards
    "zero\u200bwidth.jpg": "zero%u200bwidth.jpg",
    "caf\u00e9 \u5199\u771f.jpg": "caf\u00e9 \u5199\u771f.jpg",
    "n" * 250 + ".jpg": "n" * 250 + ".jpg",
}
PICTURE = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (120, 120, 3), dtype=np.uint8))[1].tobytes()


@pytest.mark.parametrize(("name", "escaped"), NAMES.items())
def test_what_cannot_be_printed_is_escaped(name, escaped):
    assert escape_name(name) == escaped and escaped.isprintable()


FILES = ["ok.jpg", *(name for name in NAMES if name.endswith("jpg"))]


@pytest.fixture
def folder(tmp_path):
    """Images of all these names and a plain one."""
    (tmp_path / "images").mkdir()
    for name in FILES:
        (tmp_path / "images" / name).write_bytes(PICTURE + bytes(len(name)))
    return tmp_path


@pytest.mark.parametrize("missing", ["", "x\ny.jpg", "bild_\udcfc.jpg"])
def test_prepare_takes_all_images_but_a_missing_one(folder, missing):
    joints = np.random.default_rng(1).uniform(20, 100, (len(FILES), 16, 2))
    tree = coco_tree(People(FILES, joints, center=np.full((len(FILES), 2), 60.0), scale=0.4))
    for image, name in zip(tree["images"], FILES, strict=True):
        image["file_name"] = name
    source, images, out = write_tree(folder / "train.json", tree), folder / "images", folder / "out"
    if missing:
        (images / missing).unlink()
    left_out = prepare_dataset([f"train={source}"], out, CropSpec(32), images, valid_share=0.3)
    kept = [name for split in ("train", "valid") for name in load_prepared(out, split).people.images.tolist()]
    assert {*kept} == {NAMES.get(name, name) for name in FILES if name != missing}
    assert len(left_out) == bool(missing) and all(line.isprintable() for line in left_out)


def test_predict_writes_everybody_under_printable_names(run, folder):
    (folder / "images" / "broken.jpg").write_bytes(PICTURE[:99])
    files, left_out = predict_inputs([folder / "images"], folder / "out", run, device="cpu")
    assert sum("broken.jpg" in line for line in left_out) == 1 and len(left_out) <= 2  # and an overlay's long name
    by_ending = {path.suffix: path for path in files}
    ids = set(read_predictions(by_ending[".npz"]).person_ids.tolist())
    assert ids == {f"{NAMES.get(name, name)}#1" for name in FILES}
    with by_ending[".csv"].open(encoding="utf-8", newline="") as file:
        assert {row["person_id"] for row in csv.DictReader(file)} == ids
    assert {entry["file_name"] for entry in json.loads(by_ending[".json"].read_text())} == {*FILES}


@pytest.mark.parametrize("name", NAMES)
def test_predictions_of_such_images_are_matched_by_name_and_id(tmp_path, name):
    joints = np.random.default_rng(2).uniform(0, 90, (2, 16, 2))
    people, names = People([name, "ok.jpg"], joints), np.array(["ok.jpg", name])
    save_predictions(tmp_path / "p.npz", Predictions(joints[::-1], np.array([f"{each}#1" for each in names])))
    by_name = Predictions(joints[::-1], None, images=names)
    for predictions in (read_predictions(tmp_path / "p.npz"), by_name):
        np.testing.assert_array_equal(align(predictions, people).joints, joints)


def test_a_folder_of_images_finds_each_by_either_name(folder):
    images = open_images(folder / "images")
    for name in FILES:
        assert images(name) == images(NAMES.get(name, name)) == PICTURE + bytes(len(name))
