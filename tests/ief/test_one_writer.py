"""Two commands that write to one folder: the second is told who writes, and changes nothing."""

import os
import platform

import cv2
import numpy as np
import pytest
from processes import IEF, SMALL, train

from checkpoints.locking import lock_folder
from ief.cli import main


def write_image(path):
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    return path


COMMANDS = {
    "train": lambda data, run, out: train(data, out)[len(IEF) :],
    "table7": lambda data, run, out: ["table7", "--data", data, "--run", out.parent, *SMALL],
    "prepare": lambda data, run, out: [
        "prepare",
        "--annotations",
        data,
        "--images",
        write_image(run / "x.png").parent,
        "--size",
        "32",
        "--out",
        out,
    ],
    "release": lambda data, run, out: ["release", "--run", run, "--data", data, "--license", "none", "--out", out],
    "split": lambda data, run, out: ["predict", "--run", run, "--data", data, "--out", out],
    "image": lambda data, run, out: ["predict", "--run", run, write_image(run / "x.png"), "--out", out],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_command_in_a_folder_is_told_the_first(tiny_data, run, tmp_path, capsys, command):
    out = tmp_path / "table" / "all"
    arguments = [str(each) for each in COMMANDS[command](tiny_data, run, out)]
    with lock_folder(out):
        before = sorted(tmp_path.rglob("*"))
        assert main(arguments) == 2
        assert f"{out}: process {os.getpid()}@{platform.node()[:16]} is writing to it" in capsys.readouterr().err
        assert sorted(tmp_path.rglob("*")) == before
    assert not os.listdir(tmp_path)
