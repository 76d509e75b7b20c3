"""Predictors in other processes, and the paths that they are loaded by."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.cli import main
from ief.inference.cascade_network import CascadeNetwork

FORK = """
import os, sys, numpy as np, torch
import tiny_resnet
from ief import PosePredictor
image = np.zeros((48, 64, 3), np.uint8)
for threads in (1, 2):
    torch.set_num_threads(threads)
    predictor = PosePredictor.load(sys.argv[1], "cpu")
    for _ in ("untouched", "used"):
        if os.fork() == 0:
            try:
                print(len(predictor(image)), flush=True)
            except Exception as error:
                print(type(error).__name__, error, flush=True)
            os._exit(0)
        os.wait()
        predictor(image)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_predictor_works_or_says_why_not(run):
    """One of one thread works, one of two says so, whether the process that forked has used it or not."""
    command = [sys.executable, "-c", FORK, str(run)]
    path = os.pathsep.join([str(Path(__file__).resolve().parents[1] / "helpers"), os.getcwd()])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    *of_one_thread, third, fourth = done.stdout.splitlines()
    assert of_one_thread == ["1", "1"] and done.returncode == 0
    assert all(line.startswith("PoseError") and "load in each worker" in line for line in (third, fourth))


def test_a_pickled_predictor_belongs_to_its_new_process(run, monkeypatch):
    packed = pickle.dumps(PosePredictor.load(run, "cpu").network.skeleton)
    assert pickle.loads(packed) == PosePredictor.load(run, "cpu").skeleton
    network = PosePredictor.load(run, "cpu").network
    state = {**vars(network), "process": -1}
    again = CascadeNetwork.__new__(CascadeNetwork)
    again.__setstate__(state)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert again.process == os.getpid() and again.size == network.size
    network.process = -1
    with pytest.raises(PoseError, match="load in each worker"):
        network(torch.zeros(1, 32, 32, 3, dtype=torch.uint8).numpy())


def test_a_run_is_found_by_its_files_and_from_home(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copytree(run, tmp_path / "runs" / "all")
    for path, stages in (
        ("~/runs/all", 2), ("~/runs/all/stage1/stage.safetensors", 2), (run / "stage0" / "stage.safetensors", 1),
    ):  # fmt: skip
        assert PosePredictor.load(path, "cpu").network.stage == stages - 1
    (tmp_path / "MODEL.ONNX").write_bytes(b"no model")
    for path in ("~/MODEL.ONNX", "~/none.onnx"):
        with pytest.raises(PoseError, match=r"(not a model that ONNX Runtime|no such file|not installed)"):
            PosePredictor.load(path)
    assert main(["predict", "--run=~/runs/none", "x.jpg"]) == 2
    assert str(tmp_path / "runs" / "none") in capsys.readouterr().err
