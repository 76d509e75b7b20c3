"""The fingerprints of Tompson's validation people: all of them, nobody else."""

import numpy as np

from mpii_tools.annotations.splits import FILE, fingerprints, is_validation, split_by_name


def test_the_stored_file_is_that_of_the_official_structs(read_shared):
    people = read_shared("mpii/valid_annolist.mat").people
    stored = np.load(FILE, allow_pickle=False)
    np.testing.assert_array_equal(np.unique(fingerprints(people.images, people.center)), stored)
    assert stored.shape == (2958,)
    assert stored.dtype == np.uint64
    assert is_validation(people.images, people.center).all()
    for shift in ([1, 0], [0, -1], [0, 15]):
        assert is_validation(people.images, people.center + shift).mean() < 0.001
    assert not is_validation(np.array([f"x{image}" for image in people.images]), people.center).any()


def test_no_training_image_is_among_them(shared, read_shared):
    """The training poses have no center: some of their images are tried with centers that validation people have."""
    valid = read_shared("mpii/valid_annolist.mat").people
    lines = (shared / "mpii" / "train_poses.csv").read_text().split()
    train = np.unique([line.split(",")[0] for line in lines])
    assert not np.isin(train, valid.images).any()
    tried = np.repeat(train[:100], 50)
    centers = np.tile(valid.center[:50], (100, 1))
    assert not is_validation(tried, centers).any()


def test_fingerprints_are_the_same_everywhere():
    """Fixed values: a change of hash, byte order or rounding would lose the stored split."""
    images, center = np.array(["a.jpg", "a.jpg", "folder/a.jpg"]), np.array([[1.0, 2.0], [1.4, 1.6], [1.0, 2.0]])
    assert len(set(fingerprints(images, center).tolist())) == 1
    assert fingerprints(images[:1], center[:1]).tolist() == [7879732919129992770]


def test_unknown_centers_are_nobodys():
    assert not is_validation(np.array(["a.jpg"]), np.array([[np.nan, 1.0]])).any()


def test_split_of_a_file_without_the_field(tmp_path, read_shared):
    people = read_shared("mpii/valid_annolist.mat").people.select(np.arange(2))
    images = np.array([*people.images, "other.jpg"])
    center = np.concatenate([people.center, [[1.0, 1.0]]])
    assert split_by_name(tmp_path / "train.json", images, center).tolist() == ["train"] * 3
    assert split_by_name(tmp_path / "trainval.json", images, center).tolist() == ["valid", "valid", "train"]
    assert split_by_name(tmp_path / "mine.json", images[2:], center[2:]).tolist() == [""]
