"""Which image a result is of: the annotations' ids where they have some, else the name; ids are written back."""

from pathlib import Path

import numpy as np
import pytest
from coco_files import coco_tree, write_tree
from commands import run_ief
from pictures import write_picture

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from ief.inference.box_files import read_boxes
from mpii_tools.annotations.people_file import load_people, save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.images.index import index_numbers
from mpii_tools.people import People, join_people
from mpii_tools.results.coco import to_coco, write_coco
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import Predictions, person_scores, read_predictions

REVERSED = [f"{6 - row:012}.jpg" for row in range(6)]  # id 1 is 000000000006.jpg
NAMES = ["000000000006.jpg", "cam_z.jpg", "5.jpg"]
LETTERS = [f"cam_{letter}.jpg" for letter in "zxyabc"]
JOINTS = np.random.default_rng(0).uniform(20, 300, (6, 16, 2)).round(1)


def people(names, **columns):
    """One person in each image."""
    columns = {"center": np.full((len(names), 2), 160.0), "scale": 1.0} | columns
    return People(names, JOINTS[: len(names)], **columns)


def read(path, names, ids, named=False, entry_ids=None):
    """The people of a COCO file, whose `images` have `ids`; entries refer by `entry_ids`, or by name alone."""
    tree = coco_tree(people(names))
    fields = zip(tree["images"], tree["annotations"], ids, entry_ids or ids, strict=True)
    for image, annotation, image_id, own in fields:
        image["id"], annotation["image_id"] = image_id, own
        if named:
            del annotation["image_id"]
            annotation["file_name"] = image["file_name"]
    return read_annotations(write_tree(Path(path), tree)).people


def results(path, entries, images=None):
    """Results with these fields, one of each person, whose poses are the annotations'."""
    keypoints = np.dstack([JOINTS, np.full((6, 16), 0.9)]).reshape(6, 48).tolist()
    people = [{"keypoints": points, "score": 0.9, **entry} for points, entry in zip(keypoints, entries, strict=True)]
    tree = {"images": images, "annotations": people} if images else people
    return read_predictions(write_tree(path, tree))


def by_id(*ids):
    return [{"image_id": image_id} for image_id in ids]


TABLE = [{"id": 50 + row, "file_name": f"val/{name}"} for row, name in enumerate(LETTERS)]


