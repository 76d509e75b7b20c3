"""What annotations call an image beside its name stays with its people, so that results can be matched and written."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from coco_files import coco_tree, write_tree

from ief.cli import main
from mpii_tools.annotations.people_file import load_people, save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import People, join_people
from mpii_tools.skeletons import SKELETONS

NAMES = ["000000000006.jpg", "cam_z.jpg", "5.jpg"]


def people(names=NAMES, **columns):
    joints = np.random.default_rng(0).uniform(20, 90, (len(names), 17, 2)).round(1)
    columns = {"center": np.full((len(names), 2), 60.0), "scale": np.full(len(names), 0.4)} | columns
    return People(names, joints, skeleton=SKELETONS["coco17"], **columns)


def read(path, ids, named=None, entry_ids=None):
    """COCO's people, one in each image, whose `images` have `ids`; entries refer by `entry_ids`, or by name alone."""
    tree = coco_tree(people())
    for image, annotation, image_id, own in zip(
        tree["images"], tree["annotations"], ids, entry_ids or ids, strict=True
    ):
        image["id"], annotation["image_id"] = image_id, own
        if named:
            del annotation["image_id"]
            annotation["file_name"] = image["file_name"]
    return read_annotations(write_tree(Path(path), tree)).people


@pytest.mark.parametrize(
    ("ids", "options", "kept"),
    [
        ([1, 2, 3], {}, [1, 2, 3]),
        ([101, 0, 7], {"entry_ids": ["101", "0", "7"]}, [101, 0, 7]),  # numbers there, text here
        (["0", "1", "x"], {}, ["0", "1", "x"]),
        (["0", "1", "2"], {"entry_ids": [0, 1, 2]}, ["0", "1", "2"]),
        ([4.0, 5.0, 6.0], {}, [4, 5, 6]),
        ([2**40, 2**41, 2**62], {}, [2**40, 2**41, 2**62]),
        ([2**70, 1, 2], {}, [str(2**70), "1", "2"]),
        (["b7e9-aa", "0f-12", "c-3"], {}, ["b7e9-aa", "0f-12", "c-3"]),
        ([9, 8, 7], {"named": True}, [9, 8, 7]),
    ],
)
def test_ids_are_those_of_the_images(ids, options, kept, tmp_path):
    found = read(tmp_path / "val.json", ids, **options)
    assert found.images.tolist() == NAMES and found.image_ids.tolist() == kept
    assert found.category_ids is None or found.category_ids.tolist() == [1, 1, 1]
    save_people(tmp_path / "a.npz", found)
    back = load_people(tmp_path / "a.npz")
    assert back.image_ids.dtype == found.image_ids.dtype and back.image_ids.tolist() == kept
    assert back.select(np.array([2, 0])).image_ids.tolist() == [kept[2], kept[0]]


def test_an_image_without_an_id_leaves_none(tmp_path):
    assert read(tmp_path / "val.json", [1, None, 3], named=True).image_ids is None
    plain = people()
    save_people(tmp_path / "a.npz", plain)
    assert plain.image_ids is None and load_people(tmp_path / "a.npz").image_ids is None


@pytest.mark.parametrize(
    ("one", "other", "joined"), [([1, 2], [3], [1, 2, 3]), ([1, 2], ["x"], ["1", "2", "x"]), ([1, 2], None, None)]
)
def test_joined_people_have_the_ids_that_all_parts_have(one, other, joined):
    found = join_people([people(NAMES[:2], image_ids=one), people(NAMES[2:], image_ids=other)])
    assert joined == (None if found.image_ids is None else found.image_ids.tolist())


def test_prepared_people_keep_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read("valid.json", [101, 102, 103])
    for name in NAMES:
        cv2.imwrite(name, np.full((120, 120, 3), 99, np.uint8))
    assert main(["prepare", "--annotations", "valid.json", "--size", "32", "--out", "out"]) == 0
    prepared = read_annotations("out").people
    assert dict(zip(prepared.images, prepared.image_ids, strict=True)) == dict(zip(NAMES, [101, 102, 103], strict=True))
    assert prepared.category_ids.tolist() == [1, 1, 1]
