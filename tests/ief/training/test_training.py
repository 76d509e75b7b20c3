"""Training as people run it: what it refuses, what it writes, alone and spread over two processes."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from configs import RUNTIME, batches_of, small_config, stage_of, with_options
from processes import finish_here, same_weights, train
from small_data import prepare_small

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from checkpoints.tensors import load_tensors, save_tensors
from heads.pairs import METHODS, ORIGIN, get_pairs
from heads.skeleton import MPII
from ief.cli import main
from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade, load_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign
from ief.training.options import PRESETS
from ief.training.residuals import compute_residuals, draw_poses, keep_statistics, measure_start
from ief.training.resume import check_previous
from ief.training.trainer import StageTrainer, build_optimizer
from mpii_tools.prepared.batches import TrainingBatches
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions


def test_a_run_of_other_settings_is_refused_and_left_alone(tiny_data, tmp_path):
    options = ["--preset", "demo", "--epochs", "1"]
    finish_here(train(tiny_data, tmp_path, *options, "--stage", "0"))
    before = stage_file(tmp_path, 0).read_bytes()
    for change, says in (("--epochs 0.5", "epochs 1.0, not 0.5"), ("--method bone", "method"), ("--seed 5", "seed")):
        said = finish_here(train(tiny_data, tmp_path, *options, *change.split()), status=2)
        assert says in said and "another training" in said
    assert stage_file(tmp_path, 0).read_bytes() == before


@pytest.mark.parametrize("change", [{"seed": 1}, {"shift": 1.0}, {"margin": 1.25}])
def test_data_prepared_anew_are_other_data(tmp_path, change):
    """Neither an unfinished stage, nor a finished one, nor the one after it is trained on."""
    data, begun, done = prepare_small(tmp_path / "data"), tmp_path / "begun", tmp_path / "done"
    options = ["--epochs", "2"]
    finish_here(train(data, begun, *options, "--stage", "0", "--stop-after", "1e-9"), status=75)
    finish_here(train(data, done, *options, "--stage", "0"))
    prepare_small(data, **change)
    for run in (begun, done):
        assert "was trained on other data (data_fingerprint" in finish_here(train(data, run, *options), status=2)
    assert "other data" in finish_here(train(data, done, *options, "--stage", "1"), status=2)
    prepare_small(data)  # as before
    finish_here(train(data, begun, *options, "--stage", "0"))
    assert same_weights(begun, done, stages=1)


def test_a_later_stage_may_go_on_with_other_people(tmp_path):
    run, options = tmp_path / "run", ["--epochs", "1", "--stage"]
    finish_here(train(prepare_small(tmp_path / "few", name="few"), run, *options, "0"))
    said = finish_here(train(prepare_small(tmp_path / "more", seed=1, name="more"), run, *options, "1"))
    assert "was trained on few, this stage is on more" in said and stage_file(run, 1).exists()


def test_a_run_or_data_without_fingerprints_are_told_and_taken(tmp_path):
    data, run = prepare_small(tmp_path / "data"), tmp_path / "run"
    options = ["--epochs", "1"]
    finish_here(train(data, run, *options, "--stage", "0"))
    tensors, description = load_tensors(stage_file(run, 0))
    del description["training"]["data_fingerprint"], description["training"]["also_fingerprint"]
    save_tensors(stage_file(run, 0), tensors, description)  # of an earlier version
    said = finish_here(train(data, run, *options))
    assert said.count("does not say on which data it was trained") == 1 and stage_file(run, 1).exists()
    prepared = json.loads((data / "prepared.json").read_text())
    del prepared["sums"]
    (data / "prepared.json").write_text(json.dumps(prepared))
    said = finish_here(train(data, run, *options))
    assert said.count(f"{data}: has no checksums") == 1 and "does not say" not in said


def test_a_third_stage_follows_the_second(tiny_data, tmp_path):
    options = ["--preset", "demo", "--epochs", "1", "--stages", "3"]
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


def test_with_a_likelihood_the_network_learns_how_far_off_it_is(tiny_data, tmp_path):
    """Poses of random crops cannot be learned, so the sigma to be found is that of the training poses: 1."""
    options = ["--preset", "demo", "--loss", "rle", "--method", "bone", "--epochs", "60", "--lr-mult-new", "5"]
    finish_here(train(tiny_data, tmp_path, *options, "--stage", "0"))
    stage, mean_pose, description = load_stage(stage_file(tmp_path, 0))
    assert stage.design.likelihood and description["training"]["preset"]["loss"] == "rle"
    images = torch.randn(4, 3, 32, 32)
    pose = stage(images, mean_pose[None])
    assert pose.shape == (4, 16, 2)  # a trained stage gives poses alone
    estimate, raw = stage.train()(images, mean_pose[None])
    assert estimate.shape == pose.shape and raw.shape == (4, 16, 2)
    assert torch.sigmoid(raw).mean() > 0.6  # from 0.5, where it starts


RESIDUALS = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_what_starts_new_learns_at_a_rate_of_its_own(optimizer):
    torch.manual_seed(0)
    stage = Stage(StageDesign("tiny_resnet", size=32), RESIDUALS)
    before = {name: value.clone() for name, value in stage.named_parameters()}
    preset = replace(PRESETS["paper"], optimizer=optimizer, lr_mult_new=10.0, weight_decay=0.0)
    optimizer = build_optimizer(stage, preset, stage.new_parameters())
    for group in optimizer.param_groups:
        group["lr"] = 0.001 * group["mult"]
    sum(value.sum() for value in stage.parameters()).backward()  # every gradient is 1
    optimizer.step()
    for name, value in stage.named_parameters():
        moved = 0.001 if name.startswith("backbone.") else 0.01
        torch.testing.assert_close(before[name] - value, torch.full_like(value, moved), rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_a_compiled_training_takes_the_same_steps(tiny_data, tmp_path):
    """Both stages, the frozen one compiled too: poses to 1e-2 px, which rounding of float32 explains."""
    options = ["--preset", "demo", "--epochs", "1", "--lr", "0.0003"]
    for name, extras in (("plain", []), ("compiled", ["--compile"])):
        finish_here(train(tiny_data, tmp_path / name, *options, *extras))
    start, plain, compiled = (
        np.load(tmp_path / f"{name}.npz")["joints"]
        for name in ("plain/predictions-valid-mean_pose", "plain/predictions-valid", "compiled/predictions-valid")
    )
    assert np.abs(plain - compiled).max() < 1e-2 < 0.5 < np.abs(plain - start).max()


def test_residuals_of_stage_0_are_those_of_equation_1(tiny_data):
    data = load_prepared(tiny_data, "train")
    truth = torch.from_numpy(data.joints)
    mask = torch.isfinite(truth).all(-1)
    current = torch.full_like(truth, 3.0)
    found = compute_residuals(truth, current, mask, MPII, "bone")
    hip, pelvis = MPII.index("r_hip"), MPII.index("pelvis")
    both = mask[:, hip] & mask[:, pelvis]
    bone = truth[both, pelvis] - truth[both, hip]  # y_t has all joints in one place: its bones are zero
    torch.testing.assert_close(found.mean[hip], bone.mean(0))
    torch.testing.assert_close(found.std[hip], bone.std(0, correction=0))
    torch.testing.assert_close(found.pair_std[hip], found.std[hip])
    root = truth[mask[:, pelvis], pelvis] - 3.0
    torch.testing.assert_close(found.mean[pelvis], -root.mean(0))


@pytest.mark.parametrize("method", METHODS)
def test_the_share_of_the_origin_is_for_the_pairs_of_all_alone(tiny_data, tmp_path, method):
    """0.5 in `swift`, `best` and `demo`, none in `paper`; the other methods' losses are those of Table 1."""
    for preset, changes, share in (("demo", {}, 0.5), ("demo", {"origin_share": 0.3}, 0.3), ("paper", {}, 0)):
        options = {"preset": preset, "backbone": "tiny_resnet", "method": method, **changes}
        trainer = StageTrainer(small_config(tiny_data, tmp_path, **options), RUNTIME)
        trainer.build(*trainer.start())
        weights = trainer.loss.weights
        origin = torch.tensor([ORIGIN in pair for pair in get_pairs(METHODS[method].pairs, MPII)])
        if method == "all" and share:
            assert (weights[origin].sum() / weights.sum()).item() == pytest.approx(share)
        else:
            assert weights.unique().tolist() == [1.0]


