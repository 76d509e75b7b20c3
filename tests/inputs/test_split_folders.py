"""Annotations whose folder is called by their split."""

import cv2
import pytest
from coco_and_skeletons import coco_file

from checkpoints.errors import PoseError
from ief.cli import main
from mpii_tools.annotations.combine import combine, read_source


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("train/_annotations.coco.json", "train"),
        ("valid/_annotations.coco.json", "valid"),
        ("test/_annotations.coco.json", "test"),
        ("Train/labels.json", "train"),
        ("VAL/labels.json", "valid"),
        ("val/labels.json", "valid"),
        ("Testing/labels.json", "test"),
        ("TRAINING/labels.json", "train"),
        ("test/train.json", "train"),  # the file's own name comes first
        ("train/person_val.json", "valid"),
        ("train/valid/a.json", "valid"),
        ("my train/a.json", ""),  # a word among others says nothing
        ("retrain/a.json", ""),
        ("trainval/a.json", ""),
        ("training_data_2/a.json", ""),
        ("mine/a.json", ""),
    ],
)
def test_the_folder_says_the_split_if_nothing_else_does(file, split, tmp_path):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    coco_file(name=path.name)(path.parent)
    source = read_source(str(path))
    assert source.reading.people.split.tolist() == [split] * 4
    said = "train" if split == "valid" else "valid"
    assert read_source(f"{said}={path}").reading.people.split.tolist() == [said] * 4
    if not split:
        with pytest.raises(PoseError, match="tells its split"):
            combine([source], [tmp_path])


def test_joints_of_two_files_are_counted_once_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ["beak", *(f"wing{row}" for row in range(16))]
    for split in ("train", "valid"):
        (tmp_path / split).mkdir()
        coco_file(lambda tree: tree["categories"][0].update(keypoints=names))(tmp_path / split)
    for image in (tmp_path / "valid").glob("*.png"):  # other images than those to train on
        cv2.imwrite(str(image), 255 - cv2.imread(str(image)))
    files = ["train/train.json", "valid=valid/train.json"]
    assert main(["prepare", "--size", "32", "--out", "out", "--annotations", *files]) == 0
    rows = [line.split("  ")[-2].strip() for line in capsys.readouterr().out.splitlines() if "tree is guessed" in line]
    assert rows == ["17", "17"]