@pytest.mark.parametrize(("names", "ids", "entries", "images"), [
    (REVERSED, [1, 2, 3, 4, 5, 6], by_id(1, 2, 3, 4, 5, 6), None),  # the names are other numbers
    (LETTERS, [101, 7, 9, 3, 2, 1], by_id(101, 7, 9, 3, 2, 1), None),
    (LETTERS, [0, 1, 2, 3, 4, 5], by_id(*"012345"), None),  # a number there, text here
    (LETTERS, [*"012345"], by_id(0, 1, 2, 3, 4, 5), None),
    (REVERSED, [1, 2, 3, 4, 5, 6], by_id("1.0", "2.0", "3.0", "4.00", "5.0", "6.0"), None),
    (REVERSED, ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0"], by_id(1, 2, 3, 4, 5, 6), None),
    (["1.0.jpg", "1.jpg", *LETTERS[:4]], [7, 8, 3, 4, 5, 6], by_id("1.0", "8.0", 3, 4, 5, 6), None),  # a name
    (LETTERS, ["b7-a", "b7-b", "0f", "c", "d", "e"], by_id("b7-a", "b7-b", "0f", "c", "d", "e"), None),
    (LETTERS, [2**40 + row for row in range(6)], by_id(*(2**40 + row for row in range(6))), None),
    (LETTERS, [9, 8, 7, 6, 5, 4], [{"file_name": name} for name in LETTERS], None),
    (REVERSED, [9, 8, 7, 6, 5, 4], [{"file_name": f"/data/val/{name}"} for name in REVERSED], None),
    (LETTERS, [6, 5, 4, 3, 2, 1], [{"file_name": n, "image_id": i} for i, n in enumerate(LETTERS, 1)], None),
    (LETTERS, [6, 5, 4, 3, 2, 1], by_id(*range(50, 56)), TABLE),  # the results' own table
])  # fmt: skip
def test_results_are_matched_by_the_annotations_ids(tmp_path, names, ids, entries, images):
    people = read(tmp_path / "val.json", names, ids)
    order = np.random.default_rng(1).permutation(6)
    predictions = results(tmp_path / "r.json", entries, images)
    shuffled = Predictions(predictions.joints[order], None, images=predictions.images[order])
    np.testing.assert_allclose(align(shuffled, people).joints, JOINTS, atol=1e-6)


def test_an_id_that_annotations_do_not_have_is_nobodys(tmp_path):
    people = read(tmp_path / "val.json", REVERSED, [11, 12, 13, 14, 15, 16])
    with pytest.raises(PoseError, match="6 of 6 annotated people have no prediction"):
        align(results(tmp_path / "r.json", by_id(1, 2, 3, 4, 5, 6)), people)


def test_an_id_that_two_images_share_is_nobodys():
    people = People(LETTERS, JOINTS, image_ids=[1, 2, 3, 3, 4, 5])
    images = np.array(["1", "2", "3", "cam_a.jpg", "4", "5"])
    with pytest.raises(PoseError, match=r"1 of 6 annotated people .* first cam_y\.jpg#1"):
        align(Predictions(JOINTS, None, images=images), people)


def test_without_ids_the_number_in_a_name_is_asked():
    people = People(REVERSED, JOINTS)
    predictions = Predictions(JOINTS[::-1], None, images=np.array(["1", "2", "3", "4", "5", "6"]))
    np.testing.assert_array_equal(align(predictions, people).joints, JOINTS)
    assert index_numbers(["a/cam2_7.jpg", "b/007.jpg", "x_08.png", "y-8.png"]) == {"7": "b/007.jpg"}


def test_boxes_of_numbers_without_names_say_what_to_add(tmp_path, capsys):
    path = write_tree(tmp_path / "det.json", [{"image_id": 10, "category_id": 1, "bbox": [9, 9, 99, 99], "score": 0.9}])
    with pytest.raises(PoseError, match=r"cam_z\.jpg: det\.json has no box"):
        read_boxes(path, [tmp_path / "cam_z.jpg"])
    assert "(10) give file_name" in capsys.readouterr().err


SPREAD, BOX_SCORES = np.linspace(0.2, 1, 48).reshape(3, 16), np.array([0.3, 0.6, 1.0])


@pytest.mark.parametrize(("scores", "box_scores"), [
    (SPREAD, BOX_SCORES), (SPREAD, None), (None, BOX_SCORES),
    (np.where(np.arange(48).reshape(3, 16) % 3 == 0, np.nan, 0.4), BOX_SCORES),
    (np.zeros((3, 16)) + np.array([[0.5], [0], [1]]), BOX_SCORES),
])  # fmt: skip
def test_a_persons_score_comes_back_and_joints_are_drawn(tmp_path, scores, box_scores):
    """COCO's v of a joint: above 0 for each that is predicted, so that programs draw it."""
    columns = {"scores": scores, "box_scores": box_scores, "images": np.array(["1.jpg", "2.jpg", "3.jpg"])}
    predictions = Predictions(JOINTS[:3], None, MPII.names, **columns)
    assert all(value > 0 for person in to_coco(predictions) for value in person["keypoints"][2::3])
    back = read_predictions(write_coco(tmp_path / "r.json", predictions))
    expected = person_scores(scores, box_scores, 3)
    np.testing.assert_allclose(person_scores(back.scores, back.box_scores, 3), expected, atol=2e-6)


def test_an_id_of_two_images_is_of_neither(tmp_path):
    tree = coco_tree(people(LETTERS))
    tree["images"] += [{"id": 1, "file_name": "other.jpg"}, tree["images"][1], {"id": 9}]
    tree["annotations"].append(tree["annotations"][0] | {"id": 7, "file_name": "other.jpg"})
    tree["annotations"].append(tree["annotations"][0] | {"id": 8, "image_id": 9})
    path = write_tree(tmp_path / "val.json", tree)
    reading = read_annotations(path)
    assert reading.people.images.tolist() == [*LETTERS[1:], "other.jpg"]
    first, last = next(filter(None, reading.faults.values()))
    assert "cam_z.jpg and other.jpg" in first and "9 is an image without file_name" in last
    named, left_out = read_boxes(path, [tmp_path / name for name in LETTERS])
    assert [image.image.name for image in named] == LETTERS[1:] and "cam_z.jpg and other.jpg" in left_out[0]


def test_ids_of_two_images_each_are_refused(tmp_path):
    tree = coco_tree(people(LETTERS))
    tree["images"] += [image | {"file_name": f"other/{image['file_name']}"} for image in tree["images"]]
    with pytest.raises(PoseError, match=r"cam_z\.jpg and other/cam_z\.jpg"):
        read_annotations(write_tree(tmp_path / "val.json", tree))


@pytest.mark.parametrize(("ids", "options", "kept"), [
    ([1, 2, 3], {}, [1, 2, 3]),
    ([101, 0, 7], {"entry_ids": ["101", "0", "7"]}, [101, 0, 7]),  # numbers there, text here
    (["0", "1", "x"], {}, ["0", "1", "x"]),
    (["0", "1", "2"], {"entry_ids": [0, 1, 2]}, ["0", "1", "2"]),
    ([4.0, 5.0, 6.0], {}, [4, 5, 6]),
    ([2**40, 2**41, 2**62], {}, [2**40, 2**41, 2**62]),
    ([2**70, 1, 2], {}, [str(2**70), "1", "2"]),
    (["b7e9-aa", "0f-12", "c-3"], {}, ["b7e9-aa", "0f-12", "c-3"]),
    ([9, 8, 7], {"named": True}, [9, 8, 7]),
])  # fmt: skip
def test_ids_are_those_of_the_images(ids, options, kept, tmp_path):
    found = read(tmp_path / "val.json", NAMES, ids, **options)
    assert found.images.tolist() == NAMES and found.image_ids.tolist() == kept
    assert found.category_ids is None or found.category_ids.tolist() == [1, 1, 1]
    save_people(tmp_path / "a.npz", found)
    back = load_people(tmp_path / "a.npz")
    assert back.image_ids.dtype == found.image_ids.dtype and back.image_ids.tolist() == kept
    assert back.select(np.array([2, 0])).image_ids.tolist() == [kept[2], kept[0]]


def test_an_image_without_an_id_leaves_none(tmp_path):
    assert read(tmp_path / "val.json", NAMES, [1, None, 3], named=True).image_ids is None
    plain = people(NAMES)
    save_people(tmp_path / "a.npz", plain)
    assert plain.image_ids is None and load_people(tmp_path / "a.npz").image_ids is None


@pytest.mark.parametrize(("other", "joined"), [([3], [1, 2, 3]), (["x"], ["1", "2", "x"]), (None, None)])
def test_joined_people_have_the_ids_that_all_parts_have(other, joined):
    found = join_people([people(NAMES[:2], image_ids=[1, 2]), people(NAMES[2:], image_ids=other)])
    assert joined == (None if found.image_ids is None else found.image_ids.tolist())


def test_prepared_people_keep_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read("valid.json", NAMES, [101, 102, 103])
    for name in NAMES:
        write_picture(tmp_path / name, 320, 320)
    run_ief("prepare", "--annotations", "valid.json", "--size", "32", "--out", "out")
    prepared = read_annotations("out").people
    assert dict(zip(NAMES, [101, 102, 103], strict=True)) == dict(zip(prepared.images, prepared.image_ids, strict=True))
    assert prepared.category_ids.tolist() == [1, 1, 1]
