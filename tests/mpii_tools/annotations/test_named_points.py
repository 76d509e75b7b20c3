"""labelme's and Label Studio's JSON: which point is whose."""

import json

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations.read import read_annotations


def point(name, x, y, **more):
    return {"label": name, "points": [[x, y]], "shape_type": "point", "group_id": None, "flags": {}} | more


def box(x1, y1, x2, y2, **more):
    return point("person", 0, 0) | {"points": [[x2, y1], [x1, y2]], "shape_type": "rectangle"} | more


def labelme(*shapes, image="a.jpg"):
    return {"version": "5.5.0", "flags": {}, "shapes": [*shapes], "imagePath": image, "imageData": None,
            "imageHeight": 100, "imageWidth": 200}  # fmt: skip


def read(folder, tree, name="a.json"):
    (folder / name).write_text(json.dumps(tree))
    return read_annotations(folder / name)


def test_points_of_a_rectangle_without_groups(tmp_path):
    shapes = [box(0, 0, 50, 50), point("tip", 10, 10), box(60, 0, 90, 50), point("tip", 70, 20), point("end", 75, 40)]
    reading = read(tmp_path, labelme(*shapes, point("far", 0, 0) | {"shape_type": "polygon"}))
    assert reading.people.joint_names == ("end", "tip")
    np.testing.assert_array_equal(reading.people.joints, [[[np.nan, np.nan], [10, 10]], [[75, 40], [70, 20]]])
    assert [who for what, who in reading.notes.items() if "other shapes" in what] == [["a.json"]]


def test_numbers_are_in_their_order_and_hidden_points_are(tmp_path):
    shapes = [point(str(number), number, 1, flags={"Occluded": number == 9}) for number in (10, 9, 1)]
    people = read(tmp_path, labelme(*shapes, image="..\\images\\a.jpg")).people
    assert people.joint_names == ("1", "9", "10") and people.visible.tolist() == [[1, 0, 1]]
    assert people.images.tolist() == ["../images/a.jpg"]


def test_a_folder_of_files_with_a_broken_one(tmp_path):
    for split in ("x", "y"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.json").write_text(json.dumps(labelme(point("tip", 1, 2), point("tip", 5, 6))))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "settings.json").write_text("{}")
    reading = read_annotations(tmp_path)
    assert reading.people.images.tolist() == ["x/a.jpg", "y/a.jpg"]
    (faults,) = reading.faults.values()
    assert len(faults) == 3 and "broken.json" in faults[0] and "two points tip" in faults[1]


def region(kind, name, x, y, **more):
    return {"id": name, "type": kind, "value": {"x": x, "y": y, kind: [name]}, "original_width": 200,
            "original_height": 100, "image_rotation": 0} | more  # fmt: skip


def task(*results, image="/data/local-files/?d=shots/a%20b.jpg", **more):
    return {"id": 5, "data": {"title": "x", "image": image}, "annotations": [{"result": [*results]} | more]}


def test_percents_of_the_image_become_pixels(tmp_path):
    first = task(region("keypointlabels", "tip", 10, 50), {"type": "choices", "value": {"choices": ["sharp"]}})
    cancelled = task(region("keypointlabels", "tip", 1, 1), was_cancelled=True)
    cancelled["annotations"] += first["annotations"]
    reading = read(tmp_path, [first, cancelled])
    np.testing.assert_array_equal(reading.people.joints, [[[20, 50]]] * 2)
    assert reading.people.images.tolist() == ["shots/a b.jpg"] * 2 and reading.format == "Label Studio"
    assert reading.people.image_size.tolist() == [[200, 100]] * 2


@pytest.mark.parametrize(("tree", "says"), [
    (labelme(), "no point in 1 images of labelme"),
    (labelme(point("a", 1, 2) | {"points": [[1]]}), "'points' has numbers of shape"),
    ([task(region("keypointlabels", "tip", 1, 1, image_rotation=90))], "its image was rotated"),
    ([task(region("keypointlabels", "tip", 1, 1), image="a.mp4")], "no image in its 'data'"),
    ([task(region("keypointlabels", "tip", 1, 1, original_width=None))], "not one of its 1 entries"),
])  # fmt: skip
def test_what_has_no_people_is_said(tmp_path, tree, says):
    with pytest.raises(PoseError, match=says) as raised:
        read(tmp_path, tree)
    assert "\n" not in str(raised.value)
