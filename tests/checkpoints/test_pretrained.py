from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hostile import RunsCode
from torchvision import models
from torchvision.models.detection import SSDLite320_MobileNet_V3_Large_Weights

from checkpoints import pretrained
from checkpoints.errors import PoseError
from checkpoints.files import checksum
from checkpoints.pretrained import load_pretrained_weights, name_network, trunk_shapes
from ief.inference.detector import PersonDetector
from ief.model.stage import Residuals, Stage, StageDesign
from ief.model.start import load_backbone

ONES = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(1, 2))
LOADERS = {"resnet": partial(pretrained.download_pretrained_weights, "resnet18"), "detector": PersonDetector}


def weights_of(block, **changes):
    """The tensors by which a ResNet file is known, small: `block` is "bottleneck" or "basic"."""
    names = ["conv1", "layer1.0.conv1", *(["layer1.0.conv3"] if block == "bottleneck" else []), "fc"]
    tensors = {f"{name}.weight": torch.rand(2, 3, generator=torch.Generator().manual_seed(0)) for name in names}
    return {**tensors, "bn1.bias": torch.zeros(2), "bn1.num_batches_tracked": torch.tensor(1), **changes}


def saved(path, content, stride=None):
    torch.save(content, path)
    return load_pretrained_weights(path, stride)


def test_a_files_name_or_the_caller_tells_the_stride(tmp_path):
    known, mine, weights = tmp_path / "resnet50-0676ba61.pth", tmp_path / "mine.pth", weights_of("bottleneck")
    read = saved(known, weights)
    assert read.stride == "3x3" and not {"fc.weight", "bn1.num_batches_tracked"} & read.tensors.keys()
    assert saved(mine, weights, "1x1").stride == "1x1"
    assert saved(mine, weights_of("basic")).stride == "3x3"  # basic blocks need no telling
    for path, told, says in (
        (known, "1x1", "3x3 convolution, but --stride is 1x1"),
        (mine, None, r"mine\.pth: .* add --stride 1x1 or --stride 3x3"),
        (mine, "2x2", "unknown stride '2x2'"),
    ):
        with pytest.raises(PoseError, match=says):
            saved(path, weights, told)


@pytest.mark.parametrize("value", [torch.full((2,), float("nan")), torch.zeros(2, dtype=torch.int8), 3.0, None])
def test_weights_that_are_not_finite_floats_are_refused(tmp_path, value):
    with pytest.raises(PoseError, match=r"small\.pth: 'bn1\.bias' is not a tensor of finite floats"):
        saved(tmp_path / "small.pth", weights_of("basic", **{"bn1.bias": value}))


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "encoder.", "model.backbone.", "backbone.body."])
@pytest.mark.parametrize("container", [None, "state_dict", "model_state_dict", "model", "net"])
def test_a_trunk_is_found_under_any_prefix_and_in_a_checkpoint(tmp_path, prefix, container):
    plain, heads = weights_of("basic"), {"decoder.conv1.weight": torch.ones(3), "keypoints.bias": torch.ones(1)}
    state = OrderedDict({**heads, **{prefix + name: tensor for name, tensor in plain.items()}})
    optimizer = {"state": {0: {"step": torch.ones(())}}, "param_groups": [{"lr": 0.1}]}
    content = {"epoch": 3, container: state, "optimizer": optimizer} if container else state
    weights = saved(tmp_path / "checkpoint.pth.tar", content)
    wanted = {name: plain[name] for name in plain if not name.startswith("fc.") and "num_batches" not in name}
    torch.testing.assert_close(dict(weights.tensors), wanted, rtol=0, atol=0)
    beside = {*heads, f"{prefix}fc.weight", *(["optimizer"] if container else [])}
    assert set(weights.left_out) == beside
    line = str(weights)
    assert line.startswith(f"weights {tmp_path}/checkpoint.pth.tar: 3 tensors of the trunk; left out: {len(beside)} (")
    assert "decoder.conv1.weight" in line and "\n" not in line


def test_a_line_names_a_few_of_the_tensors_left_out(tmp_path):
    many = {f"decoder.{number}": torch.ones(1) for number in range(9)}
    said = str(saved(tmp_path / "a.pt", weights_of("basic") | many))
    assert said.endswith("left out: 10 (fc.weight, decoder.0, decoder.1, decoder.2, ...)")
    trunk = {name: tensor for name, tensor in weights_of("basic").items() if not name.startswith("fc.")}
    assert str(saved(tmp_path / "b.ckpt", trunk)).endswith("3 tensors of the trunk; nothing left out")
    assert "\x1b" not in str(saved(tmp_path / "c.pt", trunk | {"\x1b[2J": torch.ones(1)}))


def test_of_several_networks_none_is_taken_by_guess(tmp_path):
    ours, other = weights_of("basic"), weights_of("basic", **{"bn1.bias": torch.ones(2)})
    weights = saved(tmp_path / "a.pth", {"ema": other, "state_dict": ours})
    assert torch.equal(weights.tensors["bn1.bias"], ours["bn1.bias"]) and "ema" in weights.left_out
    with pytest.raises(PoseError, match=r"b\.pth: holds 2 ResNets \(student, teacher\)"):
        saved(tmp_path / "b.pth", {"student": ours, "teacher": other})
    pair = {f"module.encoder_{which}.{name}": tensor for which in "qk" for name, tensor in ours.items()}
    with pytest.raises(PoseError, match=r"2 ResNets \(state_dict\.module\.encoder_q, .*encoder_k"):
        saved(tmp_path / "c.pth", {"state_dict": pair})
    endless = {}
    endless["state_dict"] = endless
    with pytest.raises(PoseError, match="holds no torchvision ResNet"):
        saved(tmp_path / "d.pth", endless)


