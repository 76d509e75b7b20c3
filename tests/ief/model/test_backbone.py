import copy

import numpy as np
import pytest
import torch
from commands import run_ief
from processes import checkpoints_of, finish_here, same_weights, train
from rendering import render_heatmaps
from torch import nn

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.cli import main
from ief.inference.onnx_export import CropsToPose, export_onnx, quantize
from ief.model.backbone import TimmBackbone, create_timm, fold_batch_norms, load_timm_weights
from ief.model.run_folder import load_cascade
from ief.model.stage import Residuals, Stage, StageDesign
from ief.model.start import load_backbone
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions

timm = pytest.importorskip("timm", reason="install '.[timm]'")
SIZE = 64
RESIDUALS = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
# Batch normalization with the activation inside, and without; a stem of two convolutions; layer normalization;
# TensorFlow's padding, more behind a row than before it.
NETWORKS = tuple(f"timm:{name}" for name in (
    "test_efficientnet", "test_byobnet", "test_resnet", "test_convnext", "tf_efficientnet_lite0",
))  # fmt: skip


def unsettle(network, seed=0):
    """Statistics and scales as a training leaves them."""
    torch.manual_seed(seed)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.2)
            part.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
    return network.eval()


def make_stage(name, **design):
    torch.manual_seed(1)
    stage = Stage(StageDesign(name, size=SIZE, sigma=SIZE / 32, **design), RESIDUALS)
    nn.init.normal_(stage.pose_weight, std=0.05)
    nn.init.normal_(stage.head.weight, std=0.05)
    unsettle(stage.backbone)
    return stage.eval()


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_backbone_gives_what_timms_network_gives(name):
    network = unsettle(create_timm(name))
    images = torch.randn(2, 3, SIZE, SIZE)
    wanted = network(images)
    backbone = TimmBackbone(name, network).eval()
    features, maps = backbone(backbone.stem(images))
    assert torch.equal(features, wanted) and features.shape[1] == backbone.width
    assert [cells.shape[-1] for cells in maps] == [SIZE // 4, SIZE // 8, SIZE // 16]
    assert sum(cells.shape[1] for cells in maps) == backbone.map_width
    folded = copy.deepcopy(backbone)
    fold_batch_norms(folded)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in folded.modules())
    torch.testing.assert_close(folded(folded.stem(images))[0], wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shared_pose", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_stage_equals_timms_network_widened(name, shared_pose):
    stage, images = make_stage(name), torch.randn(3, 3, SIZE, SIZE)
    joints = torch.rand(1 if shared_pose else 3, 16, 2) * SIZE
    wide = timm.create_model(name.removeprefix("timm:"), num_classes=0, in_chans=19).eval()
    first, state = wide.pretrained_cfg["first_conv"], stage.backbone.network.state_dict()
    state |= {f"{first}.{part}": value for part, value in stage.backbone.stem.state_dict().items()}
    state[f"{first}.weight"] = torch.cat([stage.backbone.stem.weight, stage.pose_weight], dim=1)
    wide.load_state_dict(state)
    maps = render_heatmaps(joints, SIZE, stage.design.sigma).expand(3, -1, -1, -1)
    wanted = stage.encode(joints) + stage.head(wide(torch.cat([images, maps], dim=1)))
    torch.testing.assert_close(stage(images, joints), wanted, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(stage.folded()(images, joints), wanted, rtol=1e-3, atol=5e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_features_at_the_joints_are_read_of_any_network(name):
    stage = make_stage(name, pose_indexed=True)
    nn.init.normal_(stage.indexed_head.weight, std=0.1)
    images, joints = torch.randn(2, 3, SIZE, SIZE), torch.rand(2, 16, 2) * SIZE
    moved = stage(images, joints + 9) - stage.encode(joints + 9) - (stage(images, joints) - stage.encode(joints))
    assert moved.abs().max() > 1e-3


@pytest.mark.parametrize(("name", "message"), [
    ("nothing", "timm has no network called 'nothing'"),
    ("hf-hub:owner/name", "timm has no network called 'hf-hub:owner/name'"),
    ("test_vit", "timm:test_vit: not a CNN that begins with one plain convolution; choose another"),
    ("repvgg_a0", "timm:repvgg_a0: not a CNN that begins with one plain"),
    ("nf_resnet26", "timm:nf_resnet26: not a CNN"),  # its convolutions normalize their weights
])  # fmt: skip
def test_a_network_that_a_stage_cannot_use_is_refused(name, message):
    with pytest.raises(PoseError, match=message):
        Stage(StageDesign(f"timm:{name}"), RESIDUALS)


def test_without_timm_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(PoseError, match=r"timm is not installed: pip install '\.\[timm\]'"):
        Stage(StageDesign("timm:test_resnet"), RESIDUALS)


def test_weights_of_a_file_with_timms_names_are_loaded(tmp_path):
    name = "timm:test_efficientnet"
    network = unsettle(timm.create_model("test_efficientnet"))  # with its classifier
    torch.save({"state_dict": network.state_dict(), "epoch": 3}, tmp_path / "mine.pth")
    weights, images = load_timm_weights(name, tmp_path / "mine.pth"), torch.randn(2, 3, SIZE, SIZE)
    stage = Stage(StageDesign(name, size=SIZE), RESIDUALS)
    load_backbone(stage, weights)
    backbone = stage.backbone.eval()
    wanted = network.forward_head(network.forward_features(images), pre_logits=True)
    torch.testing.assert_close(backbone(backbone.stem(images))[0], wanted)
    with pytest.raises(PoseError, match=r"mine\.pth: weights of a timm:test_efficientnet, the stage is a timm:test_"):
        load_backbone(Stage(StageDesign("timm:test_resnet"), RESIDUALS), weights)
    with pytest.raises(PoseError, match=r"mine\.pth: not the weights of a timm:test_resnet \(.*; choose another file"):
        load_timm_weights("timm:test_resnet", tmp_path / "mine.pth")


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch, tiny_data, tmp_path, capsys):
    create = timm.create_model

    def refuse(*name, pretrained, **options):
        if pretrained:
            raise FileNotFoundError("no\nroute to the hub")
        return create(*name, pretrained=pretrained, **options)

    monkeypatch.setattr(timm, "create_model", refuse)
    command = ["train", "--data", str(tiny_data), "--run", str(tmp_path / "run"), "--backbone", "timm:test_resnet"]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "timm's weights of timm:test_resnet could not be downloaded (route to the hub)" in error
    assert "--weights FILE" in error and error.count("\n") == 1


@pytest.mark.parametrize("name", [NETWORKS[0], pytest.param(NETWORKS[3], marks=pytest.mark.slow)])
def test_a_network_of_timm_goes_through_the_whole_line(name, tiny_data, tmp_path):
    """Training of two stages, interrupted too; prediction; ONNX, in int8 too; a release."""
    run, again, small = tmp_path / "run", tmp_path / "again", tmp_path / "small"
    options = ["--backbone", name, "--preset", "demo", "--epochs", "1", "--pose-indexed"]
    finish_here(train(tiny_data, run, *options))
    finish_here(train(tiny_data, again, *options, "--stop-after", "1e-9"), 75)
    assert checkpoints_of(again)
    finish_here(train(tiny_data, again, *options))
    assert same_weights(run, again)

    export_onnx(CropsToPose(load_cascade(run)), tmp_path / "fp32.onnx")
    crops = load_prepared(tiny_data, "train").crops[:16, 8:40, 8:40]
    quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", crops)
    run_ief("release", "--run", run, "--data", tiny_data, "--out", small, "--license", "none", "--device", "cpu")
    wanted = read_predictions(run / "predictions-valid.npz").joints
    for weights, closeness in (
        (["--onnx", tmp_path / "fp32.onnx"], 1e-2),
        (["--onnx", tmp_path / "int8.onnx"], 10),
        (["--run", small, "--device", "cpu"], 1),
    ):
        run_ief("predict", *weights, "--data", tiny_data, "--out", tmp_path / "out")
        found = read_predictions(tmp_path / "out" / "predictions-valid.npz").joints
        np.testing.assert_allclose(found, wanted, atol=closeness)
    assert f"2 stages of {name} at" in repr(PosePredictor.load(small))
    finish_here(train(tiny_data, tmp_path / "tuned", *options, "--weights", str(run)))  # fine-tuning
