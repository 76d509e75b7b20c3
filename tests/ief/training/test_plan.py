"""What a training says of its cost before it starts, against what it then takes."""

import re
from dataclasses import replace

import pytest
import torch
from configs import RUNTIME, small_config
from processes import IEF, checkpoints_of, finish_here, same_weights, train
from torch import nn

import ief.training.plan
from checkpoints.stopping import TIME_UP
from ief.cli import main
from ief.model.run_folder import load_stage, stage_file
from ief.training.plan import (
    FORWARD,
    SAVING,
    StagePlan,
    count_forwards,
    count_seconds,
    describe_plan,
    describe_schedule,
    plan_training,
)
from ief.training.runtime import Runtime

OPTIONS = ["--preset", "demo", "--epochs", "4"]


def count_operations(network, images):
    """GFLOPs by hand: what each convolution and linear layer multiplies and adds, by its output's size."""
    total = []
    layers = [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    for layer in layers:
        layer.register_forward_hook(lambda module, _, out: total.append(2 * module.weight[0].numel() * out.numel()))
    with torch.no_grad():
        network.eval().predict(images, torch.zeros(1, 16, 2))
    return sum(total) / 1e9


def test_the_plan_counts_what_there_is(tiny_data, tmp_path):
    config = small_config(tiny_data, tmp_path, epochs=4.0, optimizer="adamw", ema=0.05, validated=True)
    plans = plan_training(config, RUNTIME)
    assert not [*tmp_path.iterdir()] and len(plans) == 2 and all(0 < plan.seconds < 60 for plan in plans)
    finish_here(train(tiny_data, tmp_path, *OPTIONS, "--stop-after", "0.000001"), status=TIME_UP)
    size = checkpoints_of(tmp_path)[0].stat().st_size
    assert plans[0].checkpoint < size < 1.3 * plans[0].checkpoint + 50_000
    finish_here(train(tiny_data, tmp_path, *OPTIONS))
    stage, _, _ = load_stage(stage_file(tmp_path, 0))
    assert plans[0].parameters == sum(value.numel() for value in stage.parameters())
    assert plans[0].weights < stage_file(tmp_path, 0).stat().st_size < plans[0].weights + 20_000
    by_hand = count_operations(stage, torch.zeros(1, 3, 32, 32))
    assert by_hand < plans[0].gflops < 2 * by_hand  # and the heatmaps' half


def test_hours_are_steps_and_forwards(tiny_data):
    config = small_config(tiny_data, epochs=40.0, continue_head=False)
    plans = [StagePlan(seconds, 10**6, 1.5, 10**9, 2 * 10**9) for seconds in (30.0, 60.0)]
    seconds = (1 + SAVING) * (120 * 90 + 4 * 24 / 8 * FORWARD * 30)  # of residuals 4 epochs of 24 people
    assert count_seconds([config], [30.0, 60.0], RUNTIME) == pytest.approx(seconds)
    assert count_seconds([config], [30.0, 60.0], RUNTIME, [0]) == pytest.approx((1 + SAVING) * 120 * 30)
    alone = 120 * 90 + 2 * 4 * 24 / 8 * FORWARD * 30  # of two processes one predicts, at its own speed
    assert count_seconds([config], [30.0, 60.0], Runtime(world_size=2)) == pytest.approx((1 + SAVING) * alone)
    one, two = (describe_plan([config] * count, plans, [0, 1], RUNTIME) for count in (1, 5))
    assert "stage 1: 60000.0 ms a step, 2.0 h; 1.0 M parameters, 1.50 GFLOPs an image" in one
    assert one[-1].startswith(f"in all {seconds / 3600:.1f} h") and one[-1].endswith("8 GB of disk")
    assert two[-1].startswith(f"in all 5 runs, {5 * seconds / 3600:.1f} h")
    assert "40 epochs (2 of the paper's, of 20 repetitions), 120 steps of 8" in describe_schedule(config)


def test_forwards_are_residuals_validations_and_scores(tiny_data):
    """Counted as they are predicted, in a training of 4 epochs that validates after each."""
    for options in ({}, {"continue_head": False}):
        config = small_config(tiny_data, validated=True, epochs=4.0, validate_every=1.0, **options)
        valid = len(config.data.valid)
        first, second = (count_forwards(replace(config, index=index), RUNTIME) for index in (0, 1))
        assert first == valid * (4 + 1)
        assert second == valid * (4 * 2 + 1) + (0 if config.options.continue_head else 4 * 24)


@pytest.mark.parametrize("command", ["train", "table7"])
def test_a_dry_run_prints_the_plan_and_trains_nothing(tiny_data, tmp_path, capsys, command):
    assert main([command, *train(tiny_data, tmp_path / "run", *OPTIONS, "--dry-run")[len(IEF) + 1 :]]) == 0
    said = capsys.readouterr().out
    assert re.search(r"in all (5 runs, )?[\d.]+ min with validations; [\d.]+ GB of memory, [\d.]+ GB of disk", said)
    assert ("5 runs" in said) == (command == "table7") and "wrote" not in said
    assert not (tmp_path / "run").exists()


def test_the_timing_before_a_training_changes_no_weight(tiny_data, tmp_path, monkeypatch, capsys):
    for name, worthwhile in (("timed", 0), ("not", 1000)):
        monkeypatch.setattr(ief.training.plan, "WORTHWHILE", worthwhile)
        assert main(train(tiny_data, tmp_path / name, *OPTIONS, "--stage", "0")[len(IEF) :]) == 0
        said = capsys.readouterr().out
        assert said.startswith("all, stages of tiny_resnet at 32 px: 24 people, 4 epochs")
        assert ("in all" in said) == (name == "timed")
    assert same_weights(tmp_path / "timed", tmp_path / "not", stages=1)
