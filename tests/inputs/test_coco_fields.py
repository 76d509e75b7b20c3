"""COCO's entries, edges, names or categories in another form, or that do not fit: read as they are meant, or named."""

import numpy as np
import pytest
from coco_and_skeletons import COCO, coco_file, people
from coco_files import write_tree

from heads.skeleton import Skeleton
from ief.cli import main
from mpii_tools.prepared.read import load_prepared
from mpii_tools.skeletons import SKELETONS, fit_edges, skeleton_to_json

EDGES = [[16, 14], [14, 12], [17, 15], [6, 8], [1, 2]]
OWN = Skeleton(("beak", "left_wing", "right_wing", "tail"), (-1, 0, 0, 0))


def changed(**fields):
    """A change to the only category."""
    return lambda tree: tree["categories"][0].update(fields)


def entries(people=4, **fields):
    """A change to the first of the annotations."""
    return lambda tree: [entry.update(fields) for entry in tree["annotations"][:people]]


def nameless(tree):
    tree["categories"][0]["keypoints"] = []


def no_file_names(tree):
    for image in tree["images"]:
        del image["file_name"]


def more_names(tree):
    tree["categories"][0]["keypoints"] = [*COCO.names, "left_toe", "right_toe"]
    for entry in tree["annotations"]:
        entry["keypoints_19"] = [0] * 57


def dog_too(tree):
    """A second class with two keypoints, of whom one is in the first image."""
    tree["categories"].append({"id": 2, "name": "dog", "keypoints": ["nose", "tail"]})
    dog = {"keypoints": [30, 30, 2, 80, 80, 2], "num_keypoints": 2, "category_id": "2", "bbox": [20, 20, 80, 80]}
    tree["annotations"].append(tree["annotations"][0] | {"id": 9} | dog)


@pytest.mark.parametrize(("change", "skeleton", "options", "status", "says"), [
    (entries(iscrowd="0"), COCO, "", 0, "keypoints, 4 people"),
    (entries(1, iscrowd="1"), COCO, "", 0, "keypoints, 3 people"),
    (entries(iscrowd=1), COCO, "", 2, "all are crowds"),
    (lambda tree: tree.update(annotations=[]), COCO, "", 2, "list of annotations is empty"),
    (entries(bbox=[20, 10, 80, 100, 0.9]), COCO, "", 2, "first 1: 'bbox' is [20, 10, 80, 100, 0.9]"),
    (entries(bbox="20,10,80,100"), COCO, "", 2, "first 1: 'bbox' is 20,10,80,100"),
    (entries(bbox=["20", "10", "80", "100"]), COCO, "", 0, "no notes"),
    (entries(headbox=[1, 2, 3]), COCO, "", 2, "first 1: 'headbox' is [1, 2, 3]"),
    (no_file_names, COCO, "", 2, "1 is an image without file_name"),
    (entries(bbox=[60, 60, 80, 100]), COCO, "", 0, "outside their box"),  # its middle and size
    (entries(1, bbox=[60, 60, 80, 100]), COCO, "", 0, "no notes"),
    (entries(1, image_id=77), COCO, "", 3, "77 is no image of the file"),
    (entries(1, image_id=None), COCO, "", 3, "keypoints, 3 people"),
    (entries(1, keypoints=[30] * 48), COCO, "", 3, "keypoints, 3 people"),
    (changed(skeleton=EDGES), SKELETONS["lsp14"], "", 0, "2 [16, 14], [17, 15]"),
    (changed(skeleton=EDGES), SKELETONS["lsp14"], "--skeleton lsp14", 0, "not used"),
    (changed(skeleton=[[a - 1, b - 1] for a, b in EDGES]), COCO, "", 0, "no notes"),
    (changed(skeleton="none"), COCO, "", 0, "no notes"),
    (changed(skeleton=[[1, "nose"], [1, 2, 3], 4, {"a": 1}, [2, 99]]), OWN, "", 0, "5 [1, 'nose'], [1, 2, 3]"),
    (changed(skeleton=None), OWN, "", 0, "tree is guessed"),
    (more_names, COCO, "", 0, "name 19, its people have 17"),
    (nameless, OWN, "", 2, "4 keypoints without names"),
    (nameless, OWN, "--skeleton own.json", 0, "no notes"),
    (nameless, COCO, "--skeleton own.json", 2, "17 keypoints without names"),
    (nameless, COCO, "", 0, "no notes"),
    (lambda tree: tree.pop("categories"), COCO, "--skeleton coco17", 0, "no notes"),
    (lambda tree: tree.pop("categories"), COCO, "", 2, "no list of objects 'categories'"),
    (dog_too, COCO, "", 2, "categories person, dog have different keypoints"),
    (dog_too, COCO, "--category person", 0, "COCO keypoints, 4 people"),
    (dog_too, COCO, "--category 1", 0, "COCO keypoints, 4 people"),
    (dog_too, COCO, "--category dog --no-derived-joints", 0, "COCO keypoints, 1 people"),
    (dog_too, COCO, "--category cat", 2, "none of its categories person, dog"),
])  # fmt: skip
def test_what_does_not_fit_is_said(change, skeleton, options, status, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "own.json", skeleton_to_json(OWN))
    assert main([*coco_file(change, skeleton)(tmp_path), *options.split()]) == status
    output = capsys.readouterr()
    assert says in " ".join("".join(output).split()) and output.err.count("\n") == {0: 0, 2: 1, 3: 2}[status]
    if status == 0 and "dog" not in options:
        count = 3 if "3 people" in says else 4
        np.testing.assert_array_equal(load_prepared("out", "train").people.joints, people(skeleton).joints[-count:])


@pytest.mark.parametrize(("edges", "pairs", "unused", "first"), [
    ([[1, 2], [2, 3]], [[0, 1], [1, 2]], 0, 1), ([[0, 1], [1, 2]], [[0, 1], [1, 2]], 0, 0),
    ([[0, 1], [2, 3]], [[1, 2]], 1, 1),  # a 0 and a K: one of them is none
    ([[1, 2]], [[0, 1]], 0, 1),  # which of the two nothing tells: the note says from where it was counted
    ([[1, 2], [2, 17]], [[0, 1]], 1, 1), ([[0, 2], [1, 9]], [[0, 2]], 1, 0), ([], [], 0, 1), (None, [], 0, 1),
    ([[True, 1], [1.5, 2], "ab", None], [], 4, 1),
    ([[1.0, 2], [3.0, 2.0]], [[0, 1], [2, 1]], 0, 1),
    ([[0.0, 2.0]], [[0, 2]], 0, 0),
    ([["beak", "tail"], ["tail", 2]], [[0, 2], [2, 1]], 0, 1),
    ([["beak", "horn"], ["1", "2"], [[1], 2]], [], 3, 1),
    ("1-2,2-3", [], 1, 1),
])  # fmt: skip
def test_edges_of_3_joints_count_from_1_or_from_0(edges, pairs, unused, first):
    fitting, others, start = fit_edges(edges, 3, ("beak", "wing", "tail"))
    assert (fitting, len(others), start) == (pairs, unused, first)
