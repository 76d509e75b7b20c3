import resource
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch

from mpii_tools.prepared.batches import OnDevice, OnHost, hold_crops

CPU = torch.device("cpu")
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture
def crops(tmp_path):
    """Preprocessed crops as training sees them: a read-only memory map."""
    np.save(tmp_path / "crops.npy", np.random.default_rng(0).integers(0, 255, (20, 6, 6, 3)).astype(np.uint8))
    return np.load(tmp_path / "crops.npy", mmap_mode="r")


@pytest.mark.parametrize("held", [OnDevice, OnHost])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
@pytest.mark.filterwarnings("error")
def test_steps_get_the_crops_of_their_rows_in_any_order(crops, held, device, monkeypatch):
    """Those announced, those not announced, the same again; also where the upload takes several pieces."""
    monkeypatch.setattr("mpii_tools.prepared.batches.UPLOAD", 7 * crops[0].nbytes)
    source = held(crops, torch.device(device))
    steps = np.random.default_rng(1).permuted(np.tile(np.arange(20), (6, 1)), axis=1)
    for step, following in ((0, 1), (1, 2), (2, 3), (5, 0), (0, 0), (0, 4), (3, 2)):
        found = source(steps[step], steps[following])
        assert found.dtype == torch.uint8 and np.array_equal(found.cpu().numpy(), crops[steps[step]])
        found.zero_()  # what a step does with its crops does not reach the next one


def test_the_following_step_is_read_ahead_by_a_thread(crops):
    source, readers = OnHost(crops, CPU), []
    read = source._read

    def spy(rows):
        readers.append((threading.current_thread().name, rows.tolist()))
        return read(rows)

    source._read = spy
    for rows, following in pairwise(np.array([[3, 1], [4, 0], [7, 7], [3, 1]])):
        source(rows, following)
    source.ahead[1].result()
    names, rows = zip(*readers, strict=True)
    assert rows == ([3, 1], [4, 0], [7, 7], [3, 1])  # each once
    assert names[0] == threading.current_thread().name and all(name.startswith("crops") for name in names[1:])


@pytest.mark.parametrize(("free", "held"), [(4_321, OnDevice), (4_319, OnHost)])
def test_a_gpu_holds_crops_that_fit_half_its_free_memory(crops, monkeypatch, free, held):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**12))
    monkeypatch.setattr(OnDevice, "__init__", lambda self, crops, device: None)
    assert crops.nbytes == 2_160
    assert type(hold_crops(crops, torch.device("cuda"))) is held
    assert type(hold_crops(crops, CPU)) is OnHost


def test_crops_need_not_fit_into_memory(tmp_path):
    """A file of 64 GB, all holes: two steps read only their rows."""
    shape, path = (200_000, 336, 336, 3), tmp_path / "crops.npy"
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + np.prod(shape, dtype=np.int64))
    source = hold_crops(np.load(path, mmap_mode="r"), CPU)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for rows in (np.array([199_999, 0, 100_000]), np.array([5, 150_000, 6])):
        assert source(rows, rows + 1).shape == (3, 336, 336, 3)
    source.ahead[1].result()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KB
