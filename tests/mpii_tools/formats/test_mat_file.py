"""The reader of MATLAB files against scipy's, and against files that scipy's does not survive."""

import struct
import zlib

import numpy as np
import pytest
import scipy.io

from checkpoints.errors import PoseError
from mpii_tools.formats import mat_file
from mpii_tools.formats.mat_file import MAX_DEPTH, UNKNOWN, load_mat


def same(ours, theirs):
    """Whether our value is scipy's, class by class."""
    if theirs.dtype.names:
        rows = theirs.ravel(order="F")
        return len(ours) == len(rows) and all(
            list(a) == list(theirs.dtype.names) and all(same(a[name], b[name]) for name in a)
            for a, b in zip(ours, rows, strict=True)
        )
    if theirs.dtype == object:
        return len(ours) == theirs.size and all(map(same, ours, theirs.ravel(order="F")))
    if theirs.dtype.kind == "U":
        return ours == "\n".join(theirs.tolist())
    if theirs.size == 1:
        return isinstance(ours, int | float) and ours == theirs.item()
    return ours.shape == theirs.shape and ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def nested():
    """Every class that is read, in one variable."""
    cells = np.empty((2, 3), dtype=object)
    for place, value in enumerate([1.5, "text", np.arange(6).reshape(2, 3), np.zeros((0, 0)), "", np.uint8(255)]):
        cells[divmod(place, 3)] = value
    records = np.empty((1, 2), dtype=[("x", object), ("a_rather_long_field_name", object)])
    records[0, 0], records[0, 1] = (np.int16(-3), cells), ("Gänse", np.eye(3, dtype=bool))
    return {
        "records": records, "cells": cells, "letters": np.array(["ab", "cd"]), "cube": np.arange(24.0).reshape(2, 3, 4),
        "single": np.float32(0.1), "large": np.uint64(2**63), "name_of_31_characters_and_no_more": 1,
    }  # fmt: skip


@pytest.mark.parametrize("compress", [False, True])
def test_values_are_scipys(tmp_path, compress):
    scipy.io.savemat(tmp_path / "a.mat", nested(), do_compression=compress, long_field_names=True)
    ours, theirs = load_mat(tmp_path / "a.mat"), scipy.io.loadmat(tmp_path / "a.mat", chars_as_strings=True)
    assert list(ours) == [name for name in theirs if not name.startswith("__")]
    for name, value in ours.items():
        assert same(value, theirs[name]), name


@pytest.mark.parametrize("file", ["lspet/joints.mat", pytest.param("mpii/valid_annolist.mat", marks=pytest.mark.slow)])
def test_the_real_files_are_scipys(shared, file):
    ours, theirs = load_mat(shared / file), scipy.io.loadmat(shared / file)
    assert all(same(value, theirs[name]) for name, value in ours.items())


def test_what_is_not_read_is_unknown(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"sparse": scipy.sparse.eye(3).tocsc(), "complex": 1j * np.ones(3), "x": 1})
    assert load_mat(tmp_path / "a.mat") == {"sparse": UNKNOWN, "complex": UNKNOWN, "x": 1}


HEADER = b"MATLAB 5.0".ljust(124)


def part(kind, data, order="<"):
    return struct.pack(f"{order}II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(kind, contents, shape=(1, 1), order="<", name=b""):
    flags, dimensions = struct.pack(f"{order}II", kind, 0), struct.pack(f"{order}{len(shape)}i", *shape)
    return part(14, part(6, flags, order) + part(5, dimensions, order) + part(1, name, order) + contents, order)


def test_big_endian(tmp_path):
    numbers = part(9, struct.pack(">2d", 1.5, -2), ">")
    (tmp_path / "a.mat").write_bytes(HEADER + b"\1\0MI" + matrix(6, numbers, (2, 1), ">", b"x"))
    np.testing.assert_array_equal(load_mat(tmp_path / "a.mat")["x"], [[1.5], [-2]])


def deep(levels):
    value = matrix(6, part(9, struct.pack("<d", 1)))
    for _ in range(levels):
        value = matrix(1, value)
    return value


@pytest.mark.parametrize(("body", "says"), [
    (deep(MAX_DEPTH + 2), "nested more than 32 deep"),
    (deep(2)[:-16], "ends inside the variable"),
    (matrix(6, part(8194, b"12345678")), "8 bytes of type 8194 for"),  # ends scipy's process
    (matrix(6, part(9, b"12345678"), (2**31 - 1, 2**31 - 1)), "8 bytes of type 9 for"),
    (matrix(6, part(9, b"12345678"), (-1, 1)), r"dimensions \(-1, 1\)"),
    (matrix(1, b"", (2**31 - 1, 2**31 - 1)), "a list ends early"),
    (matrix(2, part(5, struct.pack("<i", 4)) + part(1, b""), (2**31 - 1, 9)), "structs without fields"),
    (matrix(2, part(5, struct.pack("<i", 0)) + part(1, b"abcd")), "no field names"),
    (matrix(4, part(16, b"\xff\xfe"), (1, 2)), "utf-8"),
    (part(9, b"12345678"), "of type 9, no matrix"),
    (struct.pack("<II", 15, 4) + b"corrupt", "incorrect header check"),
])  # fmt: skip
def test_hostile_files_are_bad_input(tmp_path, body, says):
    (tmp_path / "a.mat").write_bytes(HEADER + b"\0\1IM" + body)
    with pytest.raises(PoseError, match=rf"a\.mat: not a whole MATLAB \.mat file \(.*{says}"):
        load_mat(tmp_path / "a.mat")


def test_a_file_that_inflates_without_end_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr(mat_file, "MAX_BYTES", 1 << 20)
    (tmp_path / "a.mat").write_bytes(HEADER + b"\0\1IM" + part(15, zlib.compress(bytes(2 << 20))))
    with pytest.raises(PoseError, match="more than 1 MiB once inflated"):
        load_mat(tmp_path / "a.mat")


def test_version_4_is_named(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"x": 1}, format="4")
    with pytest.raises(PoseError, match="no header of MATLAB 5"):
        load_mat(tmp_path / "a.mat")
