"""Trainings that are killed, stopped, starved of disk and fed nonsense: real processes, and nothing lost."""

import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from configs import RUNTIME, small_config, with_options
from processes import checkpoints_of, children, finish, finish_here, on_two_ranks, same_weights, start, train

from checkpoints.errors import PoseError
from checkpoints.stopping import Stopped, Stopping
from checkpoints.training_state import load_checkpoint
from ief.model.run_folder import stage_file, stage_folder
from ief.training.runtime import open_runtime
from ief.training.trainer import StageTrainer, train_stage

NEVER = ["--checkpoint-seconds", "1000000"]
ALWAYS = ["--checkpoint-seconds", "0"]
AT_ONCE = ["--stop-after", "0.00001"]  # stops after the first step that it takes
SHORT = ["--preset", "demo", "--epochs", "4"]  # 12 steps a stage


@pytest.fixture(scope="module")
def straight(tiny_data, tmp_path_factory):
    """A finished run that nothing interrupted."""
    run = tmp_path_factory.mktemp("straight")
    finish_here(train(tiny_data, run, *SHORT, *NEVER))
    return run


def files_of(run):
    """Names and times of all files of a run: a change says that the training is at work."""
    with contextlib.suppress(FileNotFoundError):  # a file was renamed between listing and looking
        return {(path, path.stat().st_mtime_ns) for path in run.glob("*/*")}


def kill_at_random(command, run, draw):
    """Start a training and kill it: mostly within a second of its first sign of work, sometimes before."""
    before, process = files_of(run), start(command)
    longest = 4.0
    if draw.random() < 0.8:
        while process.poll() is None and files_of(run) == before:
            time.sleep(0.005)
        longest = 0.8
    time.sleep(draw.uniform(0, longest))
    process.kill()
    said = process.communicate()[1]
    assert process.returncode in (-signal.SIGKILL, 0), said[-2000:]
    return process.returncode == -signal.SIGKILL, "corrupt" in said


