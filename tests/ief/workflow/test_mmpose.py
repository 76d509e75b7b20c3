"""mmpose's regression networks as stage 0, against their forward written out, on state dicts of their shapes."""

import re
import sys
import types
from collections import OrderedDict
from unittest import mock

import numpy as np
import pytest
import torch
from commands import run_ief, said_by
from small_data import prepare_small
from torch import nn
from torchvision.models import get_model

from checkpoints.errors import PoseError
from checkpoints.tensors import load_plain_data
from heads.pairs import METHODS
from ief import PosePredictor
from ief.cli import main
from ief.model.run_folder import load_cascade, stage_file

MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])  # mmpose's, of RGB


class Evil:
    """Writes a file where it is loaded by pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def make_checkpoint(path, name="resnet18", numbers=2, joints=16, prefix="head", seed=0):
    """A network and the checkpoint of it, with what mmpose and its runner put beside the weights."""
    torch.manual_seed(seed)
    network = get_model(name, weights=None)
    network.fc = nn.Linear(network.fc.in_features, joints * numbers)
    for key, part in network.named_modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(part.weight, 0, 0.2 if key.endswith(("bn2", "bn3")) else 1)  # else values grow by depth
    nn.init.normal_(network.fc.weight, std=0.02)
    nn.init.uniform_(network.fc.bias, 0.3, 0.7)
    state = OrderedDict(
        (f"{prefix if key.startswith('fc.') else 'backbone'}.{key}", value)
        for key, value in network.state_dict().items()
    )
    if numbers == 4:
        state[f"{prefix}.loss_module.flow_model.loc"] = torch.zeros(2)
        state[f"{prefix}.loss_module.flow_model.s.0.0.weight"] = torch.zeros(64, 2)
    module = types.ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = type("HistoryBuffer", (), {"__module__": module.__name__})
    buffer = module.HistoryBuffer()
    buffer.values = np.arange(3.0)
    about = {"sigmas": np.ones(16), "flip": {1, 2}, "count": np.int64(3)}
    content = {
        "meta": {"cfg": "input_size=(256, 256)", "dataset_meta": about}, "state_dict": state,
        "message_hub": {"loss": buffer}, "x": Evil(path.with_suffix(".evil")),
    }  # fmt: skip
    names = ("mmengine", "mmengine.logging")
    with mock.patch.dict(sys.modules, {name: types.ModuleType(name) for name in names} | {module.__name__: module}):
        torch.save(content, path)
    path.with_suffix(".evil").unlink(missing_ok=True)
    return network.eval()


@torch.no_grad()
def forward(network, crops):
    """mmpose's forward, written out: joints (B, K, 2) in crop pixels, and scores (B, K) of RLE or NaN."""
    x = ((torch.from_numpy(crops).float() - MEAN) / STD).permute(0, 3, 1, 2)
    x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
    x = network.layer4(network.layer3(network.layer2(network.layer1(x)))).mean(dim=(2, 3))
    x = (x @ network.fc.weight.T + network.fc.bias).reshape(len(crops), 16, -1)
    scores = 1 - torch.sigmoid(x[..., 2:]).mean(dim=-1)
    return (x[..., :2] * 256).numpy(), scores.numpy()


@pytest.mark.parametrize(("name", "numbers", "method", "prefix"), [
    ("resnet50", 2, "all", "head"), ("resnet50", 4, "ief_star", "head"), ("resnet101", 4, "all", "head"),
    pytest.param("resnet152", 2, "both", "head", marks=pytest.mark.slow),
    ("resnet18", 4, "joint", "keypoint_head"),  # as mmpose 0 names it
    ("resnet18", 2, "bone", "keypoint_head"),
])  # fmt: skip
def test_a_run_gives_the_joints_and_scores_of_mmpose(tmp_path, capsys, name, numbers, method, prefix):
    file, run = tmp_path / "a.pth", tmp_path / "run"
    network = make_checkpoint(file, name, numbers, prefix=prefix)
    assert main(["import", str(file), "--out", str(run), "--method", method]) == 0
    assert "--stage 1" in capsys.readouterr().out and not file.with_suffix(".evil").exists()
    crops = np.random.default_rng(0).integers(0, 255, (2, 256, 256, 3), dtype=np.uint8)
    crops[1] //= 16  # a dark image
    joints, scores = forward(network, crops)
    predictor = PosePredictor.load(run, device="cpu")
    poses, ours, _ = predictor.network(crops)
    np.testing.assert_allclose(poses[-1], joints, atol=1e-3)
    assert np.ptp(joints, axis=0).max() > 0.5 and np.abs(joints).max() < 1000  # it does look at the image
    np.testing.assert_allclose(ours, scores if numbers == 4 else np.full((2, 16), np.nan), atol=1e-5)
    stage = load_cascade(run).stages[0]
    assert (stage.design.backbone, stage.design.method) == (name, method) and stage.method is METHODS[method]
    assert 2 < stage.std.min() < stage.std.max() < 100  # pixels, of people


