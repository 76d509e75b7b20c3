import json
from pathlib import Path

import numpy as np
import pytest

from checkpoints.errors import PoseError
from checkpoints.files import distinct_names
from ief.inference.box_files import read_boxes
from ief.inference.boxes import person_boxes
from ief.inference.inputs import find_inputs, name_videos


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "b.PNG", "c d.webp", "000042.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.jpg").touch()
    return tmp_path


def boxes_of(path, files=(), **options):
    """Image name -> boxes of a file of boxes, and what it left out."""
    images, left_out = read_boxes(path, files, **options)
    found = {image.name: None if image.boxes is None else image.boxes.tolist() for image in images}
    return found, left_out


MPII = person_boxes(np.array([[40.0, 30.0]]), np.array([0.2])).tolist()


@pytest.mark.parametrize(("text", "expected"), [
    ("a.jpg\t40\t30\t0.2\n", {"a.jpg": MPII}), ("a.jpg 40 30 0.2", {"a.jpg": MPII}),
    ("a.jpg, 40, 30, 0.2\n", {"a.jpg": MPII}),
    ("a.jpg 1 2 30.5 40\n", {"a.jpg": [[1, 2, 30.5, 40]]}),
    ("a.jpg,1,2,30.5,40,0.9\n", {"a.jpg": [[1, 2, 30.5, 40]]}),
    ("a.jpg\n\nb.PNG\n", {"a.jpg": None, "b.PNG": None}),
    ("c d.webp\t1\t2\t3\t4\n", {"c d.webp": [[1, 2, 3, 4]]}),
    ("c d.webp 1 2 3 4\n", {"c d.webp": [[1, 2, 3, 4]]}),
    ('"c d.webp",1,2,3,4\n', {"c d.webp": [[1, 2, 3, 4]]}),
    ("image,x1,y1,x2,y2\na.jpg,1,2,3,4\n", {"a.jpg": [[1, 2, 3, 4]]}),
    ("\ufeffa.jpg 1 2 3 4\r\na.jpg 5 6 7 8\r\n", {"a.jpg": [[1, 2, 3, 4], [5, 6, 7, 8]]}),
    ("# people\na.jpg 1 2 3 4\nb.PNG 1 2 3 4\na.jpg 0 0 9 9\n",
     {"a.jpg": [[1, 2, 3, 4], [0, 0, 9, 9]], "b.PNG": [[1, 2, 3, 4]]}),
    ("a.jpg 1 2 3 4\nsub/a.jpg 5 6 7 8\n", {"{}/a.jpg": [[1, 2, 3, 4]], "sub/a.jpg": [[5, 6, 7, 8]]}),
    ("a.jpg 1 2 3 4\nsub\\\\a.jpg 5 6 7 8\n", {"{}/a.jpg": [[1, 2, 3, 4]], "sub/a.jpg": [[5, 6, 7, 8]]}),
])  # fmt: skip
def test_lines_of_people_by_tabs_commas_or_spaces(folder, text, expected):
    path = folder / "people.txt"
    path.write_text(text.replace("\\\\", "\\"), encoding="utf-8")
    found, left_out = boxes_of(path)
    assert found == {name.format(folder.name): boxes for name, boxes in expected.items()} and left_out == []


BOX = {"x1": 1, "y1": 2, "x2": 3, "y2": 4}


@pytest.mark.parametrize(("text", "message"), [
    ("a.jpg\t1\t2\n", "line 1: expected"), ("a.jpg 1 2 3 4 5 6\n", "line 1: expected"),
    ("a.jpg\t1\t2\tnan\n", "line 1: expected .*finite"),
    ("a.jpg\t1\t2\t0\n", "scale above 0"), ("\n", "names no image"), ("[1, 2", "no COCO results or annotations"),
    ([[1]], "no COCO results or annotations"),
    ({"images": []}, "no COCO results or annotations"),
    ([{"image_id": 1, "bbox": [1, 2, 3]}], "entry 1: no image_id and bbox"),
    ([{"name": "person", "class": 0, "box": BOX}] * 2, r"\(.*image_id nor file_name"),
    ([{"image_id": None, "bbox": [1, 2, 3, 4]}] * 2, r"\(.*image_id nor file_name"),
    ([{"image_id": "a.jpg", "keypoints": [1, 2, 3]}], r"\(.*bbox"),
    ([{"image_id": "a.jpg", "box": {"x1": 1, "y1": 2, "x2": 3}}], r"\(.*y2"),
    ([{"image_id": "a.jpg", "bbox": [1, 2, 3, 4], "category_id": 0}] * 2, r"\(.*category_id"),
])  # fmt: skip
def test_a_file_without_a_usable_line_is_refused(folder, text, message):
    (folder / "people.txt").write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(PoseError, match=message) as raised:
        read_boxes(folder / "people.txt", ())
    assert "\n" not in str(raised.value)


