"""MPII's .mat: irregular structs built by hand with scipy, round trips through our writer, Tompson's people."""

import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from heads.skeleton import MPII, Skeleton
from mpii_tools.annotations.mpii_mat import MALFORMED, TWICE, write_mpii_mat
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import merge
from mpii_tools.annotations.splits import find_shared
from mpii_tools.formats import mat_file
from mpii_tools.formats.mat_file import make_cell
from mpii_tools.people import People, join_people

NONE = np.zeros((0, 0), np.uint8)


def struct(*rows: dict) -> np.ndarray:
    """A MATLAB struct array with the fields of the first row, in its order."""
    return mat_file.make_struct(rows, list(rows[0]))


def point(joint: int, x, y, visible) -> dict:
    return {"x": x, "y": y, "id": np.uint8(joint), "is_visible": visible}


def annopoints(*points: dict) -> np.ndarray:
    return struct({"point": struct(*points)})


def irregular_release() -> dict:
    objpos = struct({"x": np.uint16(300), "y": np.uint8(200)})
    box = {"x1": np.uint8(250), "y1": np.uint8(90), "x2": np.uint16(280), "y2": np.uint8(50)}
    three = point(9, 301.25, 50.5, NONE), point(0, np.int16(-3), np.uint16(400), "1"), point(6, 10, 20, np.uint8(0))
    labelled = {**box, "annopoints": annopoints(*three), "head_r11": "1", "scale": 2.5, "objpos": objpos}
    other_order = {
        "x1": NONE, "y1": NONE, "x2": NONE, "y2": NONE,
        "annopoints": annopoints({"id": np.uint8(3), "x": 7, "y": 8, "is_visible": "0"}),
        "part_occ1": NONE, "scale": 1.0, "objpos": objpos,
    }  # fmt: skip
    lacking = [{**labelled, name: NONE} for name in ("annopoints", "scale", "objpos")]
    test_rects = struct({"scale": 3.0, "objpos": objpos}, {"scale": NONE, "objpos": NONE})
    images = {
        "a.jpg": (struct(labelled, *lacking), 1, [1, 3]),
        "b.jpg": (struct(other_order), 1, []),
        "nobody.jpg": (NONE, 1, []),
        "test.jpg": (test_rects, 0, [1]),
        "empty_test.jpg": (NONE, 0, []),
    }
    entries = [{"image": struct({"name": name}), "annorect": rects, "frame_sec": NONE, "vididx": NONE}
               for name, (rects, *_) in images.items()]  # fmt: skip
    train = np.array([[train for _, train, _ in images.values()]], np.uint8)
    single = make_cell([np.array([single], np.uint8) if single else NONE for _, _, single in images.values()])
    return {"annolist": struct(*entries), "img_train": train, "version": "12", "single_person": single}


def read_release(folder, release: dict):
    scipy.io.savemat(folder / "mpii.mat", {"RELEASE": release})
    return read_annotations(folder / "mpii.mat")


