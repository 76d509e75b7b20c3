"""Boxes of annotations and to predict in: in another unit, size or form than asked for, and whose ids come back."""

import json
from pathlib import Path

import numpy as np
import pytest
from coco_and_skeletons import coco_file, hrnet, json_list
from pictures import draw_clip, encode_picture, smooth_image, write_picture

from checkpoints.errors import PoseError
from ief.inference.box_files import read_boxes
from ief.inference.boxes import intersect_over_union
from ief.workflow.predict import predict_inputs
from mpii_tools.annotations.combine import read_source
from mpii_tools.annotations.read import read_annotations
from mpii_tools.formats.boxes import find_box_faults, find_form_faults

NAN = np.nan
SIZE = (320, 240)


@pytest.mark.parametrize(("says", "size", "boxes"), [
    ("", SIZE, [(10, 10, 60, 200), (-20, -30, 400, 300), (0, 0, 2, 2), (0, 0, 3000, 20)]),  # one is cut off
    ("", (NAN, NAN), [(10, 10, 60, 200), (0, 0, 1e6, 1e6)]),
    ("", (0, 0), [(0, 0, 60, 200)]),
    ("0..1", SIZE, [(0.3, 0.1, 0.55, 0.9), (-0.1, 0, 1.2, 1)]),
    ("0..1", (NAN, NAN), [(0.3, 0.1, 0.55, 0.9)]),
    ("under 2", SIZE, [(10, 10, 10.01, 10.01), (10, 10, 11.9, 200)]),
    ("empty", SIZE, [(10, 10, 10, 200), (60, 10, 10, 200)]),
    ("over 10 times", SIZE, [(0, 0, 1e6, 1e6)]),
    ("not finite", SIZE, [(0, NAN, 9, 9), (0, 0, np.inf, 9)]),
])  # fmt: skip
def test_what_is_no_box_of_a_person(says, size, boxes):
    for box, fault in zip(boxes, find_box_faults(np.array(boxes, float), np.array(size, float)), strict=True):
        assert says in fault if says else not fault, box


@pytest.mark.parametrize(("doubtful", "size", "boxes"), [
    (True, SIZE, [(160, 10, 240, 220), (0, 200, 10, 239)]),  # x1 y1 x2 y2
    # A size; both are inside, so that nothing tells; cut off by the image, and no corners; a little beyond.
    (False, SIZE, [(160, 10, 80, 210), (10, 10, 60, 200), (300, 200, 30, 50), (160, 10, 170, 220)]),
    (False, (NAN, NAN), [(160, 10, 240, 220)]), (False, (0, 0), [(160, 10, 240, 220)]),
])  # fmt: skip
def test_corners_in_place_of_sizes(doubtful, size, boxes):
    faults = find_form_faults(np.array(boxes, float), np.array(size, float))
    for (x, y, width, height), fault in zip(boxes, faults, strict=True):
        assert f"{x + width} {y + height}" in fault if doubtful else not fault


def test_each_box_has_its_own_image():
    boxes, sizes = np.array([[160, 10, 240, 220]] * 2, float), np.array([[320, 240], [640, 480]], float)
    assert [bool(fault) for fault in find_form_faults(boxes, sizes)] == [True, False]
    assert find_box_faults(np.zeros((0, 4)), np.array(SIZE)).tolist() == []


def annotated(*boxes, **size):
    """Four people of COCO whose boxes are changed; others keep theirs, 20 10 80 100 on images of 160 x 120."""

    def change(tree):
        for image in tree["images"]:
            image.update({"width": 160, "height": 120, **size})
        for entry, box in zip(tree["annotations"], [*boxes, *[[20, 10, 80, 100]] * 4][:4], strict=True):
            entry["bbox"] = box

    return coco_file(change)


