import errno
import os
import resource
import signal

import pytest
import torch
from safetensors.torch import save_file

from checkpoints.errors import PoseError
from checkpoints.files import checksum, read_text, write_text
from checkpoints.tensors import load_tensors, save_tensors
from checkpoints.training_state import load_checkpoint, save_checkpoint


def test_tensors_and_description_come_back_bit_for_bit(tmp_path):
    tensors = {"a": torch.randn(3, 4), "b": torch.arange(5), "c": torch.randn(2).to(torch.bfloat16)}
    path = save_tensors(tmp_path / "x.safetensors", tensors, {"method": "all", "numbers": [1, 2.5, None]})
    loaded, description = load_tensors(path)
    assert description == {"method": "all", "numbers": [1, 2.5, None]}
    torch.testing.assert_close(loaded, tensors, rtol=0, atol=0)  # types too


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_by_its_byte_order_mark(tmp_path, encoding):
    (tmp_path / "a.txt").write_text("jámbor\n", encoding=encoding)
    assert read_text(tmp_path / "a.txt") == "jámbor\n"
    (tmp_path / "a.txt").write_bytes("\ufeffjámbor".encode("utf-16-be"))
    assert read_text(tmp_path / "a.txt") == "jámbor"
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnicodeError):
        read_text(tmp_path / "a.txt")


def test_a_size_limit_while_saving_keeps_the_old_checkpoint(tmp_path):
    """A real refusal by the system: the process may not write files above 64 KiB."""
    save_checkpoint(tmp_path, 1, {"step": 1})
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # others did not survive the fork
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        large = {"w": torch.zeros(100000)}
        with pytest.raises(PoseError):
            save_checkpoint(tmp_path, 2, large)
        with pytest.raises(PoseError):
            save_tensors(tmp_path / "t.safetensors", large, {})
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert load_checkpoint(tmp_path)[1]["step"] == 1
    assert [name[:18] for name in os.listdir(tmp_path)] == ["training-00000001-"]


@pytest.mark.parametrize("cut", [0, 7, 200])
def test_a_truncated_stage_is_refused_by_name(tmp_path, cut):
    path = save_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(PoseError, match=r"x\.safetensors: corrupt"):
        load_tensors(path)
    with pytest.raises(PoseError, match="no such file"):
        load_tensors(tmp_path / "absent")


def test_every_changed_byte_of_a_stage_is_noticed(tmp_path):
    path = save_tensors(tmp_path / "x.safetensors", {"a": torch.arange(9.0)}, {"method": "all", "seed": 1})
    content = path.read_bytes()
    for place, byte in enumerate(content):
        path.write_bytes(content[:place] + bytes([byte ^ 4]) + content[place + 1 :])
        try:
            tensors, description = load_tensors(path)
        except PoseError as error:
            assert "x.safetensors" in str(error) and "\n" not in str(error)
        else:  # such as the `pt` of safetensors' own field `format`, or its padding
            assert torch.equal(tensors["a"], torch.arange(9.0)) and description == {"method": "all", "seed": 1}


def test_a_stage_without_checksum_or_description_is_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "x.safetensors", {"description": "{}"})
    with pytest.raises(PoseError, match="lack the checksum"):
        load_tensors(tmp_path / "x.safetensors")
    for text in ("", "null", "[1]", "[" * 100_000):
        save_file({"a": torch.zeros(2)}, tmp_path / "x.safetensors", {"description": text})
        with pytest.raises(PoseError, match="no description in its header"):
            load_tensors(tmp_path / "x.safetensors")


def test_checksum_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert checksum(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(PoseError, match="cannot be read"):
        checksum(tmp_path / "g")


@pytest.mark.parametrize("refusal", [errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP])
def test_writing_works_if_fsync_is_refused(tmp_path, monkeypatch, refusal):
    """Network and FUSE mounts, and Windows for a folder or a descriptor that is read only."""
    real_open = os.open

    def refuse(*_):
        raise OSError(refusal, os.strerror(refusal))

    def open_no_folder(path, flags, *args):
        return refuse() if os.path.isdir(path) else real_open(path, flags, *args)

    monkeypatch.setattr(os, "fsync", refuse)
    assert write_text(tmp_path / "a.txt", "one").read_text() == "one"
    monkeypatch.setattr(os, "open", open_no_folder)
    assert write_text(tmp_path / "a.txt", "two").read_text() == "two" and os.listdir(tmp_path) == ["a.txt"]


def test_a_disk_that_is_full_only_at_fsync_is_an_error(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "old")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PoseError, match=r"a\.txt: cannot be written \(No space left.*intact"):
        write_text(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027, 0o077])
@pytest.mark.parametrize("replaces", [False, True])
def test_files_have_the_mode_of_the_process(tmp_path, umask, replaces):
    """A stage may be read by whom its neighbors may, whichever library writes them."""
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


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300, "file/below"])
def test_a_name_that_no_file_can_have_is_told(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(PoseError):
        write_text(tmp_path / name, "text")
    assert os.listdir(tmp_path) == ["file"]
