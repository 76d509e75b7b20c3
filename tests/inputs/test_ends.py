"""The end of a reader, a disk or a process: the work goes on, or says in its status that it has not."""

import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from coco_files import write_tree
from commands import run_ief, said_by
from pictures import draw_clip, smooth_image, write_picture

from checkpoints.console import Console
from checkpoints.errors import PoseError
from ief.inference.video import write_video
from ief.workflow.predict import predict_inputs
from mpii_tools.annotations.people_file import load_people
from mpii_tools.prepared import write
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions


@pytest.fixture(scope="module")
def predictions(tmp_path_factory, tiny_data):
    """Annotations and predictions to evaluate."""
    path, people = tmp_path_factory.mktemp("ends") / "p.npz", load_people(tiny_data / "valid.npz")
    save_predictions(path, Predictions(np.nan_to_num(people.joints, nan=9.0), people.person_ids))
    return ["--predictions", str(path), "--annotations", str(tiny_data / "valid.npz")]


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(("reader", "status"), [("| head -0", 0), (">/dev/full", 2), ("2>/dev/full", 0)])
def test_what_a_command_writes_is_there_without_a_reader(predictions, tmp_path, buffered, reader, status):
    if "full" in reader and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    ief = [sys.executable, *["-u"] * (not buffered), "-m", "ief", "evaluate", *predictions, "--json", "scores.json"]
    shell = ["bash", "-c", f'"$@" {reader}; exit ${{PIPESTATUS[0]}}', "bash", *ief]
    done = subprocess.run(shell, capture_output=True, text=True, cwd=tmp_path, env={**os.environ})
    assert done.returncode == status and (tmp_path / "scores.json").exists()
    assert done.stderr.count("\n") == (status == 2) and "Exception ignored" not in done.stderr


def test_no_control_character_reaches_a_terminal(capsys):
    print("a\x1b]0;t\x07\u202eb\r\tc\n", end="", file=Console(sys.stdout))
    assert capsys.readouterr().out == "a%x1b]0;t%x07%u202eb%r\tc\n"
    assert "%x1b[2J" in said_by("predict", "--run", "\x1b[2J", "a.jpg")


@pytest.mark.parametrize("room", [0, 700, 3000])
@pytest.mark.parametrize("ending", [".mp4", ".avi"])
def test_a_video_on_a_full_disk_is_none(tmp_path, monkeypatch, ending, room):
    grab = cv2.VideoCapture

    def cut(path):
        os.truncate(path, room)
        return grab(path)

    monkeypatch.setattr(cv2, "VideoCapture", cut)
    frames = iter([smooth_image(96, 64, seed=seed) for seed in range(6)])
    with pytest.raises(PoseError, match="of 6 frames"):
        write_video(tmp_path / f"clip{ending}", frames, 10)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["rate", "folder", "room"])
def test_poses_survive_a_video_that_cannot_be_written(run, tmp_path, monkeypatch, fault):
    draw_clip(tmp_path / "clip.avi", 5)
    copy = tmp_path / "out" / "clip.pose.avi"
    if fault == "rate":  # as OpenCV before 5 with less than a frame per second
        methods = {"fourcc": cv2.VideoWriter.fourcc, "isOpened": lambda self: False, "__init__": lambda *_: None}
        monkeypatch.setattr(cv2, "VideoWriter", type("Slow", (), methods))
    elif fault == "folder":
        copy.mkdir(parents=True)
    else:
        monkeypatch.setattr("checkpoints.files.flush", fail)
    files, (line,) = predict_inputs([tmp_path / "clip.avi"], tmp_path / "out", run, device="cpu")
    assert "clip.pose.avi" in line and copy not in files and not copy.is_file()
    assert len(read_predictions(tmp_path / "out" / "predictions-images.npz")) == 5


def fail(path):
    """A disk that has no room for videos."""
    if path.suffix == ".avi":
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_preparation_leaves_nothing(tmp_path, monkeypatch, capsys, number):
    tree = write_tree(tmp_path / "valid.json", [{"image": "a.jpg", "center": [30, 20], "scale": 0.2}])
    write_picture(tmp_path / "a.jpg")
    monkeypatch.setattr(write, "finish", lambda *_: signal.raise_signal(number))
    words = ["--annotations", f"test={tree}", "--images", tmp_path, "--out", tmp_path / "out"]
    run_ief("prepare", *words, "--size", "32", status=128 + number)
    assert "resumes" not in capsys.readouterr().err and not (tmp_path / "out").exists()
