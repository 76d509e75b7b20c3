"""Files of boxes: whose ids come back in the results, and which boxes are no boxes in pixels."""

import json

import cv2
import numpy as np
import pytest
from pictures import draw_clip, smooth_image
from untrained import save_run

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.workflow.predict import predict_inputs

BOX = [10, 5, 30, 35]  # x y width height, in images of 64 x 48


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"))


def predict(folder, run, tree, names):
    """What is predicted of images by a file of boxes: the COCO results, and what was left out."""
    for name in names:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "images" / name), smooth_image(64, 48))
    (folder / "boxes.json").write_text(tree if isinstance(tree, str) else json.dumps(tree))
    options = {"boxes": folder / "boxes.json", "device": "cpu", "draw": 0}
    _, left_out = predict_inputs([folder / "images"], folder / "out", run, **options)
    return json.loads((folder / "out" / "predictions-images.json").read_text()), left_out


def annotations(ids, category=1, **more):
    """COCO's tree of one person in each image: name -> id."""
    images = [{"id": number, "file_name": name} for name, number in ids.items()]
    people = [{"image_id": number, "bbox": BOX, "category_id": category} for number in ids.values()]
    return {"images": images, "annotations": people, **more}


@pytest.mark.parametrize(
    ("tree", "ids", "categories"),
    [
        (annotations({"000006.jpg": 1, "000005.jpg": 2}), {"000006.jpg": 1, "000005.jpg": 2}, {1}),
        (annotations({"cam_z.jpg": 101, "cam_x.jpg": 102}), {"cam_z.jpg": 101, "cam_x.jpg": 102}, {1}),
        ([{"image_id": 7, "bbox": BOX, "score": 0.9, "category_id": 1}], {"cam_7.jpg": 7}, {1}),
        # Invented: ids as text, folders in names, another category of people, ids that are floats.
        (annotations({"a.jpg": "f-12", "b.jpg": "f-13"}), {"a.jpg": "f-12", "b.jpg": "f-13"}, {1}),
        (annotations({"day/1.jpg": 3, "night/1.jpg": 1}), {"day/1.jpg": 3, "night/1.jpg": 1}, {1}),
        (annotations({"a.jpg": 5}, 3, categories=[{"id": 1, "name": "car"}, {"id": 3, "name": "person"}]),
         {"a.jpg": 5}, {3}),
        (annotations({"a.jpg": 5}, 0, categories=[{"id": 0, "name": "athlete", "keypoints": ["nose"]}]),
         {"a.jpg": 5}, {0}),
        (annotations({"a.jpg": 12.0}), {"a.jpg": 12}, {1}),
        # Nothing says an id: the number that each name is, else counted.
        ([{"file_name": "x.jpg", "bbox": BOX}, {"file_name": "y.jpg", "bbox": BOX}], {"x.jpg": 1, "y.jpg": 2}, {1}),
    ],
)  # fmt: skip
def test_the_ids_of_a_file_of_boxes_come_back(tmp_path, run, tree, ids, categories):
    results, left_out = predict(tmp_path, run, tree, ids)
    assert {result["file_name"]: result["image_id"] for result in results} == ids and left_out == []
    assert {result["category_id"] for result in results} == categories


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ([0.375, 0.04, 0.625, 0.96], "0..1"),
        ([10, 10, 10.01, 10.01], "under 2 pixels"),
        ([0, 0, 1e6, 1e6], "over 10 times"),
        # Invented: a mean over a batch, a mask's row and column, a box of another image.
        ([-0.2, -0.1, 1.1, 1.0], "0..1"),
        ([30, 2, 31, 44], "under 2 pixels"),
        ([900, 700, 1000, 790], "off the image"),
        ([np.inf, 0, 9, 9], "not finite"),
    ],
)
def test_a_box_that_is_none_is_told_and_costs_itself_alone(run, box, says):
    predictor, image = PosePredictor.load(run, "cpu"), smooth_image(64, 48)
    with pytest.raises(PoseError, match=f"person 2: its box .*{says}"):
        predictor(image, [[5, 5, 40, 40], box])


@pytest.mark.parametrize(
    ("entries", "people", "says"),
    [
        ([[0.3, 0.1, 0.25, 0.8], BOX], 1, "0..1"),
        ([[30, 4, 60, 44], BOX], 2, "1 boxes may not be x y width height, first a.jpg: its box ends at 90 48"),
        ([[30, 4, 60, 44]] * 3, 3, "3 boxes may not be"),
        ([[20, 10, 50, 45], [30, 4, 60, 44]], 2, "2 boxes may not be"),
        ([BOX, [40, 10, 30, 60]], 2, ""),  # who is cut off by the image's edge
        ([BOX, [-5, -5, 74, 58]], 2, ""),
    ],
)
def test_boxes_of_json_in_another_form_are_said(tmp_path, run, capsys, entries, people, says):
    tree = [{"file_name": "a.jpg", "bbox": box, "score": 0.9} for box in entries]
    results, left_out = predict(tmp_path, run, tree, ["a.jpg"])
    said = "\n".join([capsys.readouterr().err, *left_out])
    assert len(results) == people and len(left_out) == len(entries) - people
    assert says in said if says else "may not be" not in said


def test_lines_of_text_within_0_to_1_are_told(tmp_path, run):
    with pytest.raises(PoseError, match=r"a\.jpg: person 1: its box 0\.1 0\.1 0\.6 0\.9 is within 0\.\.1"):
        predict(tmp_path, run, "a.jpg 0.1 0.1 0.6 0.9\n", ["a.jpg"])


def test_videos_beside_images_with_boxes_are_passed_over(tmp_path, run, capsys):
    (tmp_path / "images").mkdir()
    draw_clip(tmp_path / "images" / "v.avi", 2)
    results, left_out = predict(tmp_path, run, "a.jpg 5 5 40 40\n", ["a.jpg"])
    assert [result["file_name"] for result in results] == ["a.jpg"] and left_out == []
    assert "1 videos passed over" in capsys.readouterr().err
    (tmp_path / "images" / "a.jpg").unlink()
    with pytest.raises(PoseError, match=r"v\.avi: --boxes places people in images"):
        predict(tmp_path, run, "a.jpg 5 5 40 40\n", [])