def test_a_bad_line_among_good_ones_is_told_and_ends_nothing(folder):
    (folder / "people.txt").write_text("a.jpg 1 2 3 4\nb.PNG 1 2\na.jpg 1 2 0\n")
    found, left_out = boxes_of(folder / "people.txt")
    assert found == {"a.jpg": [[1, 2, 3, 4]]} and [line.split("line ")[1][0] for line in left_out] == ["2", "3"]


ALL = {"a.jpg", "b.PNG", "c d.webp", "000042.jpg"}


def results(*entries):
    names = ("image_id", "bbox", "score", "category_id")
    return json.dumps([dict(zip(names, entry, strict=False)) for entry in entries])


@pytest.mark.parametrize(("text", "expected"), [
    (results(("a.jpg", [1, 2, 10, 20], 0.9, 1)), {"a.jpg": [[1, 2, 11, 22]]}),
    (results(("a", [1, 2, 10, 20], 0.9)), {"a.jpg": [[1, 2, 11, 22]]}),
    (results((42, [1, 2, 10, 20], 0.9, 1), (42, [0, 0, 1, 1], 0.2, 1)), {"000042.jpg": [[1, 2, 11, 22]]}),
    (results((42, [1, 2, 10, 20], 0.9, 3), ("a.jpg", [1, 2, 3, 4], 0.9, 1)), {"a.jpg": [[1, 2, 4, 6]]}),
    (json.dumps([{"image_id": 3, "file_name": "b.PNG", "bbox": [1, 2, 3, 4]}]), {"b.PNG": [[1, 2, 4, 6]]}),
    # The table of the file goes before the number in a name, and an id is the same as text.
    (json.dumps({"images": [{"id": 42, "file_name": "b.PNG"}, {"id": 7}],
                 "annotations": [{"image_id": "42", "bbox": [1, 2, 3, 4]}]}), {"b.PNG": [[1, 2, 4, 6]]}),
    (json.dumps([{"file_name": "a.jpg", "bbox": [1, 2, 3, 4], "category_id": 1}]), {"a.jpg": [[1, 2, 4, 6]]}),
    (results((42.0, [1, 2, 10, 20], 0.9, 1), ("42", [0, 0, 1, 1], 0.9)),
     {"000042.jpg": [[1, 2, 11, 22], [0, 0, 1, 1]]}),
    # Ultralytics' predictions.json; its to_json() with a name added.
    (json.dumps([{"image_id": "c d", "file_name": "c d.webp", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9,
                  "keypoints": [5, 6, 0.8] * 17}]), {"c d.webp": [[1, 2, 4, 6]]}),
    (json.dumps([{"name": name, "class": number, "confidence": confidence, "file_name": file, "box": BOX}
                 for name, number, confidence, file in (
                     ("person", 0, 0.9, "a.jpg"), ("person", 0, 0.4, "a.jpg"), ("dog", 16, 0.9, "b.PNG"))]),
     {"a.jpg": [[1, 2, 3, 4]]}),
])  # fmt: skip
@pytest.mark.parametrize("given", [True, False], ids=["INPUT", "beside"])
def test_coco_boxes_find_their_images(folder, text, expected, given):
    (folder / "boxes.json").write_text(text)
    found, left_out = boxes_of(folder / "boxes.json", find_inputs([folder])[0] if given else (), min_score=0.5)
    assert found == expected
    without = {str(folder / name) for name in (ALL | {"sub/a.jpg"}) - expected.keys()} if given else set()
    assert {line.partition(": ")[0] for line in left_out} == without


@pytest.mark.parametrize("given", [True, False], ids=["INPUT", "beside"])
def test_a_number_that_no_image_has_is_told(folder, given, capsys):
    """With INPUT, what is none is passed over, and the images without a box are named."""
    for name in ("cam1_7.jpg", "cam2_7.jpg"):
        (folder / name).touch()
    (folder / "boxes.json").write_text(results(*((number, [1, 2, 3, 4]) for number in (42, 101, 7))))
    found, left_out = boxes_of(folder / "boxes.json", find_inputs([folder])[0] if given else ())
    assert found == {"000042.jpg": [[1, 2, 4, 6]]} and (given or (len(left_out) == 1 and "101" in left_out[0]))
    assert "2 boxes passed over, of 2 images" in (capsys.readouterr().err if given else left_out[0])
    named = {Path(line.partition(": ")[0]).name for line in left_out}
    assert not given or {"cam1_7.jpg", "cam2_7.jpg"} <= named
    (folder / "7.jpg").touch()  # the one that is nothing but the number
    found, left_out = boxes_of(folder / "boxes.json", find_inputs([folder])[0] if given else ())
    assert set(found) == {"000042.jpg", "7.jpg"} and (given or len(left_out) == 1)


