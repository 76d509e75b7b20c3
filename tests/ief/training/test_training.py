"""Training as people run it: what it refuses, what it writes, alone and spread over two processes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from processes import finish, finish_here, spread, states, train
from safetensors import safe_open

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from heads.skeleton import MPII
from ief.cli import main
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade, load_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.beginning import absolute_statistics, batches_of, build_stage, check_stage_fits
from ief.training.distributed import Processes
from ief.training.job import Job
from ief.training.optimizer import learning_rate, new_learner
from ief.training.presets import preset_called
from ief.training.residuals import mean_training_pose, residuals_of
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions


@pytest.mark.parametrize(
    "extras", [["--perturbation", "0.02"], ["--penalty", "likelihood", "--color", "0.2", "--learning-rate", "0.002"]]
)
def test_two_processes_give_the_result_of_one_with_the_same_global_batch(tiny_data, tmp_path, extras):
    options = ["--passes", "1.5", "--learning-rate", "0.003", *extras]
    finish_here(train(tiny_data, tmp_path / "one", *options))
    finish(spread(train(tiny_data, tmp_path / "two", *options)))
    for name in ("-mean_pose", "-stage0", ""):
        alone, several, mean = (
            np.load(run / f"predictions-valid{stage}.npz")["joints"]
            for run, stage in ((tmp_path / "one", name), (tmp_path / "two", name), (tmp_path / "one", "-mean_pose"))
        )
        # Gradients of a ResNet in float32 carry rounding; that formulas agree is shown in float64 by test_distributed.
        assert np.abs(alone - several).max() < 1e-3
        assert name == "-mean_pose" or np.abs(alone - mean).max() > 1.0


def test_a_run_of_other_settings_is_refused_and_left_alone(tiny_data, tmp_path):
    finish_here(train(tiny_data, tmp_path, "--preset", "demo", "--passes", "1", "--stage", "0"))
    before = stage_file(tmp_path, 0).read_bytes()
    for change, says in (
        (["--passes", "2"], "passes 1.0, now 2.0"),
        (["--method", "bone"], "method"),
        (["--seed", "5"], "seed"),
    ):
        options = ["--preset", "demo", "--passes", "1", *change]
        said = finish_here(train(tiny_data, tmp_path, *options), status=2)
        assert says in said and "another training" in said
    assert stage_file(tmp_path, 0).read_bytes() == before


def test_a_third_stage_follows_the_second(tiny_data, tmp_path):
    options = ["--preset", "demo", "--passes", "1", "--stages", "3"]
    said = finish_here(train(tiny_data, tmp_path, *options, "--stage", "2"), status=2)
    assert "stage0" in said and "no such file" in said
    finish_here(train(tiny_data, tmp_path, *options))
    assert len(load_cascade(tmp_path).stages) == 3 and len(load_cascade(tmp_path, 2).stages) == 2
    assert list(json.loads((tmp_path / "metrics.json").read_text())) == ["mean_pose", "stage0", "stage1", "stage2"]
    assert read_predictions(tmp_path / "predictions-valid.npz").stage == 2
    assert load_stage(stage_file(tmp_path, 2))[2]["follows"] == checksum(stage_file(tmp_path, 1))
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "report"), "--data", str(tiny_data)]) == 0
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert set(results["curves"][tmp_path.name]) == {"stage0", "stage1", "stage2"}
    for stages, says in ((["--stages", "0"], "--stages 0"), (["--stage", "last"], "--stage last: must be a stage's")):
        assert says in finish_here(train(tiny_data, tmp_path, *options, *stages), status=2)


def test_with_a_likelihood_the_network_learns_how_far_off_it_is(tiny_data, tmp_path):
    """Poses of random crops cannot be learnt, so the spread to be found is that of the training poses: 1."""
    options = ["--preset", "demo", "--penalty", "likelihood", "--passes", "60", "--stage", "0", "--new-rate", "5"]
    finish_here(train(tiny_data, tmp_path, *options))
    stage, mean_pose, description = load_stage(stage_file(tmp_path, 0))
    assert stage.design.likelihood and description["training"]["preset"]["penalty"] == "likelihood"
    images = torch.randn(4, 3, 32, 32)
    pose = stage(images, mean_pose[None])
    assert pose.shape == (4, 16, 2)  # a trained stage gives poses alone
    estimate, raw = stage.train()(images, mean_pose[None])
    assert estimate.shape == pose.shape and raw.shape == (4, 136, 2)
    assert torch.sigmoid(raw).mean() > 0.6  # from 0.5, where it starts


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_starts_new_learns_at_a_rate_of_its_own(optimizer):
    torch.manual_seed(0)
    stage = Stage(
        StageDesign("resnet18", size=32), Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    )
    before = {name: value.clone() for name, value in stage.named_parameters()}
    preset = preset_called("paper", optimizer=optimizer, new_rate=10.0, weight_decay=0.0)
    learner = new_learner(stage, preset, 10)
    loss = sum((value * torch.ones_like(value)).sum() for value in stage.parameters())  # every gradient is 1
    learner.update(loss, 0.001)
    for name, value in stage.named_parameters():
        moved = 0.001 if name.startswith("backbone.") else 0.01
        torch.testing.assert_close(before[name] - value, torch.full_like(value, moved), rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_a_compiled_training_takes_the_same_steps(tiny_data, tmp_path):
    """Both stages, the frozen one compiled too: poses to 1e-2 px, which rounding of float32 explains."""
    options = ["--preset", "demo", "--passes", "1", "--learning-rate", "0.0003"]
    for name in ("plain", "compile"):
        extras = ["--compile"] if name == "compile" else []
        finish_here(train(tiny_data, tmp_path / name, *options, *extras))
    plain, compiled = (np.load(tmp_path / name / "predictions-valid.npz")["joints"] for name in ("plain", "compile"))
    start = np.load(tmp_path / "plain" / "predictions-valid-mean_pose.npz")["joints"]
    assert np.abs(plain - compiled).max() < 1e-2 < 0.5 < np.abs(plain - start).max()


def test_residuals_of_stage_0_are_those_of_equation_1(tiny_data):
    data = load_prepared(tiny_data, "train")
    truth = torch.from_numpy(data.joints)
    mask = torch.isfinite(truth).all(-1)
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
    finish_here(train(tiny_data, tmp_path, "--preset", "demo", "--passes", "1", "--method", "both", "--stage", "0"))
    with safe_open(stage_file(tmp_path, 0), "pt") as file:
        training = json.loads(file.metadata()["description"])["training"]
    assert training["data"] == "tiny" and training["method"] == "both" and training["preset"]["batch"] == 8
    assert not states(tmp_path)


def test_stage_1_goes_on_as_the_network_that_stage_0_is(tiny_data, tmp_path):
    """Weights that are continued keep their strides; those of another network cannot be continued."""
    preset = preset_called("demo", backbone="resnet18", batch=8)
    job = Job(load_prepared(tiny_data, "train"), MPII, "all", tmp_path, 0, None, torch.device("cpu"))
    residuals = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    stage = Stage(StageDesign("resnet18", stride="1x1", size=32), residuals)
    before = Cascade(torch.zeros(16, 2), [stage])
    check_stage_fits(before, job, preset)
    following = build_stage(1, job, preset, before, residuals)
    assert following.design.stride == "1x1"
    assert torch.equal(following.backbone.conv1.weight, stage.backbone.conv1.weight)
    assert build_stage(1, job, replace(preset, continue_stage=False), before, residuals).design.stride == "3x3"
    with pytest.raises(PoseError, match="its trained stage has backbone resnet18, this training resnet34"):
        check_stage_fits(before, job, replace(preset, backbone="resnet34"))
    check_stage_fits(before, job, replace(preset, backbone="resnet34", continue_stage=False))


@pytest.mark.parametrize("penalty", ["l1", "likelihood"])
@pytest.mark.parametrize("method", ["all", "ief_star"])
def test_a_stage_that_keeps_the_head_starts_where_the_stage_before_ended(tiny_data, tmp_path, method, penalty):
    """Heatmaps apart, which it has to learn: its first poses are those that the stage before ends with."""
    preset = preset_called("demo", penalty=penalty, continue_head=True)
    job = Job(load_prepared(tiny_data, "train"), MPII, method, tmp_path, 0, None, torch.device("cpu"))
    torch.manual_seed(0)
    residuals = Residuals(torch.randn(16, 2), 1 + torch.rand(16, 2), torch.ones(136 if method == "all" else 16, 2))
    design = StageDesign(
        "resnet18", method=method, size=32, sigma=preset.sigma * 32, likelihood=penalty == "likelihood"
    )
    zero = Stage(design, residuals)
    torch.nn.init.normal_(zero.head.weight, std=0.05)
    before = Cascade(torch.rand(16, 2) * 32, [zero]).eval()
    one = build_stage(1, job, preset, before, absolute_statistics(before)).eval()
    images = torch.randn(4, 3, 32, 32)
    poses = Cascade(before.mean_pose, [zero, one]).eval()(images)
    torch.testing.assert_close(poses[2], poses[1], rtol=1e-4, atol=1e-3)
    assert (poses[1][0] - poses[1][1]).abs().max() > 0.1 and one.design.absolute
    # A third one goes on from the second, which is absolute itself.
    two = build_stage(
        2, job, preset, Cascade(before.mean_pose, [zero, one]), absolute_statistics(Cascade(zero.mean, [one]))
    )
    torch.testing.assert_close(two.mean, one.mean)
    with pytest.raises(PoseError, match="likelihood"):
        check_stage_fits(before, job, replace(preset, penalty="l1" if penalty == "likelihood" else "likelihood"))
    with pytest.raises(PoseError, match="its last stage corrects poses"):
        check_stage_fits(Cascade(before.mean_pose, [zero, zero]), job, preset)


def test_processes_take_equal_shares(tiny_data, tmp_path):
    preset, data = preset_called("demo", batch=8), load_prepared(tiny_data, "train")
    job = Job(data, MPII, "all", tmp_path, 0, None, torch.device("cpu"), Processes(0, 3))
    with pytest.raises(PoseError, match="--batch 8: must be a multiple of the number of processes, 3"):
        batches_of(0, job, preset)


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
    assert (paper.optimizer, paper.learning_rate, paper.weight_decay) == ("sgd", 0.03, 0.0002)
    assert (paper.perturbation, paper.continue_stage, paper.averaging, paper.later_rate) == (0.0, False, 0.0, 1.0)
    assert (paper.penalty, paper.new_rate, paper.reduction) == ("l1", 1.0, "mean")
    drawn = paper.augmentation
    assert (drawn.color, drawn.occlusion) == (0.0, 0.0)
    assert (drawn.translation, drawn.scale, drawn.rotation, drawn.flip) == (0.02, 0.25, 30.0, 0.5)


def test_impossible_settings_are_clear_errors():
    with pytest.raises(PoseError, match="unknown preset 'worst'"):
        preset_called("worst")
    with pytest.raises(PoseError, match="--passes 0"):
        preset_called("paper", passes=0.0)
    with pytest.raises(PoseError, match="--penalty l2: unknown; choose l1 or soft_l1 or likelihood"):
        preset_called("paper", penalty="l2")
    with pytest.raises(PoseError, match="a head is of use on its own network alone; add --continue-stage"):
        preset_called("paper", continue_head=True)
    with pytest.raises(PoseError, match=r"--occlusion 1\.5: must lie between 0 and 1"):
        preset_called("paper", occlusion=1.5)
    with pytest.raises(PoseError, match="--margin"):
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
