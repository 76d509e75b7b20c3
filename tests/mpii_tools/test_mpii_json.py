"""HRNet's JSON: missing joints, absent places, test entries, and entries that are wrong."""

import json

import numpy as np
import pytest

from heads.errors import BadInput
from mpii_tools.mpii_json import read_mpii_json


def person(**changes) -> dict:
    joints = [[10.0 + joint, 20.0 + joint] for joint in range(16)]
    return {"image": "a.jpg", "center": [300, 200], "scale": 2.0, "joints": joints, "joints_vis": [1] * 16} | changes


def write(path, *persons):
    path.write_text(json.dumps(persons))
    return read_mpii_json(path)


def test_pixels_and_head_size(tmp_path):
    people = write(tmp_path / "a.json", person(), person(), person(image="b.jpg")).people
    np.testing.assert_array_equal(people.joints[0], [[9 + joint, 19 + joint] for joint in range(16)])
    np.testing.assert_array_equal(people.centre[0], [299, 199])
    assert people.head_size.tolist() == [50, 50, 50]
    assert people.person_ids.tolist() == ["a.jpg#1", "a.jpg#2", "b.jpg#1"]
    assert (people.visible == -1).all()


def test_both_marks_of_a_missing_joint(tmp_path):
    flagged = person(joints_vis=[0, *[1] * 15])
    minus_one = person(joints=[[-1, -1], [-1, 5], *[[3, 3]] * 14])
    people = write(tmp_path / "a.json", flagged, minus_one).people
    assert np.argwhere(~people.annotated).tolist() == [[0, 0], [1, 0]]


def test_persons_without_a_place_are_named(tmp_path):
    reading = write(tmp_path / "a.json", person(scale=-1), person(center=[-1, -1]), person())
    assert np.isnan(reading.people.scale).tolist() == [True, True, False]
    assert np.isnan(reading.people.head_size).tolist() == [True, True, False]
    assert reading.notes["persons without centre or scale"] == ["a.jpg#1", "a.jpg#2"]


def test_test_entries_have_no_joints(tmp_path):
    entry = {key: value for key, value in person().items() if not key.startswith("joints")}
    reading = write(tmp_path / "test.json", entry)
    assert not reading.people.annotated.any()
    assert reading.people.split.tolist() == ["test"]
    assert not reading.lines()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "an empty list"),
        ('{"images": []}', "a dict"),
        ("[1, 2", "not a whole JSON"),
        ("[3]", "person 0 .* found a int"),
        (json.dumps([person(), {"image": "a.jpg"}]), "person 1 .* no 'center'"),
        (json.dumps([person(joints=[[1, 2]] * 14)]), r"\(14, 2\)"),
        (json.dumps([person(joints=[[1, 2]] * 15 + [[1]])]), "person 0"),
        (json.dumps([person(image=None)]), "'image'"),
        (json.dumps([person(center=[1])]), "1 numbers, not 2"),
        (json.dumps([person(center=None)]), "person 0"),
        (json.dumps([person(scale="tall")]), "person 0"),
    ],
)
def test_faults_name_the_entry(tmp_path, content, says):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadInput, match=says) as raised:
        read_mpii_json(tmp_path / "a.json")
    assert "a.json" in str(raised.value)
