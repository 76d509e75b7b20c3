import pytest
import torch
from safetensors.torch import save_file

from checkpoints.errors import PoseError
from checkpoints.pretrained import load_pretrained_weights
from ief.model.stage import Residuals, Stage, StageDesign

ONES = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(1, 2))


def weights_of(block, **changes):
    """The tensors by which a ResNet file is known, small: `block` is "bottleneck" or "basic"."""
    names = ["conv1", "layer1.0.conv1", *(["layer1.0.conv3"] if block == "bottleneck" else []), "fc"]
    tensors = {f"{name}.weight": torch.rand(2, 3, generator=torch.Generator().manual_seed(0)) for name in names}
    return {**tensors, "bn1.bias": torch.zeros(2), "bn1.num_batches_tracked": torch.tensor(1), **changes}


def test_a_torchvision_file_is_known_by_its_name(tmp_path):
    path = tmp_path / "resnet50-0676ba61.pth"
    torch.save(weights_of("bottleneck"), path)
    weights = load_pretrained_weights(path)
    assert weights.stride == "3x3" and not {"fc.weight", "bn1.num_batches_tracked"} & weights.tensors.keys()
    with pytest.raises(PoseError, match="3x3 convolution, but --stride is 1x1"):
        load_pretrained_weights(path, "1x1")


def test_a_file_that_does_not_tell_is_refused_until_told(tmp_path):
    path = tmp_path / "mine.pth"
    torch.save(weights_of("bottleneck"), path)
    with pytest.raises(PoseError, match=r"does not tell whether its stride is in .* add --stride 1x1 or --stride 3x3"):
        load_pretrained_weights(path)
    assert load_pretrained_weights(path, "1x1").stride == "1x1"
    with pytest.raises(PoseError, match="unknown stride '2x2'"):
        load_pretrained_weights(path, "2x2")


def test_basic_blocks_need_no_telling(tmp_path):
    torch.save(weights_of("basic"), tmp_path / "small.pth")
    assert load_pretrained_weights(tmp_path / "small.pth").stride == "3x3"


def test_other_files_are_refused(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    (tmp_path / "text.pth").write_text("hello")
    for name in ("other.safetensors", "text.pth", "absent.pth"):
        with pytest.raises(PoseError, match=name):
            load_pretrained_weights(tmp_path / name)


@pytest.mark.parametrize("value", [torch.full((2,), float("nan")), torch.zeros(2, dtype=torch.int8), 3.0, None])
def test_weights_that_are_not_finite_floats_are_refused(tmp_path, value):
    torch.save(weights_of("basic", **{"bn1.bias": value}), tmp_path / "small.pth")
    with pytest.raises(PoseError, match=r"small\.pth: 'bn1\.bias' is not a tensor of finite floats"):
        load_pretrained_weights(tmp_path / "small.pth")


def test_weights_in_half_precision_become_float32(tmp_path):
    weights = weights_of("basic")
    for kind in (torch.float16, torch.bfloat16):
        torch.save({name: tensor.to(kind) for name, tensor in weights.items()}, tmp_path / "half.pth")
        tensors = load_pretrained_weights(tmp_path / "half.pth").tensors
        assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
        assert torch.equal(tensors["conv1.weight"], weights["conv1.weight"].to(kind).float())


def test_the_caffe_weights_tell_their_stride_and_fill_a_whole_stage(shared):
    weights = load_pretrained_weights(shared / "weights" / "resnet50_imagenet_he_caffe.fp16.safetensors")
    assert weights.stride == "1x1"
    stage = Stage(StageDesign("resnet50", "1x1", size=96, sigma=3.0), ONES)
    stage.start_from(weights)
    net = stage.backbone
    assert torch.equal(net.layer4[2].conv3.weight, weights.tensors["layer4.2.conv3.weight"])
    assert (stage.pose_weight == 0).all()
    # The right strides keep the statistics that the weights were trained with: a normal image's features stay tame.
    images = torch.nn.functional.interpolate(torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(0)), 96)
    assert torch.isfinite(stage.eval()(images, torch.full((1, 16, 2), 48.0))).all()
