"""YOLO-pose in and out, against COCO's annotations of the same people."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from coco_files import coco_tree, write_tree

from checkpoints.errors import PoseError
from heads.skeleton import COCO17, Skeleton
from ief.cli import main
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.yolo import ABSENT, EMPTY, MALFORMED, SHARED, SPARE, locate_labels
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, save_predictions
from mpii_tools.results.submission import write_yolo

SIZES = [(640, 480), (333, 777)]
FLAG = "a flag of a keypoint that is not from 0 to 2"
ARM = Skeleton(("a", "b", "c"), (1, -1, 1), sigmas=(0.1, 0.2, 0.3))


def make_people(folder, count, skeleton=COCO17, images=None):
    """People with joints missing and hidden, two in an image, of two sizes; the images are blank."""
    rng, names = np.random.default_rng(0), [f"{row // 2:04}.png" for row in range(count)]
    sizes = np.array([SIZES[row // 2 % 2] for row in range(count)])
    (folder / "images").mkdir()
    blank = {size: cv2.imencode(".png", np.zeros((size[1], size[0], 3), np.uint8))[1].tobytes() for size in SIZES}
    for name, size in dict(zip(names, map(tuple, sizes.tolist()), strict=True)).items():
        (folder / "images" / name).write_bytes(blank[size])
    joints = rng.uniform(0, 1, (count, len(skeleton), 2)) * sizes[:, None]
    missing = rng.random((count, len(skeleton))) < 0.2
    missing[:, 0] = False
    joints[missing] = np.nan
    visible = np.where(missing, -1, rng.integers(0, 2, missing.shape))
    low, high = np.nanmin(joints, axis=1), np.nanmax(joints, axis=1)
    scale = 1.1 * (high - low).max(axis=1) / 200
    center = (low + high) / 2 - np.stack([np.zeros(count), 15 * scale], axis=1)
    columns = {"center": center, "scale": scale, "visible": visible, "image_size": sizes}
    return People(names, joints, skeleton=skeleton, **columns)


def coco_with_sizes(people):
    tree = coco_tree(people)
    for image in tree["images"]:
        width, height = people.image_size[people.images.tolist().index(image["file_name"])].tolist()
        image |= {"width": width, "height": height}
    for row, entry in enumerate(tree["annotations"]):
        entry["keypoints"][2::3] = (people.visible[row] + 1).tolist()
    return tree


def test_a_thousand_people_survive_coco_yolo_coco(tmp_path):
    people = make_people(tmp_path, 1000)
    first = read_annotations(write_tree(tmp_path / "people.json", coco_with_sizes(people))).people
    write_yolo(tmp_path, first, first.joints, first.visible + 1)
    reading = read_annotations(tmp_path / "data.yaml")
    assert not reading.faults
    back = replace(reading.people, images=[name.removeprefix("images/") for name in reading.people.images.tolist()])
    second = read_annotations(write_tree(tmp_path / "back.json", coco_with_sizes(back))).people
    assert second.skeleton == first.skeleton == COCO17 and second.images.tolist() == first.images.tolist()
    np.testing.assert_allclose(second.joints, people.joints, atol=1e-3)
    np.testing.assert_allclose(reading.people.joints, first.joints, atol=1e-6)
    np.testing.assert_array_equal(second.visible, people.visible)
    np.testing.assert_array_equal(second.image_size, people.image_size)


@pytest.mark.parametrize("skeleton", [COCO17, ARM])
def test_submit_writes_what_prepare_reads(tmp_path, capsys, skeleton):
    people = make_people(tmp_path, 6, skeleton)
    tree = coco_with_sizes(people)
    tree["categories"][0]["sigmas"] = list(skeleton.sigmas)
    file = write_tree(tmp_path / "images" / "people.json", tree)
    poses = np.random.default_rng(1).uniform(0.1, 0.9, people.joints.shape) * people.image_size[:, None]
    poses[0, 1] = [-5, 10]
    held = read_annotations(file).people
    with pytest.raises(PoseError, match="nothing says the size"):
        write_yolo(tmp_path, replace(held, image_size=np.full((6, 2), np.nan)), poses)
    save_predictions(tmp_path / "p.npz", Predictions(poses, held.person_ids, skeleton.names))
    arguments = ["--annotations", str(file), "--predictions", str(tmp_path / "p.npz"), "--out", str(tmp_path)]
    assert main(["submit", "--form", "yolo", *arguments]) == 0
    assert "1 joints are outside their images" in capsys.readouterr().out
    found = read_annotations(tmp_path).people
    poses[0, 1] = np.nan
    np.testing.assert_allclose(found.joints, poses, atol=1e-6)
    assert found.skeleton == held.skeleton or found.skeleton.names == skeleton.names
    assert found.skeleton.sigmas == skeleton.sigmas
    assert main(["prepare", "--annotations", f"train={tmp_path}", "--out", str(tmp_path / "data"), "--size", "32"]) == 0


@pytest.mark.parametrize(("image", "label"), [
    ("/a/images/b/images/c.x.jpg", "/a/images/b/labels/c.x.txt"), ("images/c.jpg", "labels/c.txt"),
    ("/a/my_images/c.jpg", "/a/my_images/c.txt"),
])  # fmt: skip
def test_the_last_images_of_a_path_becomes_labels(image, label):
    assert locate_labels(Path(image)).as_posix() == label


def write_dataset(folder, about, rows="0 0.5 0.5 0.5 0.5 0.4 0.4 2 0.6 0.6 1 0 0 0\n", places=("train/images",)):
    for place in places:
        (folder / place).mkdir(parents=True)
        cv2.imwrite(str(folder / place / "1.jpg"), np.zeros((100, 200, 3), np.uint8))
        label = locate_labels(folder / place / "1.jpg")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(rows)
    (folder / "data.yaml").write_text(about)
    return folder / "data.yaml"


ROBOFLOW = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['hand']\n"


def split_of(people):
    return dict(zip(people.images.tolist(), people.split.tolist(), strict=True))


def test_roboflow_s_folders_and_its_flip_that_exchanges_nothing(tmp_path):
    about = ROBOFLOW + "kpt_shape: [3, 3]\nflip_idx: [0, 1, 2]\n"
    people = read_annotations(write_dataset(tmp_path, about, places=("train/images", "valid/images"))).people
    assert split_of(people) == {"train/images/1.jpg": "train", "valid/images/1.jpg": "valid"}
    assert people.joint_names == ("0", "1", "2")
    np.testing.assert_allclose(people.joints[0], [[80, 40], [120, 60], [np.nan, np.nan]])
    assert people.visible[0].tolist() == [1, 0, -1] and not people.skeleton.can_mirror


def test_lists_of_images_and_names_of_classes(tmp_path):
    about = ("path: .\ntrain: [a.txt, more/images]\nval: b.txt\nnames: {0: cat, 2: dog}\nkpt_shape: [3, 3]\n"
             "kpt_names:\n  0: [x, y, z]\n  2: [u, v, w]\nskeleton: [[1, 2], [2, 3]]\n")  # fmt: skip
    file = write_dataset(tmp_path, about, places=("images/a", "images/b", "more/images"))
    (tmp_path / "a.txt").write_text("./images/a/1.jpg\n\n")
    (tmp_path / "b.txt").write_text("images/b/1.jpg\n")
    (tmp_path / "more" / "labels" / "1.txt").write_text("2 0.5 0.5 0.5 0.5 0.4 0.4 2 0.6 0.6 1 0 0 0\n")
    with pytest.raises(PoseError, match="different keypoints; choose one"):
        read_annotations(file)
    cats = read_annotations(file, category="cat").people
    assert cats.joint_names == ("x", "y", "z") and cats.skeleton.parents == (1, -1, 1)
    assert split_of(cats) == {"images/a/1.jpg": "train", "images/b/1.jpg": "valid"}
    assert read_annotations(file, category="2").people.images.tolist() == ["more/images/1.jpg"]


def test_pairs_of_numbers_and_a_skeleton_for_their_names(tmp_path):
    rows = "0 0.5 0.5 0.5 0.5 0.4 0.4 0.6 0.6 0 0\n"
    file = write_dataset(tmp_path, ROBOFLOW.replace("val: ../valid/images\n", "") + "kpt_shape: [3, 2]\n", rows)
    people = read_annotations(file, ARM).people
    assert people.skeleton == ARM and people.annotated[0].tolist() == [True, True, False]


@pytest.mark.parametrize(("about", "says"), [
    *((f"kpt_shape: [3, 3]\ntrain: {entry}\n", "train: no folder or list") for entry in ("5", "{a: b}", "[[images]]")),
    ("kpt_shape: [3, 3]\nval: empty/images\n", "nobody is labeled in its 1 images; give"),
    ("names: [a]\ntrain: train/images\n", "no kpt_shape"),
    ("kpt_shape: [17, 4]\ntrain: train/images\n", "no kpt_shape"),
    ("kpt_shape: [3, 3]\ntrain: train/pictures\n", "no folder or list 'train/pictures'"),
    ("kpt_shape: [3, 3]\n", "no image in its train"),
    ("kpt_shape: [3, 3]\ntrain: train/images\nflip_idx: [1, 2, 0]\n", "flip_idx does not pair"),
    ("kpt_shape: [3, 3]\ntrain: train/images\nkpt_names: [a, b]\n", "kpt_names are not those of 3"),
    ("kpt_shape: [4, 3]\ntrain: train/images\n", "nobody is labeled in its 1 images, first train/labels/1.txt:1"),
    ("kpt_shape: [3, 3\n", "not a whole YAML file"),
    ("!!python/object/apply:os.system [ls]\n", "not a whole YAML file"),
])  # fmt: skip
def test_what_is_no_dataset_is_said_in_one_line(tmp_path, about, says):
    write_dataset(tmp_path, "", " \n", places=("empty/images",))
    file = write_dataset(tmp_path, about)
    with pytest.raises(PoseError, match=r"data\.yaml") as raised:
        read_annotations(file)
    assert says in str(raised.value) and "\n" not in str(raised.value)


def test_flips_that_the_names_contradict_are_not_used(tmp_path):
    about = "kpt_shape: [3, 3]\ntrain: train/images\nflip_idx: [0, 2, 1]\nkpt_names: [left_ear, right_ear, nose]\n"
    reading = read_annotations(write_dataset(tmp_path, about))
    assert reading.people.skeleton.flip_pairs == ((1, 0),)
    assert [who for what, who in reading.notes.items() if "flip pairs" in what] == [["nose and right_ear"]]
    json.dumps(reading.notes)


def test_rows_are_read_as_each_alone(tmp_path):
    """All rows of all files are checked at once: a wrong one costs itself, and changes no other."""
    rng, about, rows = np.random.default_rng(2), "kpt_shape: [3, 3]\ntrain: train/images\n", []
    for number in range(24):
        row = ["0", "0.5", "0.5", "0.4", "0.4", *(f"{value:.6f}" for value in rng.uniform(0.1, 0.9, 9))]
        row[7::3] = [str(flag) for flag in rng.integers(0, 3, 3)]
        if number % 3 == 1:
            row[rng.integers(14)] = str(rng.choice(["nan", "inf", "-7", "x", "0.5 0.5", "1e400"]))
        rows.append(" ".join(row))
    whole, alone, wrong = read_annotations(write_dataset(tmp_path / "all", about, "\n".join(rows))), [], []
    for number, row in enumerate(rows, 1):
        try:
            alone.append(read_annotations(write_dataset(tmp_path / str(number), about, row)).people)
        except PoseError:
            wrong.append(f"train/labels/1.txt:{number}")
    for column in ("joints", "visible", "center", "scale", "image_size"):
        expected = np.concatenate([getattr(people, column) for people in alone])
        np.testing.assert_array_equal(getattr(whole.people, column), expected)
    faults = next(iter(whole.faults.values()))
    assert len(wrong) > 3 and [fault.split(": ")[0] for fault in faults] == wrong


def test_what_a_list_names_in_vain_is_counted(tmp_path):
    about = "train: [a.txt, more/images, empty.txt]\nval: more/images\nkpt_shape: [3, 3]\n"
    file = write_dataset(tmp_path, about, places=("images/a", "more/images"))
    (tmp_path / "a.txt").write_text("images\\a\\1.jpg\nimages/a/none.jpg\n" + "x" * 5000 + "\n")
    (tmp_path / "empty.txt").write_text("\n")
    reading = read_annotations(file)
    assert split_of(reading.people) == {"images/a/1.jpg": "train", "more/images/1.jpg": "valid"}
    notes = [reading.notes[name] for name in (ABSENT, EMPTY, SHARED)]
    assert notes == [["images/a/none.jpg", "x" * 80], ["train: empty.txt"], ["more/images/1.jpg"]]
    (tmp_path / "a.txt").write_bytes(b"images/\xfc.jpg\n")
    with pytest.raises(PoseError, match=r"a\.txt: a list of images that is no UTF-8"):
        read_annotations(file)


def test_odd_flags_and_classes_are_malformed(tmp_path):
    heads = {"0 .7": None, "0 nan": FLAG, "0 3": FLAG, "0.5 2": "class 0.5", "-1 2": "class -1"}  # .7 as of a score
    rows = ["{} .5 .5 .5 .5 .4 .4 {} .6 .6 1 0 0 0\n".format(*head.split()) for head in heads]
    reading = read_annotations(write_dataset(tmp_path, "train: train/images\nkpt_shape: [3, 3]\n", "".join(rows)))
    faults = [f"train/labels/1.txt:{row}: {says}" for row, says in enumerate(heads.values(), 1) if says]
    assert len(reading.people) == 1 and reading.faults[MALFORMED] == faults


def test_a_list_is_no_label_file_but_a_stray_one_is(tmp_path):
    """Images, labels and the list in one folder."""
    file = write_dataset(tmp_path, "path: all\ntrain: a.txt\nkpt_shape: [3, 3]\n", places=("all",))
    (tmp_path / "all" / "a.txt").write_text("1.jpg\n")
    (tmp_path / "all" / "2.txt").write_text((tmp_path / "all" / "1.txt").read_text())
    assert read_annotations(file).notes[SPARE] == ["2.txt"]