def test_stage_1_continues_as_the_network_that_stage_0_is(tiny_data, tmp_path):
    """Weights that are continued keep their strides; those of another network cannot be continued."""
    config = small_config(tiny_data, tmp_path, 1, backbone="resnet18", continue_head=False)
    stage = Stage(StageDesign("resnet18", stride="1x1", size=32), RESIDUALS)
    previous = Cascade(torch.zeros(16, 2), [stage])
    check_previous(previous, config)
    following, _ = stage_of(config, previous, RESIDUALS)
    assert following.design.stride == "1x1"
    assert torch.equal(following.backbone.conv1.weight, stage.backbone.conv1.weight)
    from_scratch = with_options(config, continue_backbone=False)
    assert stage_of(from_scratch, previous, RESIDUALS)[0].design.stride == "3x3"
    with pytest.raises(PoseError, match=r"backbone resnet18, not resnet34"):
        check_previous(previous, with_options(config, backbone="resnet34"))
    check_previous(previous, with_options(config, backbone="resnet34", continue_backbone=False))


@pytest.mark.parametrize("loss", ["l1", "rle"])
@pytest.mark.parametrize("method", ["all", "ief_star"])
def test_a_kept_head_starts_where_the_previous_stage_ended(tiny_data, tmp_path, method, loss):
    """Heatmaps apart, which it has to learn: its first poses are those that the previous stage ends with."""
    config = small_config(tiny_data, tmp_path, 1, loss=loss, method=method)
    torch.manual_seed(0)
    residuals = Residuals(torch.randn(16, 2), 1 + torch.rand(16, 2), torch.ones(136 if method == "all" else 16, 2))
    options = {"method": method, "sigma": config.options.sigma * 32, "likelihood": loss == "rle"}
    zero = Stage(StageDesign("tiny_resnet", size=32, **options), residuals)
    torch.nn.init.normal_(zero.head.weight, std=0.05)
    previous = Cascade(torch.rand(16, 2) * 32, [zero]).eval()
    one = stage_of(config, previous, keep_statistics(previous))[0].eval()
    both = Cascade(previous.mean_pose, [zero, one]).eval()
    poses = both(torch.randn(4, 3, 32, 32))
    torch.testing.assert_close(poses[2], poses[1], rtol=1e-4, atol=1e-3)
    assert (poses[1][0] - poses[1][1]).abs().max() > 0.1 and one.design.absolute
    # A third one continues from the second, which is absolute itself.
    two, _ = stage_of(replace(config, index=2), both, keep_statistics(Cascade(zero.mean, [one])))
    torch.testing.assert_close(two.mean, one.mean)
    if loss == "rle":
        with pytest.raises(PoseError, match="likelihood"):
            check_previous(previous, with_options(config, loss="l1"))
    with pytest.raises(PoseError, match="its last stage corrects poses"):
        check_previous(Cascade(previous.mean_pose, [zero, zero]), config)


