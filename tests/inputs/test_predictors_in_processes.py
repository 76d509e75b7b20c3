"""Predictors in other processes, and the paths that they are loaded by."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import run_ief

from checkpoints.errors import PoseError
from ief import PosePredictor
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
    network = PosePredictor.load(run, "cpu").network
    assert pickle.loads(pickle.dumps(network.skeleton)) == network.skeleton
    again = CascadeNetwork.__new__(CascadeNetwork)
    again.__setstate__({**vars(network), "process": -1})
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert again.process == os.getpid() and again.size == network.size
    network.process = -1
    with pytest.raises(PoseError, match="load in each worker"):
        network(np.zeros((1, 32, 32, 3), np.uint8))


def test_a_run_is_found_by_its_files_and_from_home(run, tmp_path, monkeypatch, capsys):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    shutil.copytree(run, tmp_path / "runs" / "all")
    stage = "stage{}/stage.safetensors"
    for path, last in (("~/runs/all", 1), ("~/runs/all/" + stage.format(1), 1), (run / stage.format(0), 0)):
        assert PosePredictor.load(path, "cpu").network.stage == last
    (tmp_path / "MODEL.ONNX").write_bytes(b"no model")
    for path in ("~/MODEL.ONNX", "~/none.onnx"):
        with pytest.raises(PoseError, match=r"(not a model that ONNX Runtime|no such file|not installed)"):
            PosePredictor.load(path)
    run_ief("predict", "--run=~/runs/none", "x.jpg", status=2)
    assert str(tmp_path / "runs" / "none") in capsys.readouterr().err
