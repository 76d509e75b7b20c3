"""Splits: a folder may say its own, and no picture trains and validates.

Copies under other names, frames of a clip, augmented copies, splits as they lie.
"""

import cv2
import numpy as np
import pytest
from coco_and_skeletons import coco_file
from coco_files import coco_tree, write_tree
from commands import run_ief

from checkpoints.errors import PoseError
from mpii_tools.annotations.combine import CLIPS, combine, read_source
from mpii_tools.annotations.splits import SHARED, share_valid
from mpii_tools.people import People
from mpii_tools.prepared.dataset import prepare_dataset
from mpii_tools.prepared.read import load_prepared
from mpii_tools.prepared.write import CropSpec, prepare


def people(names, split=""):
    joints = np.random.default_rng(0).uniform(20, 100, (len(names), 16, 2))
    return People(names, joints, center=np.full((len(names), 2), 60.0), scale=0.4, head_size=20.0, split=split)


def picture(seed, ending=".jpg"):
    pixels = np.random.default_rng(seed).integers(0, 255, (120, 120, 3), dtype=np.uint8)
    return cv2.imencode(ending, pixels)[1].tobytes()


@pytest.mark.parametrize(("splits", "seeds", "kept"), [
    ({"t0": "train", "t1": "train", "v0": "valid"}, [0, 1, 0], ["t1", "v0"]),
    ({"a/1": "train", "b/1": "valid", "b/2": "valid"}, [5, 5, 5], ["b/1", "b/2"]),  # everybody trains on a copy
    ({"x": "train", "y": "train", "z": "train", "v": "valid"}, [1, 1, 2, 2], ["x", "y", "v"]),  # twice in train
    ({"x": "train", "y": "test", "v": "valid"}, [1, 1, 2], ["x", "y", "v"]),  # a test picture is nobody's leak
    ({"x": "train", "y": "", "v": "valid"}, [1, 2, 2], ["x", "y", "v"]),
    ({"x": "train", "v": "valid", "w": "valid"}, [1, 2, 2], ["x", "v", "w"]),
])  # fmt: skip
def test_a_copy_of_a_validation_image_does_not_train(tmp_path, splits, seeds, kept):
    pictures = {name: picture(seed) for name, seed in zip(splits, seeds, strict=True)}
    everybody = people([*splits, *splits], [*splits.values()] * 2)  # two in each image
    done = prepare(everybody, pictures.__getitem__, tmp_path / "out", "x", CropSpec(32))
    assert sum(done.splits.values()) == 2 * len(kept) and not done.faults
    assert {name.partition("#")[0] for name in done.notes.get(SHARED, [])} == {*splits} - {*kept}
    for split, count in done.splits.items():
        images = load_prepared(tmp_path / "out", split).people.images.tolist()
        assert len(images) == count and {*images} <= {*kept}


def test_annotations_of_two_folders_share_no_picture(tmp_path, capsys):
    files = []
    for folder, split, seeds in (("a", "train", [0, 1, 2]), ("b", "valid", [2, 3, 4])):
        (tmp_path / folder).mkdir()
        names = {f"{folder}{seed}.png": picture(seed, ".png") for seed in seeds}
        for name, data in names.items():
            (tmp_path / folder / name).write_bytes(data)
        files.append(str(write_tree(tmp_path / folder / f"{split}.json", coco_tree(people([*names])))))
    prepare_dataset(files, tmp_path / "o", CropSpec(32))
    assert load_prepared(tmp_path / "o", "train").people.images.tolist() == ["a/a0.png", "a/a1.png"]
    assert len(load_prepared(tmp_path / "o", "valid")) == 3 and "a2.png#1" in capsys.readouterr().out