def some_people(people: int = 40) -> People:
    """People two to an image, images alternating between the three splits, some joints, boxes and flags missing."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(-20, 900, (people, 16, 2))
    joints[rng.random((people, 16)) < 0.2] = np.nan
    images = [f"im {row // 2:03d}.jpg" for row in range(people)]  # a space is fine in a name
    visible = np.where(np.isnan(joints[..., 0]), -1, rng.integers(-1, 2, (people, 16)))
    split = np.array(["train", "valid", "test"])[np.arange(people) // 2 % 3]
    joints[split == "test"] = np.nan
    visible[split == "test"] = -1
    ids = [f"{image}#{1 + 2 * (row % 2)}" for row, image in enumerate(images)]  # rects 1 and 3
    return People(
        images, joints, ids, rng.uniform(0, 900, (people, 2)), rng.uniform(0.5, 6, people), split=split,
        head_size=np.where(split == "test", np.nan, rng.uniform(20, 99, people)), scored=rng.random(people) < 0.6,
        visible=visible,
    )  # fmt: skip


def test_reads_every_irregularity(tmp_path):
    people = read_release(tmp_path, irregular_release()).people
    assert people.person_ids.tolist() == ["a.jpg#1", "b.jpg#1", "test.jpg#1"]
    assert people.split.tolist() == ["train", "train", "test"]
    assert people.scored.tolist() == [True, False, True]
    assert people.annotated.sum(axis=1).tolist() == [3, 1, 0]
    np.testing.assert_array_equal(people.joints[0, [9, 0, 6]], [[300.25, 49.5], [-4, 399], [9, 19]])
    assert people.visible[0, [9, 0, 6]].tolist() == [-1, 1, 0]
    assert people.joints[1, 3].tolist() == [6, 7] and people.visible[1, 3] == 0
    np.testing.assert_array_equal(people.center, [[299, 199]] * 3)
    assert people.scale.tolist() == [2.5, 1.0, 3.0]
    # A 30 x 40 box in bytes: y2 - y1 would wrap round to 216.
    np.testing.assert_allclose(people.head_size[0], 0.6 * 50)
    assert np.isnan(people.head_size[1:]).all()


def test_counts_what_it_leaves_out(tmp_path):
    reading = read_release(tmp_path, irregular_release())
    assert merge(reading.faults) == {
        "people left out: no joint labelled": ["a.jpg#2"],
        "people left out: labelled, but without scale or objpos": ["a.jpg#3", "a.jpg#4"],
        "test rects left out: no scale or objpos": ["test.jpg#2"],
    }
    assert merge(reading.notes) == {
        "images without any rect": ["nobody.jpg", "empty_test.jpg"],
        "people without head size: no head box": ["b.jpg#1"],
    }


def test_a_repeated_joint_is_reported(tmp_path):
    release = irregular_release()
    rect = release["annolist"][0, 1]["annorect"][0, 0]
    rect["annopoints"] = annopoints(point(3, 1, 1, NONE), point(3, 7, 8, NONE))
    reading = read_release(tmp_path, release)
    assert reading.faults[TWICE] == ["b.jpg#1"]
    np.testing.assert_array_equal(reading.people.joints[1, 3], [6, 7])


def test_what_is_written_is_read_back(tmp_path):
    """But for joints of test people, and derived ones."""
    people = some_people()
    hidden, derived = people.split == "test", np.arange(16) == 6
    whole = replace(people, joints=np.where(hidden[:, None, None], 1, people.joints), derived=people.derived | derived)
    half = people.head_size[:, None] / 0.6 / np.sqrt(8)  # a square around 0, 0 of the right diagonal
    write_mpii_mat(tmp_path / "mpii.mat", whole, half * [-1, -1, 1, 1])
    back = read_annotations(tmp_path / "mpii.mat").people
    for name in ("images", "person_ids", "split", "scored"):
        np.testing.assert_array_equal(getattr(back, name), getattr(people, name), err_msg=name)
    np.testing.assert_array_equal(back.visible, np.where(derived, -1, people.visible))
    for name in ("center", "scale", "head_size"):
        np.testing.assert_allclose(getattr(back, name), getattr(people, name), atol=1e-9, err_msg=name)
    np.testing.assert_allclose(back.joints, np.where(derived[:, None], np.nan, people.joints), atol=1e-9)
    annolist = scipy.io.loadmat(tmp_path / "mpii.mat")["RELEASE"][0, 0]["annolist"]
    assert annolist[0, 2]["annorect"].dtype.names == ("scale", "objpos")
    rect = annolist[0, 0]["annorect"][0, 0]
    np.testing.assert_allclose([rect[name].item() for name in ("x1", "y2")], [1 - half[0, 0], 1 + half[0, 0]])


def test_without_a_list_tompsons_people_validate(tmp_path, read_shared):
    known = read_shared("mpii/valid_annolist.mat").people.select(np.arange(60))
    beside = f"{known.images[0]}#9"
    strangers = replace(known.select(np.arange(2)), images=[known.images[0], "unknown.jpg"],
                        person_ids=[beside, "unknown.jpg#1"], center=known.center[:2] + 5)  # fmt: skip
    write_mpii_mat(tmp_path / "mpii.mat", join_people([replace(known, split=""), replace(strangers, split="")]))
    (tmp_path / "valid_images.txt").unlink()
    reading = read_annotations(tmp_path / "mpii.mat")
    split = dict(zip(reading.people.person_ids.tolist(), reading.people.split.tolist(), strict=True))
    assert split == {**dict.fromkeys(known.person_ids.tolist(), "valid"), "unknown.jpg#1": "train", beside: "train"}
    assert reading.people.person_ids[find_shared(reading.people)].tolist() == [beside]


def test_bare_annolist_with_and_without_image_names(tmp_path):
    annolist = irregular_release()["annolist"]
    scipy.io.savemat(tmp_path / "named.mat", {"annolist": annolist})
    people = read_annotations(tmp_path / "named.mat").people
    assert people.person_ids.tolist()[:5] == ["a.jpg#1", "a.jpg#2", "a.jpg#3", "a.jpg#4", "b.jpg#1"]
    assert set(people.split) == {""}
    nameless = struct(*({"annorect": entry["annorect"]} for entry in annolist[0, :2]))
    scipy.io.savemat(tmp_path / "nameless.mat", {"annolist": nameless})
    assert read_annotations(tmp_path / "nameless.mat").people.images.tolist() == ["row1"] * 4 + ["row2"]
    (tmp_path / "valid_images.txt").write_text("x.jpg\ny.jpg\n")
    assert read_annotations(tmp_path / "nameless.mat").people.images.tolist() == ["x.jpg"] * 4 + ["y.jpg"]


@pytest.mark.parametrize(("fault", "says"), [
    (lambda release: release.update(annolist="text"), "text instead of a struct"),
    (lambda release: release["annolist"].__setitem__((0, 1), ("", "tall", "", "")), "IndexError"),
])  # fmt: skip
def test_a_foreign_release_is_bad_input(tmp_path, fault, says):
    release = irregular_release()
    fault(release)
    with pytest.raises(PoseError, match=rf"mpii\.mat: .*{says}"):
        read_release(tmp_path, release)


@pytest.mark.parametrize(("change", "says"), [
    ({"annopoints": annopoints(point(16, 1, 1, NONE))}, "a point of id 16; MPII's ids are 0 to 15"),
    ({"annopoints": annopoints(point(3, NONE, 1, NONE))}, r"point 3 is at \(nan, 1\)"),
    ({"annopoints": struct({"point": struct({"x": 1, "y": 2})})}, "no field 'id'"),
    ({"annopoints": 3.0}, "a number instead of a struct"),
    ({"scale": "tall"}, "'tall'"),
    ({"scale": np.ones((2, 2))}, r"\(2, 2\) instead of a number"),
    ({"objpos": struct({"x": 1})}, "no field 'y'"),
])  # fmt: skip
def test_a_person_who_is_not_mpiis_is_left_out_and_named(tmp_path, change, says):
    release = irregular_release()
    rect = release["annolist"][0, 1]["annorect"][0, 0]
    for name, value in change.items():
        rect[name] = value
    reading = read_release(tmp_path, release)
    assert reading.people.person_ids.tolist() == ["a.jpg#1", "test.jpg#1"]
    (fault,) = reading.faults[MALFORMED]
    assert re.fullmatch(rf"b\.jpg#1: annolist\(2\)\.annorect\(1\): .*{says}.*", fault)


def test_the_writer_refuses_what_mpii_cannot_hold(tmp_path):
    images, joints = ["a.jpg", "a.jpg"], np.ones((2, 16, 2))
    for says, people in {
        "splits by image": People(images, joints, split=np.array(["train", "valid"])),
        "number of its own": People(images, joints, ["a.jpg#2", "a.jpg#02"]),
        "16 joints": People(images, joints[:, :2], skeleton=Skeleton(MPII.names[:2], (1, -1))),
    }.items():
        with pytest.raises(PoseError, match=says):
            write_mpii_mat(tmp_path / "mpii.mat", people)
    assert not list(tmp_path.iterdir())
