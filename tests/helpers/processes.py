"""Trainings as people start them: processes of their own, to be waited for, stopped and killed."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import tiny_resnet
import torch
from safetensors.torch import load_file

from checkpoints.training_state import checkpoint_files
from ief.cli import main
from ief.model.run_folder import stage_file, stage_folder

# `--deterministic`, so that weights are equal whatever the threads of a test's own process and of those it starts.
SMALL = ["--backbone", "tiny_resnet", "--weights", "none", "--device", "cpu", "--batch-size", "8", "--deterministic"]
IEF = [sys.executable, tiny_resnet.__file__]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--"]


def train(data, run, *options):
    """The command line of a small training."""
    return [*IEF, "train", "--data", str(data), "--run", str(run), *SMALL, *options]


def on_two_ranks(command):
    """The same in two processes."""
    return [*TORCHRUN, *command[1:]]


def start(command, *, threads=1, **settings):
    """A running process, with pipes for what it prints."""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=env, **pipes, **settings)


def finish(command, status=0, **settings):
    """What a process printed on stderr, once it has ended with the expected status."""
    process = start(command, **settings)
    printed = process.communicate(timeout=600)[1]
    assert process.returncode == status, printed[-2000:]
    return printed


def finish_here(command, status=0):
    """The same within this process, which saves the seconds that a start takes."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(io.StringIO()):
        ended = main(command[len(IEF) :])
    assert ended == status, printed.getvalue()[-2000:]
    return printed.getvalue()


def checkpoints_of(run, index=0):
    """The checkpoints of a stage, the latest first."""
    return checkpoint_files(stage_folder(run, index))


def same_weights(run, other, stages=2):
    """Whether two runs hold the same stages bit for bit, and the same training curves."""
    for index in range(stages):
        here, there = (load_file(stage_file(folder, index)) for folder in (run, other))
        logs = [(stage_folder(folder, index) / "log.csv").read_text() for folder in (run, other)]
        equal = here.keys() == there.keys() and all(torch.equal(here[name], there[name]) for name in here)
        if not equal or logs[0] != logs[1]:
            return False
    return True


def children(pid):
    """Ids of the processes that `pid` started (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found
