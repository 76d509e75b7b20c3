"""States on disk: killed at every line of their saving, corrupt in every way, and never a pickle that runs code."""

import os
import shutil
import sys
from functools import partial

import pytest
import torch

import checkpoints
from checkpoints.errors import PoseError
from checkpoints.files import remove_leftovers
from checkpoints.training_state import load_plain_data, load_state, remove_states, save_state, state_files, step_of

KILLED = 9


def state(step):
    return {"step": step, "weights": torch.full((1000,), float(step)), "name": "all", "rows": [[1, 0.5]]}


def dies_at_line(number, work):
    """Run `work` in a copy of this process that ends at its `number`-th line in the package; whether it ended there."""
    child = os.fork()
    if child == 0:
        lines = iter(range(number))

        def trace(frame, event, _):
            if not frame.f_code.co_filename.startswith(checkpoints.__path__[0]):
                return None
            if event == "line" and next(lines, None) is None:
                os._exit(KILLED)
            return trace

        sys.settrace(trace)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_a_kill_at_any_line_of_a_save_leaves_the_old_state_or_the_new_one(tmp_path, capfd):
    save_state(tmp_path / "before", 1, state(1))
    save_state(tmp_path / "before", 2, state(2))
    found, number, folder = [], 0, shutil.copytree(tmp_path / "before", tmp_path / "0")
    while dies_at_line(number, partial(save_state, folder, 3, state(3))):
        path, loaded = load_state(folder)
        assert loaded["weights"][0] == loaded["step"] == step_of(path)
        found.append(loaded["step"])
        remove_leftovers(folder)
        assert all(path in state_files(folder) for path in folder.iterdir())
        number += 1
        folder = shutil.copytree(tmp_path / "before", tmp_path / str(number))
    assert found == sorted(found) and set(found) == {2, 3} and number > 20
    assert capfd.readouterr().err == ""  # none was corrupt


def test_the_last_two_states_are_kept_and_removed_together(tmp_path):
    assert load_state(tmp_path / "absent") is None and load_state(tmp_path) is None
    for step in (5, 20, 100):
        save_state(tmp_path, step, state(step))
    assert [step_of(path) for path in state_files(tmp_path)] == [100, 20]
    assert load_state(tmp_path)[1]["step"] == 100
    remove_states(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "foreign"])
def test_a_torn_state_falls_back_to_the_one_before_aloud(tmp_path, capsys, how):
    save_state(tmp_path, 1, state(1))
    corrupt = save_state(tmp_path, 2, state(2))
    content = corrupt.read_bytes()
    middle = len(content) // 2
    corrupt.write_bytes(
        {
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "cut": content[:middle],
            "empty": b"",
            "foreign": b"something else",
        }[how]
    )
    assert load_state(tmp_path)[1]["step"] == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"{corrupt}: corrupt" in said and "the state before" in said
    save_state(tmp_path, 2, state(2))
    save_state(tmp_path, 3, state(3))
    assert [step_of(path) for path in state_files(tmp_path)] == [3, 2]


def test_a_torn_state_does_not_push_a_whole_one_out(tmp_path):
    save_state(tmp_path, 1, state(1))
    save_state(tmp_path, 9, state(9)).write_bytes(b"")
    save_state(tmp_path, 2, state(2))
    assert [step_of(path) for path in state_files(tmp_path)] == [2, 1]


def test_no_whole_state_is_an_error(tmp_path):
    save_state(tmp_path, 1, state(1)).write_bytes(b"")
    with pytest.raises(PoseError, match="none of its 1 saved states is whole; delete it to start again"):
        load_state(tmp_path)


class Evil:
    """A pickle of it runs a command when it is loaded."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


def test_what_could_run_code_is_refused(tmp_path, recwarn):
    torch.save({"step": Evil(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(PoseError, match=r"evil\.pt: corrupt, or holds more than tensors, numbers and text"):
        load_plain_data(tmp_path / "evil.pt")
    # A state whose name fits its bytes, as someone who means harm would name it.
    save_state(tmp_path / "run", 1, {"step": Evil(tmp_path / "ran")})
    with pytest.raises(PoseError, match="none of its 1 saved states is whole"):
        load_state(tmp_path / "run")
    assert not (tmp_path / "ran").exists() and not recwarn.list


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\x80\x04."])
def test_other_files_are_one_clear_line(tmp_path, content):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(PoseError, match=r"x\.pth: corrupt, or") as error:
        load_plain_data(tmp_path / "x.pth")
    assert "\n" not in str(error.value)
    with pytest.raises(PoseError, match="no such file"):
        load_plain_data(tmp_path / "absent.pth")
