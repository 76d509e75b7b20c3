"""Boxes in another unit, size or form than asked for."""

import numpy as np
import pytest

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
