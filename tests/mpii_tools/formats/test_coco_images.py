"""Which image an entry of COCO's JSON is of, in whatever reader."""

import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.formats.coco_images import image_names, image_of
from mpii_tools.results.predictions import read_predictions
from mpii_tools.skeletons import SKELETONS

COCO17 = SKELETONS["coco17"].names
POINTS = np.random.default_rng(0).uniform(10, 90, (17, 2)).round(2)
TABLE = {"1": ["b.jpg"], "x": ["a.jpg"], "2": [], "3": ["c.jpg", "d.jpg"]}


@pytest.mark.parametrize(("entry", "expected"), [
    *(({"image_id": one}, "b.jpg") for one in (1, "1", 1.0, "1.0")),
    ({"image_id": "x"}, "a.jpg"),
    ({"file_name": "c.jpg"}, "c.jpg"),
    ({"image_id": 9, "file_name": "c.jpg"}, "c.jpg"),
    ({"image_id": "x", "file_name": None}, "a.jpg"),
])  # fmt: skip
def test_any_field_that_names_the_image_is_enough(entry, expected):
    assert image_of(entry, TABLE) == expected


@pytest.mark.parametrize("entry", [{}, {"image_id": None}, {"image_id": [1]}, {"image_id": True}, {"file_name": ""}])
def test_an_entry_of_no_image_is_refused(entry):
    for names in (TABLE, None):
        with pytest.raises(ValueError, match="image_id nor file_name"):
            image_of(entry, names)
    with pytest.raises(ValueError, match="9"):
        image_of({"image_id": 9}, TABLE)
    assert [image_of({"image_id": own}, None) for own in (9, 9.0, "9", "9.0")] == ["9", "9", "9", "9.0"]
    with pytest.raises(ValueError, match="2 is an image without file_name"):
        image_of({"image_id": 2.0}, TABLE)
    with pytest.raises(ValueError, match=r"3 is c\.jpg and d\.jpg"):
        image_of({"image_id": "3"}, TABLE)


def test_a_table_is_read_as_far_as_it_goes():
    images = [{"id": 1, "file_name": "b.jpg"}, {"id": 2}, {"file_name": "c.jpg"}, {"id": None}, "d.jpg", 5]
    assert image_names(images) == {"1": ["b.jpg"], "2": []}


def ultralytics(**change):
    """A person of `results[0].to_json()`, with which no image is named."""
    x, y = POINTS.T.tolist()
    return {"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": 5.0, "y1": 5.0, "x2": 95.0, "y2": 85.0},
            "keypoints": {"x": x, "y": y, "visible": [0.75] * 17}} | change  # fmt: skip


SCORED = np.column_stack([POINTS, np.full(17, 0.75)]).ravel().tolist()


@pytest.mark.parametrize(
    ("stored", "images"),
    [
        ([{"file_name": "a.jpg", "keypoints": SCORED}], ["a.jpg"]),
        ([ultralytics(file_name="a.jpg"), ultralytics(image_id=3)], ["a.jpg", "3"]),
        ([{"image_id": 139, "file_name": "000000000139.jpg", "category_id": 1, "score": 0.9, "keypoints": SCORED,
           "bbox": [5.0, 5.0, 90.0, 80.0]}, {"image_id": "bus", "keypoints": SCORED}], ["000000000139.jpg", "bus"]),
        ({"images": [{"id": 7, "file_name": "000001.jpg"}], "annotations": [{"image_id": 7, "keypoints": SCORED}]},
         ["000001.jpg"]),
    ],
    ids=["name", "to_json", "predictions.json", "table"],
)  # fmt: skip
def test_results_take_the_image_as_it_is_named(tmp_path, stored, images):
    (tmp_path / "p.json").write_text(json.dumps(stored))
    found = read_predictions(tmp_path / "p.json", COCO17)
    assert found.images.tolist() == images
    np.testing.assert_allclose(found.joints, np.broadcast_to(POINTS, found.joints.shape))
    assert (found.scores == 0.75).all()
    placed = [person for person in (stored if isinstance(stored, list) else []) if "box" in person or "bbox" in person]
    assert np.isfinite(found.crop_center).all(axis=1).sum() == len(placed)
    assert all(center == [49.5, 44.5] for center in found.crop_center[: len(placed)].tolist())


@pytest.mark.parametrize(("entry", "missing"), [
    (ultralytics(), "image_id nor file_name"),
    ({"image_id": 1, "bbox": [1, 2, 3, 4]}, r"\(no keypoints"),
    (ultralytics(image_id=1, keypoints={"x": [1.0] * 17}), "'y'"),
    (ultralytics(image_id=1, box={"x1": 1.0}), "'y1'"),
])  # fmt: skip
def test_what_a_result_lacks_is_named(tmp_path, entry, missing):
    (tmp_path / "p.json").write_text(json.dumps([entry]))
    with pytest.raises(PoseError, match=missing) as raised:
        read_predictions(tmp_path / "p.json", COCO17)
    assert "\n" not in str(raised.value) and "KeyError: 'image_id'" not in str(raised.value)
