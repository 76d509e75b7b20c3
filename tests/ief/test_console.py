"""A console that lacks characters, or streams, or is none: what it lacks is escaped, and the work is done."""

import contextlib
import io
import json
import os
import struct
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from checkpoints.progress import progress
from ief.cli import main
from mpii_tools.annotations.people_file import load_people
from mpii_tools.results.predictions import Predictions, save_predictions

NAME = "Läufer Δ – 走る"


IEF = [sys.executable, "-m", "ief"]


def console(encoding):
    """The environment of a program on such a console."""
    return {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}


def ief(encoding, *arguments, status=0):
    """What `ief` prints, on both streams, decoded by the console's own encoding."""
    done = subprocess.run([*IEF, *map(str, arguments)], capture_output=True, env=console(encoding))
    printed = (done.stdout + done.stderr).decode(encoding)
    assert done.returncode == status and "Traceback" not in printed, printed[-3000:]
    return printed


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of that name with one image of two that its annotations name."""
    folder = tmp_path_factory.mktemp("place") / NAME
    folder.mkdir()
    cv2.imencode(".jpg", np.full((60, 80, 3), 90, np.uint8))[1].tofile(folder / f"{NAME}.jpg")
    person = {"center": [40, 30], "scale": 0.3, "joints": [[10.0 + k, 20.0] for k in range(16)]}
    people = [{"image": f"{NAME}{number}.jpg", **person} for number in ("", " 2")]
    (folder / "train.json").write_text(json.dumps(people, ensure_ascii=False), encoding="utf-8")
    return folder


def prepare(place, out, annotations="train.json"):
    """The arguments that prepare it."""
    where = ["--annotations", place / annotations, "--images", place, "--out", place / out]
    return ["prepare", *map(str, where), "--size", "32"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_names_the_console_lacks_are_escaped(place, encoding):
    printed = ief(encoding, *prepare(place, encoding), status=3)
    assert r"\u8d70" in printed and ("L\\xe4ufer" in printed) == (encoding == "ascii")
    assert load_people(place / encoding / "train.npz").images.tolist() == [f"{NAME}.jpg"]
    assert r"\u8d70" in ief(encoding, *prepare(place, "o", "absent.json"), status=2)


def test_a_progress_bar_is_drawn_on_such_a_terminal(place):
    """A pseudo-terminal, 100 columns wide, whose encoding is ASCII."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 30, 100, 0, 0))
    streams = {"stdout": subprocess.DEVNULL, "stderr": theirs}
    process, printed = subprocess.Popen([*IEF, *prepare(place, "bar")], **streams, env=console("ascii")), b""
    os.close(theirs)
    with contextlib.suppress(OSError):  # how Linux reports that the other end is closed
        while block := os.read(ours, 4096):
            printed += block
    os.close(ours)
    assert process.wait() == 3 and printed.isascii() and b"preparing train: 100%|####" in printed, printed[-2000:]


def test_output_is_written_whatever_the_console_lacks(finished, tiny_data, tmp_path):
    people, rng = load_people(tiny_data / "valid.npz"), np.random.default_rng(0)
    near, far = (tmp_path / f"{NAME} {name}.npz" for name in ("near", "far"))
    for path, std in ((near, 5), (far, 20)):
        joints = np.nan_to_num(people.joints, nan=100.0) + rng.normal(0, std, people.joints.shape)
        save_predictions(path, Predictions(joints, people.person_ids))
    words = ["--predictions", near, "--against", far, "--annotations", tiny_data / "valid.npz"]
    assert "PCKh@0.5" in ief("ascii", "evaluate", *words, "--intervals")
    out = tmp_path / NAME / "report"
    assert r"\u8d70" in ief("ascii", "report", finished, "--out", out, "--data", tiny_data)
    assert NAME in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "closed"), [("err", "2>&-"), ("out", ">&-"), ("both", ">&- 2>&-"), ("all", "<&- >&- 2>&-")]
)
def test_closed_streams_cost_no_work(place, name, closed):
    command = f'"{sys.executable}" -m ief prepare --annotations train.json --images . --size 32 --out {name} {closed}'
    assert subprocess.run(command, shell=True, cwd=place).returncode == 3
    assert (place / name / "train-crops.npy").exists()


def closed_stream():
    stream = io.StringIO()
    stream.close()
    return stream


# The last is what a program with a window of its own puts in place of a stream.
STREAMS = {
    "None": lambda: None, "closed": closed_stream, "window": lambda: SimpleNamespace(write=len, flush=lambda: None),
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_is_none_closed_or_foreign(place, monkeypatch, stream):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, STREAMS[stream]())
    work = list(progress(range(3), "work"))
    statuses = [main(prepare(place, stream, annotations)) for annotations in ("train.json", "absent.json")]
    monkeypatch.undo()
    assert (work, statuses) == ([0, 1, 2], [3, 2]) and (place / stream / "train-crops.npy").exists()
