"""A program without a console: no progress is shown, and the work is done."""

import io
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from checkpoints.progress import progress
from ief.cli import main

COMMAND = "prepare --annotations train.json --images . --size 32 --out"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an image and its annotations."""
    folder = tmp_path_factory.mktemp("console")
    cv2.imwrite(str(folder / "0.jpg"), np.full((60, 80, 3), 90, np.uint8))
    joints = [[10.0 + k, 20.0] for k in range(16)]
    person = {"image": "0.jpg", "center": [40, 30], "scale": 0.3, "joints": joints, "joints_vis": [1] * 16}
    (folder / "train.json").write_text(json.dumps([person]))
    return folder


@pytest.mark.parametrize(
    ("name", "closed"), [("err", "2>&-"), ("out", ">&-"), ("both", ">&- 2>&-"), ("all", "<&- >&- 2>&-")]
)
def test_closed_streams_cost_no_work(folder, name, closed):
    done = subprocess.run(f'"{sys.executable}" -m ief {COMMAND} {name} {closed}', shell=True, cwd=folder)
    assert done.returncode == 0 and (folder / name / "train-crops.npy").exists()


def closed_stream():
    stream = io.StringIO()
    stream.close()
    return stream


class Window:
    """What a program with a window of its own puts in place of a stream."""

    def write(self, text):
        return len(text)

    def flush(self):
        pass


STREAMS = {"None": lambda: None, "closed": closed_stream, "window": Window}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_is_none_closed_or_foreign(folder, monkeypatch, stream):
    monkeypatch.chdir(folder)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, STREAMS[stream]())
    work = list(progress(range(3), "work"))
    bad, good = main(["prepare", "--annotations", "absent.json", "--out", "o"]), main([*COMMAND.split(), stream])
    monkeypatch.undo()
    assert (work, bad, good) == ([0, 1, 2], 2, 0) and (folder / stream / "train-crops.npy").exists()
