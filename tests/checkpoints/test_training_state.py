"""Checkpoints on disk: a kill at every line of a save, corrupt in every way, and never a pickle that runs code."""

import os
import shutil
import sys
from functools import partial

import pytest
import torch
from hostile import RunsCode

import checkpoints
from checkpoints.errors import PoseError
from checkpoints.files import remove_leftovers
from checkpoints.tensors import load_plain_data
from checkpoints.training_state import checkpoint_files, load_checkpoint, remove_checkpoints, save_checkpoint, step_of


def example(step):
    return {"step": step, "weights": torch.full((1000,), float(step)), "name": "all", "rows": [[1, 0.5]]}


def copies_at_every_line(folder, copies, work):
    """Run `work`, and before each line of the package that it executes copy `folder` to `copies`/0, 1, ...

    A copy holds what the system has been given so far: what the disk would hold if the process were killed there.
    """
    made = []

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(checkpoints.__path__[0]):
            return None
        if event == "line":
            made.append(shutil.copytree(folder, copies / str(len(made))))
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
    return made


def test_a_kill_at_any_line_of_a_save_leaves_a_checkpoint(tmp_path, capsys):
    folder = tmp_path / "run"
    save_checkpoint(folder, 1, example(1))
    save_checkpoint(folder, 2, example(2))
    found = []
    for copy in copies_at_every_line(folder, tmp_path / "copies", partial(save_checkpoint, folder, 3, example(3))):
        path, loaded = load_checkpoint(copy)
        assert loaded["weights"][0] == loaded["step"] == step_of(path)
        found.append(loaded["step"])
        remove_leftovers(copy)
        assert all(path in checkpoint_files(copy) for path in copy.iterdir())
    assert found == sorted(found) and set(found) == {2, 3} and len(found) > 20
    assert capsys.readouterr().err == ""  # none was corrupt


def test_the_last_two_checkpoints_are_kept_and_removed_together(tmp_path):
    assert load_checkpoint(tmp_path / "absent") is None and load_checkpoint(tmp_path) is None
    for step in (5, 20, 100):
        save_checkpoint(tmp_path, step, example(step))
    assert [step_of(path) for path in checkpoint_files(tmp_path)] == [100, 20]
    assert load_checkpoint(tmp_path)[1]["step"] == 100
    remove_checkpoints(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "foreign"])
def test_a_corrupt_checkpoint_is_told_the_previous_taken(tmp_path, capsys, how):
    save_checkpoint(tmp_path, 1, example(1))
    corrupt = save_checkpoint(tmp_path, 2, example(2))
    content = corrupt.read_bytes()
    middle = len(content) // 2
    corrupt.write_bytes({
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "cut": content[:middle],
        "empty": b"", "foreign": b"something else",
    }[how])  # fmt: skip
    assert load_checkpoint(tmp_path)[1]["step"] == 1
    reported = capsys.readouterr().err
    assert reported.count("\n") == 1 and f"{corrupt}: corrupt" in reported and "trying the previous" in reported
    save_checkpoint(tmp_path, 2, example(2))
    save_checkpoint(tmp_path, 3, example(3))
    assert [step_of(path) for path in checkpoint_files(tmp_path)] == [3, 2]


def test_a_corrupt_checkpoint_does_not_push_a_whole_one_out(tmp_path):
    save_checkpoint(tmp_path, 1, example(1))
    save_checkpoint(tmp_path, 9, example(9)).write_bytes(b"")
    save_checkpoint(tmp_path, 2, example(2))
    assert [step_of(path) for path in checkpoint_files(tmp_path)] == [2, 1]


def test_what_could_run_code_is_refused(tmp_path, recwarn):
    evil = RunsCode(tmp_path / "ran")
    torch.save({"step": evil}, tmp_path / "evil.pt")
    with pytest.raises(PoseError, match=r"evil\.pt: corrupt"):
        load_plain_data(tmp_path / "evil.pt")
    # A checkpoint whose name fits its bytes, as someone who means harm would name it.
    save_checkpoint(tmp_path / "run", 1, {"step": evil})
    with pytest.raises(PoseError, match="none of its 1 checkpoints is whole; delete it"):
        load_checkpoint(tmp_path / "run")
    assert not (tmp_path / "ran").exists() and not recwarn.list


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\x80\x04."])
def test_other_files_are_one_clear_line(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(PoseError, match=r"x\.pth: corrupt, or") as error:
        load_plain_data(tmp_path / "x.pth")
    assert "\n" not in str(error.value)
    with pytest.raises(PoseError, match="no such file"):
        load_plain_data(tmp_path / "absent.pth")