CORNERS = [100, 10, 150, 110]
UNLIKE = {
    "all corners": (annotated(*[CORNERS] * 4), "read as x1 y1 x2 y2", [[125, 60]] * 4, [100] * 4),
    "most corners": (annotated(*[CORNERS] * 3), "read as x1 y1 x2 y2", [[125, 60]] * 3 + [[50, 55]], [100] * 3 + [90]),
    "one of corners": (annotated(CORNERS), "would not as x1 y1 x2 y2", [[175, 65]] + [[60, 60]] * 3, [150] + [100] * 3),
    "shares": (annotated([0.2, 0.1, 0.5, 0.8]), "0..1", None, [None] + [100] * 3),
    "a hundredth": (annotated([20, 10, 0.01, 0.01]), "under 2 pixels", None, [None] + [100] * 3),
    "enormous": (annotated([20, 10, 1e6, 1e6]), "over 10 times", None, [None] + [100] * 3),
    "unknown sizes": (annotated(*[CORNERS] * 4, width=0), "", [[175, 65]] * 4, [150] * 4),
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_annotated_boxes_of_another_kind_are_said(kind, tmp_path):
    build, says, centers, sides = UNLIKE[kind]
    reading = read_annotations(build(tmp_path)[-1])
    assert [what for what, who in reading.notes.items() if who and says in what] or not says
    for row, side in enumerate(sides):  # BOX_MARGIN of the longer side, around the middle on pixel edges
        assert np.isnan(reading.people.scale[row]) if side is None else reading.people.crop_side[row] == 1.25 * side
    if centers:
        np.testing.assert_allclose(reading.people.crop_center, np.array(centers) - 0.5)


@pytest.mark.parametrize(("most", "size", "says"), [(1, SIZE, "0..1,"), (100, SIZE, "0..100"), (100, (160, 120), "")])
def test_joints_and_boxes_in_percent_are_refused(most, size, says, tmp_path):
    def change(tree):
        for image in tree["images"]:
            image.update(zip(("width", "height"), size, strict=True))
        for entry in tree["annotations"]:
            points = np.array(entry["keypoints"], float).reshape(-1, 3)
            points[:, :2] *= most / 130  # of images in whose pixels they are within 130
            entry.update(keypoints=points.ravel().tolist(), bbox=[0.1 * most, 0.1 * most, 0.7 * most, 0.8 * most])

    path = coco_file(change)(tmp_path)[-1]
    if not says:
        assert len(read_source(path).people) == 4
        return
    with pytest.raises(PoseError, match=rf"4 of 4 people, first 0\.png#1, have joints within {says}"):
        read_source(path)


def test_hrnets_box_in_shares_is_not_used(tmp_path):
    build = json_list(lambda row, pose: hrnet(row, pose, center=None, scale=None, bbox=[0.1, 0.1, 0.5, 0.8]))
    reading = read_annotations(build(tmp_path)[-1])
    assert np.isnan(reading.people.scale).all() and [who for what, who in reading.notes.items() if "0..1" in what]


BOX = [10, 5, 30, 35]  # x y width height, in images of 64 x 48


def predict(folder, run, tree, names, boxes="boxes.json", images="images"):
    """What is predicted of images by a file of boxes, or a folder: the COCO results, and what was left out."""
    for name in names:
        write_picture(folder / images / name)
    if tree:
        (folder / boxes).write_text(tree if isinstance(tree, str) else json.dumps(tree))
    inputs = [folder / images] if images != boxes else []
    _, left_out = predict_inputs(inputs, folder / "out", run, boxes=folder / boxes, device="cpu", draw=0)
    return json.loads((folder / "out" / "predictions-images.json").read_text()), left_out


def annotations(ids, category=1, **more):
    """COCO's tree of one person in each image: name -> id."""
    images = [{"id": number, "file_name": name} for name, number in ids.items()]
    people = [{"image_id": number, "bbox": BOX, "category_id": category} for number in ids.values()]
    return {"images": images, "annotations": people, **more}


@pytest.mark.parametrize(("tree", "ids", "categories"), [
    (annotations({"000006.jpg": 1, "000005.jpg": 2}), {"000006.jpg": 1, "000005.jpg": 2}, {1}),
    ([{"image_id": 7, "bbox": BOX, "score": 0.9, "category_id": 1}], {"cam_7.jpg": 7}, {1}),
    # Ids as text, folders in names, another category of people, ids that are floats.
    (annotations({"a.jpg": "f-12", "b.jpg": "f-13"}), {"a.jpg": "f-12", "b.jpg": "f-13"}, {1}),
    (annotations({"day/1.jpg": 3, "night/1.jpg": 1}), {"day/1.jpg": 3, "night/1.jpg": 1}, {1}),
    (annotations({"a.jpg": 5}, 3, categories=[{"id": 1, "name": "car"}, {"id": 3, "name": "Person"}]),
     {"a.jpg": 5}, {3}),
    (annotations({"a.jpg": 5}, 0, categories=[{"id": 0, "name": "athlete", "keypoints": ["nose"]}]),
     {"a.jpg": 5}, {0}),
    (annotations({"a.jpg": 12.0}), {"a.jpg": 12}, {1}),
    # Nothing says an id: the number that each name is, else counted.
    ([{"file_name": "x.jpg", "bbox": BOX}, {"file_name": "y.jpg", "bbox": BOX}], {"x.jpg": 1, "y.jpg": 2}, {1}),
])  # fmt: skip
def test_the_ids_of_a_file_of_boxes_come_back(tmp_path, run, tree, ids, categories):
    results, left_out = predict(tmp_path, run, tree, ids)
    assert {result["file_name"]: result["image_id"] for result in results} == ids and left_out == []
    assert {result["category_id"] for result in results} == categories


@pytest.mark.parametrize(("entries", "people", "says"), [
    ([[0.3, 0.1, 0.25, 0.8], BOX], 1, "0..1"),
    ([[30, 4, 60, 44], BOX], 2, "1 boxes may not be x y width height, first a.jpg: its box ends at 90 48"),
    ([[30, 4, 60, 44], [20, 10, 50, 45], [25, 8, 55, 46]], 3, "3 boxes may not be"),
    ([BOX, [40, 10, 30, 60]], 2, ""),  # who is cut off by the image's edge
])  # fmt: skip
def test_boxes_of_json_in_another_form_are_said(tmp_path, run, capsys, entries, people, says):
    tree = [{"file_name": "a.jpg", "bbox": box, "score": 0.9} for box in entries]
    results, left_out = predict(tmp_path, run, tree, ["a.jpg"])
    said = "\n".join([capsys.readouterr().err, *left_out])
    assert len(results) == people and len(left_out) == len(entries) - people
    assert says in said if says else "may not be" not in said


def test_videos_beside_images_with_boxes_are_passed_over(tmp_path, run, capsys):
    (tmp_path / "images").mkdir()
    draw_clip(tmp_path / "images" / "v.avi", 2)
    results, left_out = predict(tmp_path, run, "a.jpg 5 5 40 40\n", ["a.jpg"])
    assert [result["file_name"] for result in results] == ["a.jpg"] and left_out == []
    assert "1 videos passed over" in capsys.readouterr().err
    (tmp_path / "images" / "a.jpg").unlink()
    with pytest.raises(PoseError, match=r"v\.avi: --boxes places people in images"):
        predict(tmp_path, run, "a.jpg 5 5 40 40\n", [])


def predict_labels(folder, run, labels, inputs=True):
    """What is predicted of `a.jpg` and `b.jpg` (64 x 48) by a folder of YOLO's labels."""
    (folder / "labels").mkdir()
    for name, text in labels.items():
        (folder / "labels" / name).write_text(text)
    return predict(folder, run, None, ("a.jpg", "b.jpg"), "labels", "images" if inputs else "labels")


@pytest.mark.parametrize("inputs", [True, False])
def test_yolos_labels_are_boxes(tmp_path, run, inputs, capsys):
    """In a folder of their own, or beside the images; class 0 alone, with and without a score; others are counted."""
    labels = {"a.txt": "0 0.5 0.5 0.25 0.5\n2 0.1 0.1 0.1 0.1\n\n", "b.txt": "0 0.25 0.5 0.5 1 0.75\n", "c.txt": "0"}
    results, left_out = predict_labels(tmp_path, run, labels, inputs)
    found = {entry["file_name"]: entry["bbox"] for entry in results}
    assert found == {"a.jpg": [24, 12, 16, 24], "b.jpg": [0, 0, 32, 48]} and not left_out
    assert results[1]["score"] == 0.75 and "labels: 1 boxes of other classes" in capsys.readouterr().err


def test_labels_that_are_none_are_told(tmp_path, run):
    text = "0 0.5 0.5 0.25 0.5\n0 0.5 0.5 0.25\n0 32 24 16 24\n0 x 0.5 0.5 0.5\n0 0.1 0.1 0.2 0.1 0.2 0.2 0.1\n"
    results, left_out = predict_labels(tmp_path, run, {"a.txt": text})
    assert len(results) == 1 and [line.count(f"a.txt: line {i}:") for i, line in enumerate(left_out[:4], 2)] == [1] * 4
    assert left_out[4:] == [f"{tmp_path / 'images' / 'b.jpg'}: labels has no box of it"]


def test_labels_of_two_images_of_a_name_are_told(tmp_path, run):
    write_picture(tmp_path / "images" / "a.png")
    results, left_out = predict_labels(tmp_path, run, dict.fromkeys(("a.txt", "b.txt"), "0 0.5 0.5 0.25 0.5"))
    assert [entry["file_name"] for entry in results] == ["b.jpg"]
    assert sum("a.txt: 2 images" in line for line in left_out) == 2


def test_a_box_given_twice_is_predicted_once(tmp_path, run, capsys):
    """Of nearly equal boxes the better one, in the file's order; a neighbor's stays."""
    boxes = [([10, 5, 30, 35], 0.3), ([12, 6, 20, 35], 0.9), ([10, 5.5, 30, 35], 0.8), ([10, 5, 30, 34.9], 0.2)]
    tree = [{"file_name": "a.jpg", "bbox": box, "score": score} for box, score in boxes]
    results, left_out = predict(tmp_path, run, tree, ["a.jpg"])
    assert [entry["bbox"] for entry in results] == [[12, 6, 20, 35], [10, 5.5, 30, 35]] and not left_out
    assert "boxes.json: 2 boxes passed over" in capsys.readouterr().err


def test_intersection_over_union_by_hand():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [5, 5, 15, 15], [20, 0, 30, 10], [10, 0, 20, 9]], float)
    np.testing.assert_allclose(intersect_over_union(boxes[0], boxes), [1, 0.5, 25 / 175, 0, 0])