CLIPS_OF_20 = [f"clip{row // 20}/frame_{row % 20:06}.jpg" for row in range(60)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("names", "share", "source", "count"), [
    (CLIPS_OF_20, 0.2, lambda name: name.split("/")[0], 20),
    ([f"day{row % 12:02}\\{row}.png" for row in range(120)], 0.25, lambda name: name.split("\\")[0], 30),
    ([f"a/b/{row // 4}/x{row}.jpg" for row in range(40)], 0.3, lambda name: name.rpartition("/")[0], 12),
    ([f"s{row // 3}_jpg.rf.{row:032x}.jpg" for row in range(30)], 0.2, lambda n: n.split("_jpg.rf.")[0], 6),
    ([f"s{row // 3}_png.rf.{row:08x}.jpg" for row in range(30)], 0.5, lambda n: n.split("_png.rf.")[0], 15),
    ([f"s {row // 2}.rf.{row:08X}.png" for row in range(40)], 0.1, lambda n: n.split(".rf.")[0], 4),
    ([f"one/{row:012}.jpg" for row in range(50)], 0.1, lambda name: name, 5),
    ([f"{'ab'[row % 2]}/{row}.jpg" for row in range(50)], 0.1, lambda name: name, 5),  # too few folders
])  # fmt: skip
def test_a_random_split_keeps_groups_whole(names, share, source, count, seed):
    shared = share_valid(people(names), share, seed)
    valid, train = (shared.images[shared.split == split].tolist() for split in ("valid", "train"))
    assert len(valid) == count and len(train) == len(names) - count
    assert not {*map(source, valid)} & {*map(source, train)}


@pytest.mark.parametrize(("names", "clips"), [
    ([f"clip_{row:04}.jpg" for row in range(20)], ["clip"]),
    ([f"{'ab'[row % 2]}-{row}.png" for row in range(40)], ["a", "b"]),
    ([f"GOPR01 {row:05}.JPG" for row in range(20)], ["GOPR01"]),
    ([f"{'ab'[row % 2]}/{row:03}.jpg" for row in range(40)], ["a", "b"]),
    ([f"{row:012}.jpg" for row in range(20)], []),
    ([f"2007_{row:06}.jpg" for row in range(20)], []),
    ([f"im{row:04}.jpg" for row in range(20)], []),
    (CLIPS_OF_20, []),  # which are whole
])  # fmt: skip
def test_frames_of_a_clip_on_both_sides_are_noted(tmp_path, names, clips):
    source = read_source(str(write_tree(tmp_path / "all.json", coco_tree(people(names)))))
    reading = combine([source], [tmp_path], 0.2)
    assert sorted(reading.notes.get(CLIPS, [])) == clips
    assert CLIPS not in combine([read_source(f"train={tmp_path / 'all.json'}")], [tmp_path]).notes


@pytest.mark.parametrize(("split", "files"), [
    ("train", "train/_annotations.coco.json Train/labels.json TRAINING/labels.json"),
    ("valid", "valid/_annotations.coco.json VAL/labels.json val/labels.json train/valid/a.json"),
    ("test", "test/_annotations.coco.json Testing/labels.json"),
    ("train", "test/train.json"),  # the file's own name comes first
    ("valid", "train/person_val.json"),
    ("", "my_train/a.json retrain/a.json trainval/a.json training_data_2/a.json mine/a.json"),  # part of a word
])  # fmt: skip
def test_the_folder_says_the_split_if_nothing_else_does(split, files, tmp_path):
    for file in files.split():
        path = tmp_path / file.replace("my_train", "my train")
        path.parent.mkdir(parents=True)
        coco_file(name=path.name)(path.parent)
        source = read_source(str(path))
        assert source.people.split.tolist() == [split] * 4, file
        said = "train" if split == "valid" else "valid"
        assert read_source(f"{said}={path}").people.split.tolist() == [said] * 4, file
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
    run_ief("prepare", "--size", "32", "--out", "out", "--annotations", *files)
    rows = [line.split("  ")[-2].strip() for line in capsys.readouterr().out.splitlines() if "tree is guessed" in line]
    assert rows == ["17", "17"]
