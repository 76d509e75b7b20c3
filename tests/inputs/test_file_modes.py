"""Files have the mode that the process gives new files, whichever library writes them."""

import os

import pytest
import torch

from checkpoints.errors import PoseError
from checkpoints.files import write_text
from checkpoints.tensors import load_tensors, save_tensors
from checkpoints.training_state import save_checkpoint


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027, 0o077])
@pytest.mark.parametrize("replaces", [False, True])
def test_a_stage_may_be_read_by_whom_its_neighbors_may(tmp_path, umask, replaces):
    path = tmp_path / "stage.safetensors"
    if replaces:  # a file of an earlier version
        path.touch(0o600)
    before = os.umask(umask)
    try:
        save_tensors(path, {"a": torch.zeros(3)}, {"method": "all"})
        checkpoint, text = save_checkpoint(tmp_path, 1, {"step": 1}), write_text(tmp_path / "log.csv", "step")
    finally:
        os.umask(before)
    assert {oct(file.stat().st_mode & 0o777) for file in (path, checkpoint, text)} == {oct(0o666 & ~umask)}
    assert load_tensors(path)[1] == {"method": "all"}


@pytest.mark.parametrize("name", [".", "..", "", "folder", "folder/"])
def test_a_folder_in_place_of_a_file_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(PoseError, match="is a folder"):
        write_text(name, "text")
    assert os.listdir(tmp_path) == ["folder"]