def test_an_id_that_the_table_lacks_is_no_number_in_a_name(folder):
    people = [{"image_id": number, "bbox": [1, 2, 3, 4]} for number in (7, 42)]
    tree = {"images": [{"id": 7, "file_name": "b.PNG"}], "annotations": people}
    (folder / "boxes.json").write_text(json.dumps(tree))
    found, left_out = boxes_of(folder / "boxes.json", find_inputs([folder])[0])
    assert set(found) == {"b.PNG"} and ["42" in line for line in left_out if "boxes.json: entry" in line] == [True]


MANY = "".join(f"frames/{number}.jpg 1 2 3 4\n" for number in range(262))
SEQUENCES = "seq1/1.jpg 1 1 3 3\nseq2/1.jpg 2 2 4 4\nseq3/1.jpg 3 3 5 5\n"


@pytest.mark.parametrize(("text", "inputs", "expected", "passed_over", "without"), [
    (f"{MANY}a.jpg 1 2 3 4\n", ["a.jpg"], {"a.jpg": [[1, 2, 3, 4]]}, "262 boxes passed over, of 262 images", []),
    ("a.jpg 1 2 3 4\n", ["a.jpg", "b.PNG", "c d.webp"], {"a.jpg": [[1, 2, 3, 4]]}, "", ["b.PNG", "c d.webp"]),
    # One frame of many sequences, whose frames have the same names.
    (SEQUENCES, ["seq2/1.jpg"], {"1.jpg": [[2, 2, 4, 4]]}, "2 boxes passed over, of 2 images", []),
    (SEQUENCES.replace("2 2 4 4", "2 2 4 4 0.2"), ["seq2/1.jpg", "seq3/1.jpg"], {"1.jpg": [[3, 3, 5, 5]]},
     "1 boxes passed over, of 1 images", ["seq2/1.jpg"]),
    # The same names below other folders: which of them it is cannot be told.
    (f"{SEQUENCES}b.PNG 1 2 3 4\n", ["b.PNG", "a.jpg", "other/1.jpg"], {"b.PNG": [[1, 2, 3, 4]]}, "",
     ["a.jpg", "other/1.jpg"]),
])  # fmt: skip
def test_input_decides_which_boxes_are_used(folder, capsys, text, inputs, expected, passed_over, without):
    (folder / "boxes.txt").write_text(text)
    found, left_out = boxes_of(folder / "boxes.txt", [folder / name for name in inputs], min_score=0.5)
    assert found == expected
    assert [line.partition(": ")[0] for line in left_out] == [str(folder / name) for name in without]
    said = capsys.readouterr().err
    assert said.count("\n") == bool(passed_over) and passed_over in said


def test_a_name_that_several_inputs_have_is_told(folder):
    (folder / "boxes.txt").write_text("1.jpg 1 2 3 4\nb.PNG 1 2 3 4\n")
    inputs = [folder / "seq1" / "1.jpg", folder / "seq2" / "1.jpg", folder / "b.PNG"]
    found, left_out = boxes_of(folder / "boxes.txt", inputs)
    assert set(found) == {"b.PNG"} and len(left_out) == 3
    assert "'1.jpg' can be any of 2" in left_out[0] and "seq1/1.jpg" in left_out[0] and "seq2/1.jpg" in left_out[0]


def test_a_list_that_spells_an_image_twice_is_of_one_image(folder):
    (folder / "boxes.txt").write_text("a.jpg 1 2 3 4\n./a.jpg 5 6 7 8\nsub/../a.jpg 0 0 9 9\n")
    assert boxes_of(folder / "boxes.txt") == ({"a.jpg": [[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 9, 9]]}, [])


def test_videos_of_one_name_are_told_apart():
    assert name_videos([Path("x/clip.mp4")]) == [("clip.mp4", "clip.pose.mp4")]
    several = [Path("x/clip.mp4"), Path("y/clip.mp4"), Path("y/clip.v2.AVI")]
    assert name_videos(several) == [
        ("x/clip.mp4", "x/clip.pose.mp4"), ("y/clip.mp4", "y/clip.pose.mp4"), ("y/clip.v2.AVI", "y/clip.v2.pose.avi"),
    ]  # fmt: skip
    upper = [Path("x/clip.mp4"), Path("x/clip.MP4")]
    assert name_videos(upper) == [("clip.mp4", "clip.mp4.pose.mp4"), ("clip.MP4", "clip.MP4.pose.mp4")]


def test_names_are_as_long_as_it_takes_to_tell_paths_apart():
    for paths in ("a.jpg b.jpg", "x/a.jpg y/a.jpg y/b.jpg", "z/x/a.jpg y/x/a.jpg", "a.jpg a.jpg", ""):
        assert distinct_names(paths.split()) == paths.split()
    assert distinct_names(["x/a.jpg", "y/b.jpg"]) == ["a.jpg", "b.jpg"]
    assert distinct_names(["q/x/../a.jpg", "y/a.jpg"]) == ["q/a.jpg", "y/a.jpg"]
