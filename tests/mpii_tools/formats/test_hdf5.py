"""HDF5 files from anywhere: no more memory than they are worth, and nothing of other files."""

import os

import h5py
import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.formats.hdf5 import load_hdf5


def test_arrays_and_text_are_read_and_groups_passed_over(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"x": np.eye(3), "names": [b"a.jpg", b"b.jpg"], "one": 3.5, "group/x": 1})
    stored = load_hdf5(tmp_path / "a.h5")
    assert {name: type(value) for name, value in stored.items()} == dict.fromkeys(["x", "names", "one"], np.ndarray)
    np.testing.assert_array_equal(stored["x"], np.eye(3))


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.eye(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("secret.h5", "x")
        file["soft"] = h5py.SoftLink("/linked")
        file["own"] = 1.0
    assert list(load_hdf5(tmp_path / "a.h5")) == ["own"]
    with h5py.File(tmp_path / "b.h5", "w") as file:
        layout = h5py.VirtualLayout((3, 3), float)
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", (3, 3))
        file.create_virtual_dataset("x", layout)
    with pytest.raises(PoseError, match="'x' takes 72 bytes, or is in another file"):
        load_hdf5(tmp_path / "b.h5")


@pytest.mark.parametrize(("count", "length", "chunk"), [
    (3, 1 << 25, 1 << 20), (1, 8, 1 << 27), (1 << 6, 1 << 20, 99), (1, 1 << 45, 32),
])  # fmt: skip
def test_all_of_a_file_has_one_budget(tmp_path, count, length, chunk):
    with h5py.File(tmp_path / "a.h5", "w") as file:  # of nothing that is stored
        for index in range(count):
            shape = {"shape": (length,), "maxshape": (None,), "chunks": (chunk,)}
            file.create_dataset(f"d{index}", dtype="f4" if count < 9 else "f8", **shape)
    assert os.path.getsize(tmp_path / "a.h5") < 1 << 16
    with pytest.raises(PoseError, match=r"a\.h5: not a whole HDF5 file \('d\d+' takes [\d,]+ bytes"):
        load_hdf5(tmp_path / "a.h5")
