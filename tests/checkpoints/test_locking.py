import errno
import os
import platform
import signal
import threading
import time
from pathlib import Path

import pytest

from checkpoints.errors import PoseError
from checkpoints.locking import lock_folder, lock_folders, open_partial

HOLDER = rf"process {os.getpid()}@{platform.node()[:16]} is writing to it"


def hold_until_killed(folder):
    """A process that writes to `folder`, once it has the lock."""
    child = os.fork()
    if child == 0:
        with open_partial(folder) as partial:
            (partial / "half").write_text("half")
            (folder / "ready").touch()
            time.sleep(60)
        os._exit(0)
    while not (folder / "ready").exists():
        time.sleep(0.01)
    return child


@pytest.mark.parametrize("other", [lambda path: path, lambda path: path / ".." / path.name, os.path.relpath])
def test_a_second_writer_is_told_the_first_ones_process(tmp_path, other):
    out, refused = tmp_path / "out", []

    def write():
        try:
            with lock_folders(tmp_path / "free", Path(other(out))):
                refused.append("written")
        except PoseError as error:
            refused.append(str(error))

    with lock_folder(out):
        (thread := threading.Thread(target=write)).start(), thread.join()
        write()
    write()
    assert [HOLDER in line for line in refused] == [True, True, False] and refused[2] == "written"
    assert not os.listdir(tmp_path)


def test_a_kill_frees_the_folder_and_its_rest_is_removed(tmp_path):
    child = hold_until_killed(tmp_path / "out")
    with pytest.raises(PoseError, match=f"process {child}@"), open_partial(tmp_path / "out"):
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open_partial(tmp_path / "out") as partial:
        assert not os.listdir(partial)
    assert os.listdir(tmp_path / "out") == ["ready"]


def test_folders_made_for_nothing_are_removed(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_partial(tmp_path / "a" / "b"):
        raise KeyboardInterrupt
    with lock_folder(tmp_path / "c" / "d"):
        (tmp_path / "c" / "e").touch()
    assert os.listdir(tmp_path) == ["c"] and os.listdir(tmp_path / "c") == ["e"]


@pytest.mark.parametrize(("number", "works"), [(errno.ENOLCK, True), (errno.ENOTSUP, True), (errno.EROFS, False)])
def test_a_disk_without_locks_is_told_and_written(tmp_path, monkeypatch, capsys, number, works):
    def refuse(lock):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("checkpoints.locking.FileLock.acquire", refuse)
    done = []
    try:
        with lock_folder(tmp_path):
            done.append(True)
    except PoseError as error:
        assert os.strerror(number) in str(error)
    assert bool(done) == works == bool(capsys.readouterr().err)
