"""Annotations whose folder is called by their split."""

import shutil

import cv2
import pytest
from coco_and_skeletons import coco_file

from ief.cli import main
from mpii_tools.prepared.read import read_description


def lay_out(folder, *files):
    """COCO's files with their images, each in its folder."""
    for file in files:
        place = (folder / file).parent
        place.mkdir(parents=True)
        coco_file()(place)
        shutil.move(place / "train.json", folder / file)
        for image in place.glob("*.png"):  # those of another folder are other images
            cv2.imwrite(str(image), 255 - cv2.imread(str(image)) if "rain" in file else cv2.imread(str(image)))


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["train/_annotations.coco.json", "valid/_annotations.coco.json"], {"train": 4, "valid": 4}),
        (["train/_annotations.coco.json", "test/_annotations.coco.json"], {"train": 4, "test": 4}),
        (["Train/labels.json", "VAL/labels.json"], {"train": 4, "valid": 4}),
        (["test/train.json"], {"train": 4}),  # the file's own name comes first
        (["train/valid/a.json"], {"valid": 4}),
        (["my train/a.json"], None),  # a word among others says nothing
        (["retrain/a.json"], None),
    ],
)
def test_the_folder_says_the_split(files, splits, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, *files)
    status = main(["prepare", "--size", "32", "--out", "out", "--annotations", *files])
    assert status == (0 if splits else 2)
    assert not splits or read_description("out")["splits"] == splits


def test_a_said_split_comes_before_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, "train/a.json")
    assert main(["prepare", "--size", "32", "--out", "out", "--annotations", "valid=train/a.json"]) == 0
    assert read_description("out")["splits"] == {"valid": 4}


def test_joints_of_two_files_are_counted_once_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for split in ("train", "valid"):
        (tmp_path / split).mkdir()
        names = ["beak", *(f"wing{row}" for row in range(16))]
        coco_file(lambda tree, names=names: tree["categories"][0].update(keypoints=names))(tmp_path / split)
    for image in (tmp_path / "valid").glob("*.png"):  # other images than those to train on
        cv2.imwrite(str(image), 255 - cv2.imread(str(image)))
    assert (
        main(["prepare", "--size", "32", "--out", "out", "--annotations", "train/train.json", "valid=valid/train.json"])
        == 0
    )
    rows = [line.split("  ")[-2].strip() for line in capsys.readouterr().out.splitlines() if "tree is guessed" in line]
    assert rows == ["17", "17"]
