"""HRNet's JSON: missing joints, absent places, test entries, and entries that are wrong."""

import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_json import read_mpii_json
from mpii_tools.annotations.reading import UNPLACED
from mpii_tools.formats.content import load_json


def person(**changes) -> dict:
    joints = [[10.0 + joint, 20.0 + joint] for joint in range(16)]
    return {"image": "a.jpg", "center": [300, 200], "scale": 2.0, "joints": joints, "joints_vis": [1] * 16} | changes


def write(path, *people):
    path.write_text(json.dumps(people))
    return read_mpii_json(path, load_json(path))


def test_pixels_and_head_size(tmp_path):
    people = write(tmp_path / "a.json", person(), person(), person(image="b.jpg")).people
    np.testing.assert_array_equal(people.joints[0], [[9 + joint, 19 + joint] for joint in range(16)])
    np.testing.assert_array_equal(people.center[0], [299, 199])
    assert people.head_size.tolist() == [50, 50, 50]
    assert people.person_ids.tolist() == ["a.jpg#1", "a.jpg#2", "b.jpg#1"]
    assert (people.visible == -1).all()


def test_both_marks_of_a_missing_joint(tmp_path):
    flagged, minus_one = person(joints_vis=[0, *[1] * 15]), person(joints=[[-1, -1], [-1, 5], *[[3, 3]] * 14])
    people = write(tmp_path / "a.json", flagged, minus_one).people
    assert np.argwhere(~people.annotated).tolist() == [[0, 0], [1, 0]]


def test_one_bad_entry_is_left_out_and_named(tmp_path):
    reading = write(tmp_path / "a.json", person(), {"image": "a.jpg"}, person(image="b.jpg", scale=float("nan")))
    assert reading.people.images.tolist() == ["a.jpg", "b.jpg"]
    (fault,) = [names for what, names in reading.faults.items() if "not as HRNet has them" in what]
    assert fault == ["entry 1: no 'center'"]


def test_a_labelled_joint_without_coordinates_is_named(tmp_path):
    reading = write(tmp_path / "a.json", person(joints=[[float("nan"), 3]] + [[5, 5]] * 15), person())
    assert reading.people.annotated.sum(axis=1).tolist() == [15, 16]
    assert reading.faults[UNPLACED] == ["a.jpg#1"]


@pytest.mark.parametrize(("content", "says"), [
    ("[]", "an empty list"),
    (json.dumps([{"image": "a.jpg"}] * 2), "not one of its 2 entries .* entry 0: no 'center'"),
    (json.dumps([person(joints=[[1, 2]] * 14)]), r"\(14, 2\)"),
    (json.dumps([person(joints=[[1, 2]] * 15 + [[1]])]), "'joints' is a list of other things"),
    (json.dumps([person(image=None)]), "'image'"),
    (json.dumps([person(center=[1])]), r"'center' has numbers of shape \(1,\), not \(2,\)"),
    (json.dumps([person(center="left")]), "'center' is text, not numbers"),
    (json.dumps([person(scale="tall")]), "'scale' is text, not a number"),
])  # fmt: skip
def test_faults_name_the_entry(tmp_path, content, says):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(PoseError, match=rf"a\.json: .*{says}"):
        read_mpii_json(tmp_path / "a.json", load_json(tmp_path / "a.json"))
