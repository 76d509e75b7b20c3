import os
import subprocess
import sys

import pytest
import torch

from checkpoints.errors import BadCheckpoint
from checkpoints.files import checksum, write_atomically, write_text
from checkpoints.tensors import load_tensors, save_tensors
from checkpoints.training_state import load_state, save_state


def test_tensors_and_description_come_back_bit_for_bit(tmp_path):
    tensors = {"a": torch.randn(3, 4), "b": torch.arange(5), "c": torch.randn(2).to(torch.bfloat16)}
    path = save_tensors(tmp_path / "x.safetensors", tensors, {"method": "all", "numbers": [1, 2.5, None]})
    loaded, description = load_tensors(path)
    assert description == {"method": "all", "numbers": [1, 2.5, None]}
    assert all(
        torch.equal(loaded[name], tensors[name]) and loaded[name].dtype == tensors[name].dtype for name in tensors
    )


def test_a_failing_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = write_text(tmp_path / "a.txt", "old")

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(BadCheckpoint, match=r"disk full.*intact"):
        write_atomically(path, fail)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_size_limit_while_saving_keeps_the_old_state(tmp_path):
    """A real refusal by the system: the process may not write files above 64 KiB."""
    code = f"""
import resource, signal, torch
from checkpoints.training_state import save_state, load_state
from checkpoints.tensors import save_tensors
from checkpoints.errors import BadCheckpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
save_state({str(tmp_path / "s.pt")!r}, {{"step": 1}})
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
for save in (lambda: save_state({str(tmp_path / "s.pt")!r}, {{"step": 2, "w": torch.zeros(100000)}}),
             lambda: save_tensors({str(tmp_path / "t.safetensors")!r}, {{"w": torch.zeros(100000)}}, {{}})):
    try:
        save()
    except BadCheckpoint as error:
        print("refused", error)
print(load_state({str(tmp_path / "s.pt")!r})["step"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert [line.startswith("refused") for line in lines] == [True, True, False], done.stderr[-800:]
    assert lines[-1] == "1" and sorted(os.listdir(tmp_path)) == ["s.pt"]


@pytest.mark.parametrize("cut", [0, 7, 200])
def test_torn_files_are_refused_by_name(tmp_path, cut):
    tensors = save_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(100)}, {})
    state = save_state(tmp_path / "s.pt", {"step": 3, "w": torch.zeros(100)})
    for path, load in ((tensors, load_tensors), (state, load_state)):
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(BadCheckpoint, match=path.name):
            load(path)
        with pytest.raises(BadCheckpoint, match="no such file"):
            load(tmp_path / "absent")


def test_a_state_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'ran'}",))

    torch.save({"step": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(BadCheckpoint, match=r"evil\.pt"):
        load_state(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_checksum_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert checksum(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        checksum(tmp_path / "g")