def test_the_source_tells_equal_weights_by_their_bytes(tmp_path):
    for folder in "abc":
        (tmp_path / folder).mkdir()
    sources = [saved(tmp_path / folder / "model.pth", weights_of("basic")).source for folder in "ab"]
    other = saved(tmp_path / "c" / "model.pth", weights_of("basic", **{"bn1.bias": torch.ones(2)})).source
    assert sources[0] == sources[1] != other and other.startswith("model.pth ")


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "wide_resnet50_2", "resnext50_32x4d"])
def test_a_network_is_named_by_its_trunk(name):
    with torch.device("meta"):
        state = models.get_model(name, weights=None).state_dict()
    assert name_network(trunk_shapes(state)) == name
    assert name_network({key: shape for key, shape in trunk_shapes(state).items() if "layer4" not in key}) is None


def test_an_incomplete_trunk_is_refused_by_its_first_tensor():
    state = models.resnet18(weights=None).state_dict()
    half = {name: tensor for name, tensor in state.items() if not name.startswith(("fc.", "layer3"))}
    with pytest.raises(PoseError, match=r"half\.pth: .* a resnet18: 'layer3\.0\.bn1\.bias' is absent"):
        pretrained.PretrainedWeights(half, "3x3", "half.pth").check_fits("resnet18", state)
    gray = state | {"conv1.weight": torch.ones(64, 1, 7, 7)}
    with pytest.raises(PoseError, match=r"'conv1\.weight' is \(64, 1, 7, 7\), expected \(64, 3, 7, 7\)"):
        pretrained.PretrainedWeights(gray, "3x3", "gray.pth").check_fits("resnet18", state)


def test_weights_in_half_precision_become_float32(tmp_path):
    weights = weights_of("basic")
    for kind in (torch.float16, torch.bfloat16):
        half = {name: tensor.to(kind) for name, tensor in weights.items()}
        tensors = dict(saved(tmp_path / "half.pth", half).tensors)
        torch.testing.assert_close(tensors, {name: half[name].float() for name in tensors}, rtol=0, atol=0)


def test_caffe_weights_tell_their_stride_and_fill_a_stage(shared):
    path = shared / "weights" / "resnet50_imagenet_he_caffe.fp16.safetensors"
    if not path.is_file():
        pytest.skip("ImageNet's weights are not beside this checkout (../shared/weights says how to make them)")
    weights = load_pretrained_weights(path)
    assert weights.stride == "1x1"
    stage = Stage(StageDesign("resnet50", "1x1", size=96, sigma=3.0), ONES)
    load_backbone(stage, weights)
    assert torch.equal(stage.backbone.layer4[2].conv3.weight, weights.tensors["layer4.2.conv3.weight"])
    assert (stage.pose_weight == 0).all()
    # The right strides keep the statistics that the weights were trained with: a normal image's features stay tame.
    images = torch.nn.functional.interpolate(torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(0)), 96)
    assert torch.isfinite(stage.eval()(images, torch.full((1, 16, 2), 48.0))).all()


@pytest.mark.parametrize("fits", [False, True])
@pytest.mark.parametrize("content", ["code", "empty", "text"])
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_torchvisions_cached_file_runs_no_code(tmp_path, monkeypatch, load, content, fits):
    """Nor one whose bytes fit its name, which has eight digits alone."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    for weights in (models.ResNet18_Weights.IMAGENET1K_V1, SSDLite320_MobileNet_V3_Large_Weights.COCO_V1):
        cached = tmp_path / "checkpoints" / Path(weights.url).name
        cached.write_bytes(b"" if content == "empty" else b"no weights")
        if content == "code":
            torch.save({"a": RunsCode(tmp_path / "ran")}, cached)
    if fits:
        monkeypatch.setattr("checkpoints.pretrained.checksum", lambda path: Path(path).stem.rpartition("-")[2])
    with pytest.raises(PoseError, match=r"checkpoints/\w+-[0-9a-f]{8}\.pth: ") as error:
        load()
    assert not (tmp_path / "ran").exists() and ("checksum" in str(error.value)) != fits


def test_torchvisions_cached_weights_are_those_saved(tmp_path, monkeypatch):
    state = models.resnet18(weights=None).state_dict()
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save(state, tmp_path / "a.pth")
    name = f"checkpoints/resnet18-{checksum(tmp_path / 'a.pth')[:8]}.pth"
    (tmp_path / "a.pth").rename(tmp_path / name)
    weights = SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(url=f"https://nowhere/{name}"))
    monkeypatch.setattr("torchvision.models.get_model_weights", lambda backbone: weights)
    loaded = pretrained.download_pretrained_weights("resnet18").tensors
    assert loaded and all(torch.equal(loaded[key], state[key]) for key in loaded)
