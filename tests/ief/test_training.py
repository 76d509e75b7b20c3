"""Training as people run it: real processes, killed, resumed, and spread over two."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from heads.errors import BadInput
from heads.skeleton import MPII
from ief.cascade import Cascade
from ief.optimisation import learning_rate
from ief.presets import preset_called
from ief.residuals import mean_training_pose, residuals_of
from ief.run import stage_file, state_file
from mpii_tools.batches import TrainingBatches
from mpii_tools.prepared import load_prepared

SMALL = ["--backbone", "resnet18", "--weights", "none", "--device", "cpu", "--batch", "8"]


def command(data, run, *options):
    return [sys.executable, "-m", "ief", "train", "--data", str(data), "--run", str(run), *SMALL, *options]


def finish(arguments, **environment):
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_a_killed_training_goes_on_to_bit_equal_weights(tiny_data, tmp_path):
    options = ["--preset", "demo", "--passes", "24", "--checkpoint-seconds", "0"]  # 72 steps, saved at every 20th
    finish(command(tiny_data, tmp_path / "straight", *options))
    kills = 0
    for index in (0, 1):
        process = subprocess.Popen(command(tiny_data, tmp_path / "killed", *options),
                                   env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)  # fmt: skip
        while not state_file(tmp_path / "killed", index).exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert not stage_file(tmp_path / "killed", index).exists()
    assert kills == 2
    finish(command(tiny_data, tmp_path / "killed", *options))
    for index in (0, 1):
        straight = load_file(stage_file(tmp_path / "straight", index))
        killed = load_file(stage_file(tmp_path / "killed", index))
        assert straight.keys() == killed.keys()
        assert all(torch.equal(straight[name], killed[name]) for name in straight)
        log = (tmp_path / "straight" / f"stage{index}" / "log.csv").read_text()
        assert log == (tmp_path / "killed" / f"stage{index}" / "log.csv").read_text()


def test_two_processes_give_the_result_of_one_with_the_same_global_batch(tiny_data, tmp_path):
    options = ["--passes", "1.5", "--learning-rate", "0.003", "--perturbation", "0.02"]
    one, two = command(tiny_data, tmp_path / "one", *options), command(tiny_data, tmp_path / "two", *options)
    finish(one)
    finish([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--", *two[1:]])
    for name in ("-mean_pose", "-stage0", ""):
        alone, spread, mean = (
            np.load(run / f"predictions-valid{stage}.npz")["joints"]
            for run, stage in ((tmp_path / "one", name), (tmp_path / "two", name), (tmp_path / "one", "-mean_pose"))
        )
        # Gradients of a ResNet in float32 carry rounding; that formulas agree is shown in float64 by test_distributed.
        assert np.abs(alone - spread).max() < 1e-3
        assert name == "-mean_pose" or np.abs(alone - mean).max() > 1.0


def test_a_run_of_other_settings_is_refused_and_left_alone(tiny_data, tmp_path):
    finish(command(tiny_data, tmp_path, "--preset", "demo", "--passes", "1", "--stage", "0"))
    before = stage_file(tmp_path, 0).read_bytes()
    for change, says in (
        (["--passes", "2"], "passes 1.0, now 2.0"),
        (["--method", "bone"], "method"),
        (["--seed", "5"], "seed"),
    ):
        options = ["--preset", "demo", "--passes", "1", *change]
        done = subprocess.run(command(tiny_data, tmp_path, *options), capture_output=True, text=True)
        assert done.returncode == 2 and says in done.stderr and "another training" in done.stderr
    assert stage_file(tmp_path, 0).read_bytes() == before


def test_residuals_of_stage_0_are_those_of_equation_1(tiny_data):
    data = load_prepared(tiny_data, "train")
    truth, mask = data.joints, torch.isfinite(data.joints).all(-1)
    current = torch.full_like(truth, 3.0)
    found = residuals_of(truth, current, mask, MPII, "bone")
    hip, pelvis = MPII.index("r_hip"), MPII.index("pelvis")
    both = mask[:, hip] & mask[:, pelvis]
    bone = truth[both, pelvis] - truth[both, hip]  # y_t has all joints in one place: its bones are zero
    torch.testing.assert_close(found.mean[hip], bone.mean(0))
    torch.testing.assert_close(found.std[hip], bone.std(0, correction=0))
    torch.testing.assert_close(found.pair_std[hip], found.std[hip])
    root = truth[mask[:, pelvis], pelvis] - 3.0
    torch.testing.assert_close(found.mean[pelvis], -root.mean(0))


def test_a_finished_stage_describes_its_training(tiny_data, tmp_path):
    import json

    from safetensors import safe_open

    finish(command(tiny_data, tmp_path, "--preset", "demo", "--passes", "1", "--method", "both", "--stage", "0"))
    with safe_open(stage_file(tmp_path, 0), "pt") as file:
        training = json.loads(file.metadata()["description"])["training"]
    assert training["data"] == "tiny" and training["method"] == "both" and training["preset"]["batch"] == 8
    assert not state_file(tmp_path, 0).exists()


def test_the_schedules_follow_their_definition():
    paper = preset_called("paper")
    rates = [learning_rate(paper, epoch / 25) for epoch in range(25)]
    assert rates == pytest.approx([0.03] * 10 + [0.003] * 10 + [0.0003] * 5)
    swift = preset_called("swift")
    rates = [learning_rate(swift, step / 1000) for step in range(1000)]
    assert max(rates) <= swift.learning_rate and rates[0] < rates[40] and rates[-1] < 1e-3 * swift.learning_rate


def test_the_paper_preset_is_the_papers():
    paper = preset_called("paper")
    assert (paper.backbone, paper.size, paper.batch, paper.passes) == ("resnet50", 224, 64, 25 * 20)
    assert (paper.optimiser, paper.learning_rate, paper.weight_decay) == ("sgd", 0.03, 0.0002)
    assert (paper.perturbation, paper.continue_stage, paper.averaging, paper.later_rate) == (0.0, False, 0.0, 1.0)
    drawn = paper.augmentation
    assert (drawn.translation, drawn.scale, drawn.rotation, drawn.flip) == (0.02, 0.25, 30.0, 0.5)


def test_impossible_settings_are_clear_errors():
    with pytest.raises(BadInput, match="unknown preset 'best'"):
        preset_called("best")
    with pytest.raises(BadInput, match="--passes 0"):
        preset_called("paper", passes=0.0)
    with pytest.raises(BadInput, match="--margin"):
        preset_called("paper", margin=0.5)


def test_an_untrained_cascade_is_the_mean_pose_on_the_training_set(tiny_data):
    data = load_prepared(tiny_data, "train")
    batches = TrainingBatches(data, MPII, preset_called("paper").augmentation, 8, 0, torch.device("cpu"))
    mean_pose = mean_training_pose(batches)
    pose = Cascade(mean_pose)(torch.zeros(2, 3, 32, 32))
    assert len(pose) == 1 and torch.equal(pose[0][0], mean_pose)
    # Flips are half of the draws, so y_0 is nearly its own mirror image: x of a left joint ~ n - 1 - x of the right.
    mirrored = mean_pose[list(MPII.flip_permutation)] * torch.tensor([-1.0, 1.0]) + torch.tensor([31.0, 0.0])
    assert (mirrored - mean_pose).abs().max() < 4.0
