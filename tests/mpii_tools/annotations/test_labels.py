"""Flags and points in the forms that people write."""

import numpy as np
import pytest

from mpii_tools.annotations.labels import read_entries, read_flags, read_points

NAN = np.nan


@pytest.mark.parametrize(("value", "flags"), [
    ([0, 1, 2], [0, 1, 2]), (["0", " 1 ", "2.0"], [0, 1, 2]), (["occluded", "Visible", ""], [0, 1, NAN]),
    ([True, False, None], [1, 0, NAN]), ([[1], [0], [2]], [1, 0, 2]), ([[1, 1], [0, 0], [0, 0]], [1, 0, 0]),
    (None, [NAN] * 3),
])  # fmt: skip
def test_flags(value, flags):
    np.testing.assert_array_equal(read_flags(value, 3, "v"), flags)


@pytest.mark.parametrize("value", [[0, 1], "011", 3, [0, 1, "maybe"], [0, 1, {}], [[[1]], [[0]], [[0]]], [[], 1, 1]])
def test_what_is_no_flags(value):
    with pytest.raises(ValueError, match="'v'"):
        read_flags(value, 3, "v")


@pytest.mark.parametrize(("value", "points", "flags"), [
    ([[1, 2], [3, 4]], [[1, 2], [3, 4]], None), ([1, 2, 3, 4], [[1, 2], [3, 4]], None),
    ([[1, 2, 0], [3, 4, 2]], [[1, 2], [3, 4]], [0, 2]), ([1, 2, 0, 3, 4, 2], [[1, 2], [3, 4]], [0, 2]),
    ([[None, None], ["3", 4]], [[NAN, NAN], [3, 4]], None),
])  # fmt: skip
def test_points(value, points, flags):
    found, flagged = read_points(value, 2, "p")
    np.testing.assert_array_equal(found, points)
    assert flagged is flags is None or flagged.tolist() == flags


@pytest.mark.parametrize(
    "value", [[[1, 2]], [[1, 2], [3]], [1, 2, 3], None, "1234", [[[1, 2], [3, 4]]], [["a", 2], [3, 4]]]
)
def test_what_is_no_points(value):
    with pytest.raises(ValueError, match="'p'"):
        read_points(value, 2, "p")


@pytest.mark.parametrize("name", ["x" * 4097, "x" * 3_000_000])
def test_a_long_name_costs_its_entry(name):
    columns, malformed = read_entries("a", [{"n": "a"}, {"n": name}], lambda entry: (entry["n"],), "it", "it")
    assert columns == [("a",)] and len(malformed) == 1 and f"{len(name):,} letters" in malformed[0]