@pytest.mark.parametrize("name", ["a\0b.jpg", "a\ud800.jpg"])
def test_a_name_that_no_file_can_have_costs_its_entry(tmp_path, name):
    write_picture(tmp_path / "a.jpg")
    (tmp_path / "boxes.json").write_text(json.dumps([{"file_name": each, "bbox": BOX} for each in ("a.jpg", name)]))
    images, (line,) = read_boxes(tmp_path / "boxes.json", ())
    assert [image.name for image in images] == ["a.jpg"] and repr(name) in line


@pytest.mark.parametrize("before", [False, True])
def test_nobody_predicted_leaves_nothing_and_tells_why(tmp_path, run, before):
    images, options = [write_picture(tmp_path / f"{name}.jpg") for name in "ab"], {"device": "cpu"}
    (tmp_path / "boxes.txt").write_text("b.jpg 900 700 1000 790\n")
    if before:
        (tmp_path / "out").mkdir()
    with pytest.raises(PoseError, match=r"b\.jpg: person 1: .* off the image"):
        predict_inputs(images, tmp_path / "out", run, boxes=tmp_path / "boxes.txt", **options)
    assert (tmp_path / "out").exists() == before and not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(("size", "orientation", "says"), [
    ((128, 96), 1, "labeled at 128 x 96 pixels, here 64 x 48"),
    ((48, 64), 1, ""), ((0, 0), 1, ""), ((None, "64"), 1, ""), ((64, 48), 3, ""),
    ((48, 64), 6, ""),  # as it is seen
    ((64, 48), 6, "labeled at 64 x 48 pixels, which EXIF asks to turn by 90 degrees"),
])  # fmt: skip
def test_boxes_of_an_image_of_another_size_are_left_out(tmp_path, size, orientation, says):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(encode_picture(smooth_image(64, 48), "JPEG", orientation))
    tree = annotations({"a.jpg": 1, "b.jpg": 2})
    tree["images"][0] |= dict(zip(("width", "height"), size, strict=True))
    (tmp_path / "boxes.json").write_text(json.dumps(tree))
    images, left_out = read_boxes(tmp_path / "boxes.json", [tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert [image.name for image in images] == ["a.jpg", "b.jpg"][bool(says) :]
    assert [line.endswith(f"a.jpg: 1 boxes of boxes.json left out: {says}") for line in left_out] == [True] * bool(says)


def test_crowds_and_other_categories_are_counted(tmp_path, run, capsys):
    people = [{"file_name": "a.jpg", "bbox": BOX, "category_id": kind, "iscrowd": crowd}
              for kind, crowd in ((1, 0), (1, 1), (3, 0), (18, 0))]  # fmt: skip
    results, left_out = predict(tmp_path, run, people, ["a.jpg"])
    assert len(results) == 1 and not left_out
    error = capsys.readouterr().err
    assert "2 of 4 boxes are of other categories than 1" in error and "1 are crowds" in error
    with pytest.raises(PoseError, match="none of its 1 entries is a person"):
        predict(tmp_path, run, people[1:2], ["a.jpg"])


@pytest.mark.parametrize("more", [
    {"bbox": [10**400, 1, 5, 5]}, {"bbox": [-1e308, -1e308, 1.7e308, 1.7e308]}, {"bbox": [1, 1, 1e12, 5]},
    {"score": float("inf")}, {"score": -1e308}, {"width": 10**400},
])  # fmt: skip
def test_a_number_that_overflows_costs_its_entry(tmp_path, run, more):
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg", "height": 48, **more}]
    tree = {"images": images, "annotations": [{"image_id": one["id"], "bbox": BOX, **one} for one in images]}
    people, (line, _) = predict(tmp_path, run, tree, ["a.jpg", "b.jpg"])
    assert [one["file_name"] for one in people] == ["a.jpg"] and "boxes.json" in line


def test_two_slashes_in_front_are_one(tmp_path, run):
    image = write_picture(tmp_path / "a.jpg")
    (tmp_path / "b.txt").write_text(f"{image} 1 2 30 40\n/{image} 20 2 60 40\n")
    for inputs, options in (([image, Path(f"/{image}")], {}), ([], {"boxes": tmp_path / "b.txt"})):
        assert not predict_inputs(inputs, tmp_path / "out", run, device="cpu", **options)[1]
        images = json.loads((tmp_path / "out" / "predictions-images.json").read_text())
        assert [one["file_name"] for one in images] == ["a.jpg"] * (2 if options else 1)


@pytest.mark.parametrize("up", ["..", "../..", "./../x/.."])
def test_no_overlay_leaves_the_folder(tmp_path, run, up):
    boxes, out = tmp_path / "in" / "x" / "y" / "z" / "boxes.json", tmp_path / "o" / "p" / "q" / "r"
    boxes.parent.mkdir(parents=True)
    for folder in boxes.parents[1:3]:
        (folder / "x").mkdir()
    names = [f"{up}/a.jpg", f"../{up}/a.jpg"]
    for name in names:
        write_picture(boxes.parent / name)
    boxes.write_text(json.dumps([{"file_name": name, "bbox": BOX} for name in names]))
    assert not predict_inputs([], out, run, boxes=boxes, device="cpu")[1]
    assert len([*out.rglob("*.pose.jpg")]) == len([*tmp_path.rglob("*.pose.jpg")]) == 2