def test_a_sigma_starts_new_after_a_stage_without_one(tiny_data, tmp_path):
    """`--loss rle` after l1 keeps the head, and what no stage has taught is trained as new."""
    config = small_config(tiny_data, tmp_path, 1, loss="rle", method="all")
    zero = Stage(StageDesign("tiny_resnet", size=32, sigma=config.options.sigma * 32), RESIDUALS)
    torch.nn.init.normal_(zero.head.weight, std=0.05)
    previous = Cascade(torch.zeros(16, 2), [zero])
    check_previous(previous, config)
    one, _ = stage_of(config, previous, keep_statistics(previous))
    assert torch.equal(one.head.weight, zero.head.weight)
    ids = {id(value) for value in one.new_parameters()}
    new = {name.split(".")[0] for name, value in one.named_parameters() if id(value) in ids}
    assert new == {"pose_weight", "sigma_head", "likelihood"}


def test_ranks_take_equal_shares(tiny_data):
    with pytest.raises(PoseError, match=r"--batch-size 8: must be a multiple of .* 3"):
        batches_of(small_config(tiny_data), 0, 3)


def test_statistics_are_of_a_bounded_number_of_samples(tiny_data, monkeypatch):
    batches = batches_of(small_config(tiny_data))
    people = len(batches.data)
    for bound, drawn in ((10**9, math.ceil(4 * people / 8) * 8), (20, 24)):
        monkeypatch.setattr("ief.training.residuals.POSE_SAMPLES", bound)
        assert len(draw_poses(batches)[0]) == drawn


def test_an_untrained_cascade_is_the_mean_training_pose(tiny_data):
    data = load_prepared(tiny_data, "train")
    batches = TrainingBatches(data, PRESETS["paper"].augmentation, 8, 0, torch.device("cpu"))
    mean_pose, _ = measure_start(batches, "all")
    pose = Cascade(mean_pose)(torch.zeros(2, 3, 32, 32))
    assert len(pose) == 1 and torch.equal(pose[0][0], mean_pose)
    # Flips are half of the draws, so y_0 is nearly its own mirror image: x of a left joint ~ n - 1 - x of the right.
    mirrored = mean_pose[list(MPII.flip_permutation)] * torch.tensor([-1.0, 1.0]) + torch.tensor([31.0, 0.0])
    assert (mirrored - mean_pose).abs().max() < 4.0