@pytest.mark.parametrize(("numbers", "options"), [(2, ["--loss", "l1"]), (2, []), (4, [])])
def test_stage_1_is_trained_on_what_was_imported(tmp_path, numbers, options):
    file, run, data = tmp_path / "a.pth", tmp_path / "run", prepare_small(tmp_path / "data", size=256, margin=1.0)
    make_checkpoint(file, numbers=numbers)
    run_ief("import", file, "--out", run)
    before = stage_file(run, 0).read_bytes()
    run_ief("import", file, "--out", run, status=2)
    assert stage_file(run, 0).read_bytes() == before
    small = ["--backbone", "resnet18", "--weights", "none", "--epochs", "1", "--batch-size", "2", "--device", "cpu"]
    words = ["--data", data, "--run", run, "--stage", "1", "--preset", "mpii256", *small, "--precision", "fp32"]
    run_ief("train", *words, *options)
    assert len(load_cascade(run).stages) == 2 and stage_file(run, 0).read_bytes() == before


def linear(rows, columns=512, value=1.0):
    return {"head.fc.weight": torch.full((rows, columns), value), "head.fc.bias": torch.ones(rows)}


MAPS = {"head.deconv_layers.0.weight": torch.ones(1), "head.final_layer.weight": torch.ones(16, 256, 1, 1)}
FAULTS = {
    "heatmaps": (MAPS, r"a network of heatmaps \(head\.deconv_layers\.0\.weight\), .* give one that regresses"),
    "coco": (linear(68), "has COCO's 17 joints, of crops of 256 x 192"),
    "crowd": (linear(28), r"\(28, 512\), expected 32 or 64 rows"),
    "simcc": ({"head.cls_x.weight": torch.ones(1)}, r"no head\.fc, its head has head\.cls_x\.weight; give"),
    "none": ({}, "it has no head of mmpose"),
    "nan": (linear(32, value=torch.nan), "not of finite floats"),
    "width": (linear(32, 9), "takes 9 features, a resnet18 has 512"),
    "bias": ({"head.fc.weight": torch.ones(32, 512)}, "not of finite floats"),
    "no backbone": ({**linear(32), "backbone.conv1.weight": 1}, r"'conv1\.weight' is not a tensor"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_regression_network_for_mpii_is_refused(tmp_path, fault):
    file, (head, message) = tmp_path / "a.pth", FAULTS[fault]
    state = make_checkpoint(file).state_dict()
    backbone = {f"backbone.{name}": value for name, value in state.items() if name[:2] != "fc"}
    torch.save({"state_dict": {**backbone, **head}}, file)
    error = said_by("import", file, "--out", tmp_path / "run")
    assert re.search(message, error) and error.count("\n") == 1 and "a.pth: " in error
    assert not (tmp_path / "run").exists()


def test_only_what_lies_beside_the_weights_is_ignored(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(PoseError, match="what could run code is not loaded"):
        load_plain_data(tmp_path / "whole.pth", ignore_objects=True)
    torch.save({"weights": Evil(tmp_path / "evil")}, tmp_path / "a.pth")
    with pytest.raises(PoseError, match="what could run code is not loaded"):
        load_plain_data(tmp_path / "a.pth")
    load_plain_data(tmp_path / "a.pth", ignore_objects=True)
    assert not (tmp_path / "evil").exists()
