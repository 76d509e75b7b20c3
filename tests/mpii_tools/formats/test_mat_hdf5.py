"""MATLAB 7.3 files, written here as MATLAB lays them out, against what `mat_file` makes of the same in version 5."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from checkpoints.errors import PoseError
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.read import read_annotations
from mpii_tools.formats.mat_file import UNKNOWN, load_mat
from mpii_tools.people import COLUMNS, People


def write_73(path, variables):
    """The variables, as `load_mat` has them, in MATLAB's layout of HDF5."""
    with h5py.File(path, "w", userblock_size=512) as file:
        hidden = file.create_group("#refs#")
        for name, value in variables.items():
            put(file, name, value, hidden)
    data = Path(path).read_bytes()
    Path(path).write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + data[512:])


def refer(values, hidden):
    references = np.empty((len(values), 1), dtype=h5py.ref_dtype)
    for row, value in enumerate(values):
        name = f"r{len(hidden)}"
        put(hidden, name, value, hidden)
        references[row, 0] = hidden[name].ref
    return references


def put(group, name, value, hidden):
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        item = group.create_group(name)
        for field in value[0]:
            column = [row[field] for row in value]
            if len(value) == 1:
                put(item, field, column[0], hidden)
            else:
                item.create_dataset(field, data=refer(column, hidden))
        kind = "struct"
    elif isinstance(value, list):
        item, kind = group.create_dataset(name, data=refer(value, hidden)), "cell"
    elif isinstance(value, str) and value:
        item, kind = group.create_dataset(name, data=np.array([[ord(c)] for c in value], np.uint16)), "char"
    elif isinstance(value, str) or np.size(value) == 0:
        item = group.create_dataset(name, data=np.zeros(2, np.uint64))
        item.attrs["MATLAB_empty"] = np.uint8(1)
        kind = "char" if isinstance(value, str) else "double"
    else:
        item, kind = group.create_dataset(name, data=np.atleast_2d(value).T), "double"
    item.attrs["MATLAB_class"] = np.bytes_(kind)


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    images = ["a.jpg", "a.jpg", "b.jpg", "c.jpg"]
    joints = rng.uniform(0, 200, (4, 16, 2))
    joints[1, 3] = np.nan
    return People(
        images, joints, person_ids=["a.jpg#1", "a.jpg#3", "b.jpg#1", "c.jpg#1"], center=rng.uniform(0, 99, (4, 2)),
        scale=rng.uniform(1, 2, 4), head_size=np.full(4, 30.0), split=np.array(["train", "train", "test", "train"]),
    )  # fmt: skip


def test_a_release_is_the_same_in_both_versions(tmp_path, people):
    write_mpii_mat(tmp_path / "five.mat", people)
    write_73(tmp_path / "seven.mat", load_mat(tmp_path / "five.mat"))
    five, seven = (read_annotations(tmp_path / name).people for name in ("five.mat", "seven.mat"))
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(seven, column), getattr(five, column), err_msg=column)


def test_newells_arrays_in_a_mat_file(tmp_path, people):
    columns = {"part": people.joints + 1, "center": people.center, "scale": people.scale}
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        put(file, "imgname", ["a", "b", "c", "d"], file.create_group("#refs#"))
        file.update({name: value.T for name, value in columns.items()})
    found = read_annotations(tmp_path / "a.mat").people
    assert found.images.tolist() == ["a", "b", "c", "d"]
    here = np.isfinite(people.joints)
    np.testing.assert_allclose(found.joints[here], people.joints[here])


def test_a_self_reference_ends_a_truncated_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        item = file.create_dataset("x", (1, 1), dtype=h5py.ref_dtype)
        item[0, 0] = item.ref
    assert load_mat(tmp_path / "a.mat") == {"x": [UNKNOWN]}
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:700])
    with pytest.raises(PoseError, match=r"a\.mat: not a whole MATLAB 7\.3 file"):
        load_mat(tmp_path / "a.mat")
