"""Words for splits, random shares, lists of names, the rule of validation images."""

from pathlib import Path

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations import splits
from mpii_tools.annotations.reading import Reading
from mpii_tools.annotations.splits import FILE, NOBODY, SEVERAL, UNKNOWN
from mpii_tools.images import index
from mpii_tools.people import People


def people_in(images, split=""):
    return People(images, np.random.default_rng(0).uniform(0, 99, (len(images), 16, 2)), split=split)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.json", "train"), ("my_train_annotations.json", "train"), ("mpii_val.json", "valid"),
        ("X-DEV.h5", "valid"), ("annotations-test.json", "test"), ("person_keypoints_val2017.json", "valid"),
        ("trainval.json", "trainval"), ("training set.json", "train"), ("valid_valid.json", "valid"),
        ("retrained.json", None), ("validity.json", None), ("contest.json", None),
        ("train_and_test.json", None), ("annotations.json", None), ("123.json", None),
    ],
)  # fmt: skip
def test_words_of_file_names(name, split):
    assert splits.split_in_name(name) == split


def test_a_split_before_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=3.json").touch()
    for argument, split, path in (
        ("val=a/b.json", "valid", "a/b.json"), ("TrainVal=a.json", "trainval", "a.json"),
        ("test=x=y.json", "test", "x=y.json"), ("a/b=c.json", None, "a/b=c.json"), ("run=3.json", None, "run=3.json"),
    ):  # fmt: skip
        assert splits.parse_annotations(argument) == (split, Path(path))
    for argument, says in (("tarin=a.json", "'tarin' is no split"), ("train=", "there is no path")):
        with pytest.raises(PoseError, match=says):
            splits.parse_annotations(argument)


def test_what_is_said_leaves_the_test_people_of_a_release(tmp_path):
    people = people_in(["a.jpg", "b.jpg", "c.jpg"], np.array(["train", "valid", "test"]))
    people.joints[2] = np.nan
    found = splits.assign_splits(tmp_path / "mpii.mat", Reading(people, "RELEASE"), "train").people
    assert found.split.tolist() == ["train", "train", "test"]


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.99])
def test_a_share_is_of_images_and_a_function_of_the_seed(share):
    people = people_in([f"{row % 40}.jpg" for row in range(100)])
    found = splits.share_valid(people, share, 3)
    valid = set(found.images[found.split == "valid"].tolist())
    assert len(valid) == min(round(share * 40), 39) and set(found.split) == {"train", "valid"}
    assert not valid & set(found.images[found.split == "train"].tolist())
    order = np.random.default_rng(1).permutation(100)  # the order of the file does not matter
    assert np.array_equal(splits.share_valid(people.select(order), share, 3).split, found.split[order])
    assert not np.array_equal(splits.share_valid(people, share, 4).split, found.split)


def test_a_share_leaves_test_people_alone():
    people = people_in(["a.jpg", "b.jpg", "c.jpg"], np.array(["test", "", "train"]))
    assert sorted(splits.share_valid(people, 0.5).split) == ["test", "train", "valid"]
    with pytest.raises(PoseError, match="2 people are validation people already"):
        splits.share_valid(people_in(["a.jpg", "b.jpg"], "valid"), 0.5)


def test_only_training_people_in_a_validation_image_are_beside():
    images = ["a.jpg", "a.jpg", "a.jpg", "x/b.jpg", "y/b.jpg", "xa.jpg", "x\\b.jpg"]
    split = np.array(["valid", "train", "test", "valid", "train", "train", "train"])
    assert splits.find_shared(people_in(images, split)).tolist() == [False, True, False, False, False, False, True]


@pytest.mark.parametrize("names", [["a.jpg", "b.jpg"], ["a b.jpg", "c.jpg"], ["a,b.jpg"], ["it's.jpg", "b"], ["7"], []])
def test_a_list_comes_back_as_it_was_written(tmp_path, names):
    splits.write_valid_list(tmp_path, names)
    assert splits.read_valid_list(tmp_path) == names