@pytest.mark.parametrize("kills", [1, pytest.param(25, marks=pytest.mark.slow)])
def test_kills_at_random_moments_lose_nothing(tiny_data, tmp_path, kills):
    """SIGKILL, `kills` times in each stage; every step saves, so that most of them fall into the saving."""
    options = ["--preset", "demo", "--epochs", str(4 * kills // 5 + 4)]
    options += ["--backbone", "resnet18"] if kills > 1 else []  # slow enough to be killed so often
    finish_here(train(tiny_data, tmp_path / "straight", *options, *NEVER))
    run, draw, killed, saving = tmp_path / "killed", random.Random(0), 0, 0
    for index in (0, 1):
        command = train(tiny_data, run, *options, *ALWAYS)
        for _ in range(kills):
            died, corrupt = kill_at_random(command, run, draw)
            assert not corrupt  # a kill leaves whole files: none had to be passed over
            killed += died
            saving += any(run.glob("stage*/.*part*"))
        finish_here(train(tiny_data, run, *options, *NEVER, "--stage", str(index)))
    print(f"{killed} kills, {saving} of them while a file was being written")
    assert killed == 2 * kills and (saving > 0 or kills < 10)
    assert same_weights(tmp_path / "straight", run)
    left = sorted(path.name for path in run.glob("stage*/*"))
    assert left == ["log.csv", "log.csv", "results.csv", "results.csv", "stage.safetensors", "stage.safetensors"]


def test_a_stopped_training_resumes_bit_for_bit(tiny_data, tmp_path, straight):
    run = tmp_path / "run"
    assert "--stop-after is up" in finish_here(train(tiny_data, run, *SHORT, *NEVER, *AT_ONCE), status=75)
    process = start(train(tiny_data, run, *SHORT, *NEVER))
    assert "resuming after step 1 of 12" in process.stderr.readline()
    process.terminate()
    said = process.communicate()[1]
    assert process.returncode == 143 and "stopped by SIGTERM; the same command resumes" in said
    assert len(checkpoints_of(run)) == 2  # it saved
    corrupt, whole = checkpoints_of(run)
    content = bytearray(corrupt.read_bytes())
    content[len(content) // 2] ^= 1
    corrupt.write_bytes(content)
    said = finish_here(train(tiny_data, run, *SHORT, *NEVER))
    assert f"{corrupt}: corrupt, " in said
    assert "resuming after step 1 of 12" in said and "00000001" in whole.name
    assert same_weights(straight, run)


def test_a_full_disk_is_one_line_and_the_old_state_stays(tiny_data, tmp_path):
    """A file may grow to 100 KB, a checkpoint needs a megabyte: what a disk that fills up does."""
    finish_here(train(tiny_data, tmp_path, *SHORT, *NEVER, *AT_ONCE), status=75)
    (state,) = checkpoints_of(tmp_path)
    content, limits = state.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        said = finish_here(train(tiny_data, tmp_path, *SHORT, *ALWAYS), status=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (line,) = (line for line in said.splitlines() if "ief train" in line)
    assert "cannot be written" in line and "intact" in line and "Traceback" not in said
    assert state.read_bytes() == content
    assert {path.name for path in tmp_path.glob("stage0/*")} == {"log.csv", "results.csv", state.name}  # no half file


def test_a_diverging_training_names_step_and_people(tiny_data, tmp_path):
    said = finish_here(train(tiny_data, tmp_path, *SHORT, *ALWAYS, "--lr", "1e30"), status=2)
    found = re.search(r"the loss of step (\d+) is (nan|inf), on (.*), \.\.\. \(8 people", said)
    assert found and "Traceback" not in said, said
    report = json.loads((stage_folder(tmp_path, 0) / "not-finite.json").read_text())
    assert report["step"] == int(found[1]) and found[3].split(", ") == report["persons"][:3]
    path, state = load_checkpoint(stage_folder(tmp_path, 0))
    assert f"the checkpoint after step {state['step']} is kept" in said and state["step"] < report["step"]
    assert all(value.isfinite().all() for value in state["stage"].values() if value.is_floating_point()), path


def change_steps(monkeypatch, change):
    """Steps of a training that give what `change(trainer, step, loss, lr)` makes of it."""
    real = StageTrainer.step
    monkeypatch.setattr(StageTrainer, "step", lambda trainer, step: change(trainer, step, *real(trainer, step)))


@pytest.mark.parametrize(
    ("seconds", "kept"), [(0.0, "the checkpoint after step 4 is kept"), (1e9, "no checkpoint had been saved yet")]
)
def test_a_loss_that_is_no_number_is_named_by_its_own_step(tiny_data, tmp_path, monkeypatch, seconds, kept):
    """The losses are looked at every 20 steps and before a state is saved; either way the culprit is step 5."""
    seen = {}

    def spoil(trainer, step, loss, lr):
        seen[step] = trainer.batches(step).person_ids.tolist()
        return (loss * float("nan") if step == 4 else loss), lr

    change_steps(monkeypatch, spoil)
    with pytest.raises(PoseError, match=rf"loss of step 5 is nan.*{kept}"):
        train_stage(small_config(tiny_data, tmp_path, epochs=4.0), replace(RUNTIME, checkpoint_seconds=seconds))
    assert json.loads((tmp_path / "stage0/not-finite.json").read_text())["persons"] == seen[4]
    assert not stage_file(tmp_path, 0).exists()


def test_weights_that_are_no_numbers_are_never_saved(tiny_data, tmp_path, monkeypatch):
    """A gradient can overflow while the loss is still finite."""

    def spoil(trainer, step, *done):
        if step == 11:  # the last: no later loss would show it
            trainer.stage.head.weight.data[0, 0] = float("inf")
        return done

    change_steps(monkeypatch, spoil)
    with pytest.raises(PoseError, match="weights are not finite after step 12"):
        train_stage(small_config(tiny_data, tmp_path, epochs=4.0), replace(RUNTIME, checkpoint_seconds=1e9))
    assert not stage_file(tmp_path, 0).exists()


def test_an_unfinished_stage_1_of_another_stage_0_is_refused(tiny_data, tmp_path):
    config = small_config(tiny_data, tmp_path, epochs=4.0)
    train_stage(config)
    stopping = Stopping()
    stopping.caught = signal.SIGTERM
    with pytest.raises(Stopped):
        train_stage(replace(config, index=1), replace(RUNTIME, stopping=stopping))
    assert checkpoints_of(tmp_path, 1)
    stage_file(tmp_path, 0).unlink()
    train_stage(with_options(config, epochs=1.0))
    with pytest.raises(PoseError, match=r"training-.*another stage 0 than .*train it again"):
        train_stage(replace(config, index=1))


def test_deterministic_runs_are_equal_on_one_thread_and_on_two(tiny_data, tmp_path):
    options = [*SHORT, "--epochs", "1", "--stage", "0"]
    threads = torch.get_num_threads()
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            finish_here(train(tiny_data, tmp_path / str(number), *options))
            assert torch.get_num_threads() == number  # it is given back
    finally:
        torch.set_num_threads(threads)
    assert same_weights(tmp_path / "1", tmp_path / "2", stages=1)
    finish_here(train(tiny_data, tmp_path / "other", *options, "--seed", "1"))
    assert not same_weights(tmp_path / "1", tmp_path / "other", stages=1)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["a process dies", "SIGTERM", "SIGTERM, people with and without depth"])
def test_two_ranks_stop_together_and_resume(tiny_data, deep_data, tmp_path, fault):
    data, options = tiny_data, [*SHORT, "--epochs", "40"]  # 120 steps
    if "depth" in fault:
        data, options = deep_data, [*SHORT, "--epochs", "20", "--also", str(tiny_data)]  # 100 steps
    options += ["--checkpoint-seconds", "0.5", "--stage", "0"]
    finish(on_two_ranks(train(data, tmp_path / "straight", *options)))
    run = tmp_path / "run"
    process = start(on_two_ranks(train(data, run, *options)))
    while not checkpoints_of(run) and process.poll() is None:
        time.sleep(0.02)
    if "SIGTERM" in fault:
        process.terminate()
    else:
        os.kill(max(children(process.pid)), signal.SIGKILL)
    said = process.communicate(timeout=120)[1]
    says = "stopped by SIGTERM; the same command resumes" if "SIGTERM" in fault else "lost another one"
    assert process.returncode == 1 and says in said, said[-3000:]
    assert "resuming after step" in finish(on_two_ranks(train(data, run, *options)))
    assert same_weights(tmp_path / "straight", run, stages=1)


@pytest.mark.slow
def test_a_disk_that_fails_costs_no_more_than_a_kill(tiny_data, tmp_path, straight):
    """A map of a file that has lost its end gives SIGBUS, as a map over a broken disk does."""
    data, run = shutil.copytree(tiny_data, tmp_path / "data"), tmp_path / "run"
    crops = data / "train-crops.npy"
    whole = crops.read_bytes()
    finish(train(data, run, *SHORT, *NEVER, *AT_ONCE), status=75)
    process, before = start(train(data, run, *SHORT, *ALWAYS)), checkpoints_of(run)
    while checkpoints_of(run) == before and process.poll() is None:
        time.sleep(0.01)
    os.truncate(crops, 4096)
    process.communicate()
    assert process.returncode != 0 and not stage_file(run, 1).exists()
    crops.write_bytes(whole)
    finish(train(data, run, *SHORT, *NEVER))
    assert same_weights(straight, run)


def test_a_stop_asked_for_twice():
    stopping = Stopping()
    with stopping.listening(), pytest.raises(Stopped) as stop, stopping.deferred():
        signal.raise_signal(signal.SIGINT)
        assert stopping.status == 130  # the first waits for the step under way
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second does not")
    assert stop.value.status == 130
    with pytest.raises(PoseError, match="--stop-after 0"):
        Stopping(0)
    with pytest.raises(PoseError, match="--checkpoint-seconds nan"), open_runtime(checkpoint_seconds=float("nan")):
        pass
    assert np.isinf(Stopping().deadline) and Stopping(1e-9).status == 75
