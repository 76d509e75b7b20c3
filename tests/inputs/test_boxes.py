"""Boxes in another unit, size or form than asked for."""

import numpy as np
import pytest
from coco_and_skeletons import coco_file, hrnet, json_list

from checkpoints.errors import PoseError
from mpii_tools.annotations.combine import read_source
from mpii_tools.annotations.read import read_annotations
from mpii_tools.formats.boxes import find_box_faults, find_form_faults

NAN = np.nan
SIZE = (320, 240)


@pytest.mark.parametrize(
    ("box", "size", "says"),
    [
        ((10, 10, 60, 200), SIZE, ""),
        ((-20, -30, 400, 300), SIZE, ""),  # who is cut off by the image
        ((0, 0, 2, 2), SIZE, ""),
        ((0, 0, 3000, 20), SIZE, ""),
        ((10, 10, 60, 200), (NAN, NAN), ""),
        ((0.3, 0.1, 0.55, 0.9), SIZE, "0..1"),
        ((0.3, 0.1, 0.55, 0.9), (NAN, NAN), "0..1"),
        ((-0.1, 0, 1.2, 1), SIZE, "0..1"),
        ((10, 10, 10.01, 10.01), SIZE, "under 2"),
        ((10, 10, 11.9, 200), SIZE, "under 2"),
        ((10, 10, 10, 200), SIZE, "empty"),
        ((60, 10, 10, 200), SIZE, "empty"),
        ((0, 0, 1e6, 1e6), SIZE, "over 10 times"),
        ((0, 0, 1e6, 1e6), (NAN, NAN), ""),
        ((0, 0, 60, 200), (0, 0), ""),
        ((0, NAN, 9, 9), SIZE, "not finite"),
        ((0, 0, np.inf, 9), SIZE, "not finite"),
    ],
)
def test_what_is_no_box_of_a_person(box, size, says):
    (fault,) = find_box_faults(np.array([box], float), np.array(size, float)).tolist()
    assert says in fault if says else not fault


@pytest.mark.parametrize(
    ("box", "size", "doubtful"),
    [
        ((160, 10, 240, 220), SIZE, True),  # x1 y1 x2 y2
        ((160, 10, 80, 210), SIZE, False),
        ((10, 10, 60, 200), SIZE, False),  # both are inside: nothing tells
        ((300, 200, 30, 50), SIZE, False),  # cut off by the image, and no corners
        ((160, 10, 170, 220), SIZE, False),  # a little beyond
        ((0, 200, 10, 239), SIZE, True),
        ((160, 10, 240, 220), (NAN, NAN), False),
        ((160, 10, 240, 220), (0, 0), False),
    ],
)
def test_corners_in_place_of_sizes(box, size, doubtful):
    (fault,) = find_form_faults(np.array([box], float), np.array(size, float)).tolist()
    assert bool(fault) == doubtful
    assert not doubtful or f"{box[0] + box[2]} {box[1] + box[3]}" in fault


def test_each_box_has_its_own_image():
    boxes = np.array([[160, 10, 240, 220]] * 2, float)
    assert [bool(fault) for fault in find_form_faults(boxes, np.array([[320, 240], [640, 480]], float))] == [
        True,
        False,
    ]
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
        assert len(read_source(path).reading.people) == 4
        return
    with pytest.raises(PoseError, match=rf"4 of 4 people, first 0\.png#1, have joints within {says}"):
        read_source(path)


def test_hrnets_box_in_shares_is_not_used(tmp_path):
    path = json_list(lambda row, pose: hrnet(row, pose, center=None, scale=None, bbox=[0.1, 0.1, 0.5, 0.8]))(tmp_path)[
        -1
    ]
    reading = read_annotations(path)
    assert np.isnan(reading.people.scale).all() and [who for what, who in reading.notes.items() if "0..1" in what]
