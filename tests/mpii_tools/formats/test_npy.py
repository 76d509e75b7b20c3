"""Arrays in .npy format: numpy's own, and headers that lie."""

import io

import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.formats.arrays import array_names, load_arrays, load_npy, map_npy, read_array
from mpii_tools.people import text_array


@pytest.mark.parametrize("array", [
    np.arange(24.0).reshape(2, 3, 4),
    np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
    np.array(["a.jpg", "grüß"]), np.array(7), np.zeros((0, 16, 2)), np.array([True, False]), np.arange(3, dtype=">i4"),
])  # fmt: skip
def test_what_numpy_writes_is_read(tmp_path, array):
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(tmp_path / "a.npy", "wb") as file:
            np.lib.format.write_array(file, array, version)
        back = load_npy(tmp_path / "a.npy")
        assert back.dtype == array.dtype and back.shape == array.shape and np.array_equal(back, array)
        if array.size:
            np.testing.assert_array_equal(map_npy(tmp_path / "a.npy"), array)


def header(shape="(2,)", kind="'<f8'", order="False") -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("data", [
    b"", b"\x93NUMPY\1\0", b"PK\x03\x04" * 99, header() + bytes(15), header() + bytes(17),
    header(shape="(1000000000000,)") + bytes(16),
    header(shape=f"({'2,' * 70})") + bytes(16),
    header(kind="'|O'") + bytes(16),
    header(kind="[('a', '<f8')]") + bytes(16),
    header(kind="__import__('os')") + bytes(16),
    header(kind="'<f7'") + bytes(14),
    header(order="0") + bytes(16),
    header(kind="'<U1'") + b"\xff" * 8,
    b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(99),
])  # fmt: skip
def test_what_numpy_would_not_write_is_a_value_error(tmp_path, data):
    with pytest.raises(ValueError):
        read_array(io.BytesIO(data))


def test_all_arrays_of_a_small_file_have_one_budget(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **{f"a{index}": np.zeros(1 << 26, np.uint8) for index in range(5)})
    names = array_names(tmp_path / "a.npz", "zeros")
    with pytest.raises(PoseError, match="'a3' takes"):
        load_arrays(tmp_path / "a.npz", dict.fromkeys(names, "u"), "zeros")
    assert load_arrays(tmp_path / "a.npz", {"a4": "u"}, "zeros")["a4"].size == 1 << 26


def test_a_long_name_is_refused_before_all_are_as_wide():
    assert text_array(["a", "b" * 4096]).dtype == "U4096"
    with pytest.raises(PoseError, match=r"3,000,000 letters"):
        text_array(["a"] * 50 + ["b" * 3_000_000])
