"""The same photo in two sources: found by its bytes, and kept once."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pictures import smooth_image

from ief.cli import main
from mpii_tools.annotations.people_file import save_people
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared


def write_source(folder, names, seeds, split="train"):
    folder.mkdir()
    for name, seed in zip(names, seeds, strict=True):
        cv2.imwrite(str(folder / name), smooth_image(80, 80, seed, cells=(6, 6)))
    count = len(names)
    joints = np.random.default_rng(seeds).uniform(20, 60, (count, 16, 2))
    people = People(names, joints, center=np.full((count, 2), 40.0), scale=np.full(count, 0.3), split=split)
    save_people(folder / "people.npz", people)
    return people


def prepare(folder, *files):
    files = [str(folder / file) for file in files]
    assert main(["prepare", "--annotations", *files, "--out", str(folder / "data"), "--size", "32"]) == 0
    return load_prepared(folder / "data", "train").people


@pytest.mark.parametrize("names", [["b1.png", "b2.png"], ["a1.png", "a2.png"]])
def test_a_photo_of_two_sources_is_kept_once(tmp_path, capsys, names):
    """Under other names, and under the same ones in another folder; each file has 19 kB."""
    write_source(tmp_path / "a", ["a1.png", "a2.png"], [1, 2])
    write_source(tmp_path / "b", names, [2, 3])
    people = prepare(tmp_path, "a/people.npz", "b/people.npz")
    assert people.images.tolist() == ["a/a1.png", "a/a2.png", f"b/{names[1]}"]
    said = capsys.readouterr().out
    assert "an earlier of the annotations has their image" in said and f"{names[0]}#1" in said
    assert "people with each joint: r_ankle 3, " in said


def test_one_source_may_have_a_photo_twice(tmp_path):
    write_source(tmp_path / "a", ["a1.png", "a2.png"], [1, 1])
    write_source(tmp_path / "b", ["b1.png"], [4])
    assert len(prepare(tmp_path, "a/people.npz", "b/people.npz")) == 3


def test_an_image_that_both_sources_list_is_one(tmp_path):
    people = write_source(tmp_path / "a", ["a1.png", "a2.png"], [1, 2])
    save_people(tmp_path / "a" / "more.npz", replace(people, joints=people.joints + 1))
    np.testing.assert_array_equal(prepare(tmp_path, "a/people.npz", "a/more.npz").joints, people.joints)