def test_names_meet_images_by_their_ends():
    images = np.array(["cam1/0.jpg", "cam2/0.jpg", "1.jpg", "11.jpg"])
    for listed, found, unknown, several in (
        (["cam1/0.jpg"], [True, False, False, False], [], []),
        (["data\\cam2\\0.jpg", "x.jpg"], [False, True, False, False], ["x.jpg"], []),
        (["0.jpg", "./1.jpg"], [True, True, True, False], [], ["0.jpg (cam1/0.jpg, cam2/0.jpg)"]),
        ([], [False] * 4, [], []),
    ):
        mask, faults, notes = splits.find_listed(images, listed)
        assert (mask.tolist(), faults, notes) == (found, {}, {UNKNOWN: unknown, SEVERAL: several})
    assert splits.find_listed(images, ["y.jpg"])[1:] == ({NOBODY: ["y.jpg"]}, {})


@pytest.mark.parametrize("form", ["{}/rgb.png", "a/{}/b/rgb.png", "{}.png"])
def test_each_name_of_a_list_is_read_a_few_times(monkeypatch, form):
    """Whatever the names share: with as many looks as there are images of one file name, 100,000 take hours."""
    images, split_name, reads = np.array([form.format(row) for row in range(500)]), index.split_name, []
    monkeypatch.setattr(index, "split_name", lambda name: reads.append(name) or split_name(name))
    mask, _, notes = splits.find_listed(images, images[::2].tolist())
    assert mask.tolist() == [True, False] * 250 and not any(notes.values())
    assert len(reads) <= 4 * 500


def test_the_stored_file_is_that_of_the_official_structs(read_shared):
    people = read_shared("mpii/valid_annolist.mat").people
    stored = np.load(FILE, allow_pickle=False)
    np.testing.assert_array_equal(np.unique(splits.fingerprints(people.images, people.center)), stored)
    assert stored.shape == (2958,) and stored.dtype == np.uint64
    assert splits.is_validation(people.images, people.center).all()
    for shift in ([1, 0], [0, -1], [0, 15]):
        assert splits.is_validation(people.images, people.center + shift).mean() < 0.001
    assert not splits.is_validation(np.array([f"x{image}" for image in people.images]), people.center).any()
    assert not splits.is_validation(people.images, people.center * [np.nan, 1]).any()


def test_no_training_image_is_among_them(shared, read_shared):
    """The training poses have no center: some of their images are tried with centers that validation people have."""
    valid = read_shared("mpii/valid_annolist.mat").people
    lines = (shared / "mpii" / "train_poses.csv").read_text().split()
    train = np.unique([line.split(",")[0] for line in lines])
    assert not np.isin(train, valid.images).any()
    assert not splits.is_validation(np.repeat(train[:100], 50), np.tile(valid.center[:50], (100, 1))).any()


def test_fingerprints_are_the_same_everywhere():
    """Fixed values: a change of hash, byte order or rounding would lose the stored split."""
    images, center = np.array(["a.jpg", "a.jpg", "folder/a.jpg"]), np.array([[1.0, 2.0], [1.4, 1.6], [1.0, 2.0]])
    assert splits.fingerprints(images, center).tolist() == [7879732919129992770] * 3


def test_split_of_a_file_without_the_field(tmp_path, read_shared):
    people = read_shared("mpii/valid_annolist.mat").people.select(np.arange(2))
    images, center = np.array([*people.images, "other.jpg"]), np.concatenate([people.center, [[1.0, 1.0]]])
    assert splits.split_by_name(tmp_path / "train.json", images, center).tolist() == ["train"] * 3
    assert splits.split_by_name(tmp_path / "trainval.json", images, center).tolist() == ["valid", "valid", "train"]
    assert splits.split_by_name(tmp_path / "mine.json", images[2:], center[2:]).tolist() == [""]
