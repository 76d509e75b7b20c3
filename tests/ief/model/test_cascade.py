import pytest
import torch
from rendering import render_heatmaps
from torch import nn
from torchvision.models import resnet18

from heads.bones import joints_to_bones
from heads.pairs import METHODS
from heads.skeleton import MPII
from ief.model.cascade import Cascade, mirror
from ief.model.run_folder import load_stage, save_stage
from ief.model.stage import Residuals, Stage, StageDesign

SIZE = 64


def make_stage(method="all", backbone="resnet18", seed=0, **design):
    torch.manual_seed(seed)
    residuals = Residuals(torch.randn(16, 2), 1 + torch.rand(16, 2), torch.ones(1, 2))
    stage = Stage(StageDesign(backbone, method=method, size=SIZE, sigma=SIZE / 32, **design), residuals)
    nn.init.normal_(stage.pose_weight, std=0.05)
    nn.init.normal_(stage.head.weight, std=0.05)
    return stage.eval()


def plain_widened_forward(stage, images, joints):
    """The same network with one 19-channel first convolution over image and maps, and torchvision's forward."""
    net = resnet18(weights=None)
    net.conv1 = nn.Conv2d(19, 64, 7, 2, 3, bias=False)
    net.fc = nn.Identity()
    state = {k: v for k, v in stage.backbone.state_dict().items() if k != "conv1.weight"}
    state["conv1.weight"] = torch.cat([stage.backbone.conv1.weight, stage.pose_weight], dim=1)
    net.load_state_dict(state)
    maps = render_heatmaps(joints, SIZE, SIZE / 32).expand(len(images), -1, -1, -1)
    features = net.eval()(torch.cat([images, maps], dim=1))
    correction = (features @ stage.head.weight.T + stage.head.bias).view(-1, 16, 2)
    start = joints_to_bones(joints, MPII) if stage.method.representation == "bones" else joints
    return start + correction * stage.std + stage.mean


@pytest.mark.parametrize("method", ["all", "ief_star"])
@pytest.mark.parametrize("shared_pose", [True, False])
def test_a_stage_equals_a_resnet_widened_in_its_first_layer(method, shared_pose):
    stage, images = make_stage(method), torch.randn(3, 3, SIZE, SIZE)
    joints = torch.rand(1 if shared_pose else 3, 16, 2) * SIZE
    wanted = plain_widened_forward(stage, images, joints)
    torch.testing.assert_close(stage(images, joints), wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_folding_the_batch_normalizations_changes_no_pose(backbone):
    stages = [make_stage(backbone=backbone, seed=seed) for seed in (1, 2)]
    for module in nn.ModuleList(stages).modules():
        if isinstance(module, nn.BatchNorm2d):  # as after training, not the identity it starts as
            for values in (module.running_mean, module.bias.data):
                values.normal_(std=0.2)
            for values in (module.running_var, module.weight.data):
                values.uniform_(0.5, 1.5)
    cascade = Cascade(torch.rand(16, 2) * SIZE, stages).eval()
    folded, images = cascade.folded(), torch.randn(3, 3, SIZE, SIZE)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        fast, plain = folded(images), cascade(images)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-3)
    assert (plain[1][0] - plain[1][1]).abs().max() > 0.1  # images do tell


def test_bf16_poses_are_those_of_fp32_up_to_its_rounding():
    stage, images, joints = make_stage(), torch.randn(3, 3, SIZE, SIZE), torch.rand(3, 16, 2) * SIZE
    with torch.inference_mode():
        for pose in (joints, joints[:1]):
            plain = stage.decode(stage(images, pose))
            stage.autocast_dtype = torch.bfloat16
            half = stage.decode(stage(images, pose))
            stage.autocast_dtype = None
            assert half.dtype == torch.float32 and 0 < (half - plain).abs().max() <= 2e-2 * plain.abs().max()


@pytest.mark.parametrize("method", METHODS)
def test_decode_inverts_encode(method):
    stage = make_stage(method)
    joints = torch.rand(3, 16, 2) * SIZE
    torch.testing.assert_close(stage.decode(stage.encode(joints)), joints)


def test_the_cascade_feeds_each_stage_the_pose_before():
    stages, mean_pose = [make_stage(seed=1), make_stage(seed=2)], torch.rand(16, 2) * SIZE
    images = torch.randn(2, 3, SIZE, SIZE)
    poses = Cascade(mean_pose, stages)(images)
    torch.testing.assert_close(poses[0][0], mean_pose)
    for stage, before, after in zip(stages, poses, poses[1:], strict=False):
        wanted = stage.decode(stage(images, before.expand(2, -1, -1)))
        torch.testing.assert_close(after, wanted, rtol=1e-4, atol=1e-3)


def test_flip_averaging_is_blind_to_a_mirrored_image():
    stage = make_stage()
    symmetric = torch.rand(1, 16, 2) * SIZE
    symmetric = (symmetric + mirror(symmetric, stage)) / 2
    cascade = Cascade(symmetric[0], [stage, make_stage(seed=3)])
    images = torch.randn(2, 3, SIZE, SIZE)
    straight, mirrored = cascade(images, flip=True), cascade(images.flip(-1), flip=True)
    for a, b in zip(straight, mirrored, strict=True):
        torch.testing.assert_close(a, mirror(b, stage), rtol=1e-4, atol=1e-3)
    assert (cascade(images)[1] - straight[1]).abs().max() > 0.01  # without averaging it is not
    torch.testing.assert_close(mirror(mirror(straight[1], stage), stage), straight[1])


@pytest.mark.parametrize(("stride", "strides"), [("1x1", [(2, 2), (1, 1)]), ("3x3", [(1, 1), (2, 2)])])
def test_strides_sit_where_the_design_says(stride, strides):
    backbone = make_stage(backbone="resnet50", stride=stride).backbone
    for layer in (backbone.layer2, backbone.layer3, backbone.layer4):
        assert [layer[0].conv1.stride, layer[0].conv2.stride] == strides


def test_a_saved_stage_loads_to_the_same_poses(tmp_path):
    stage, mean_pose = make_stage(), torch.rand(16, 2) * SIZE
    save_stage(tmp_path / "stage.safetensors", stage, mean_pose, {"stage": 0, "follows": None})
    again, mean_again, description = load_stage(tmp_path / "stage.safetensors")
    assert again.design == stage.design and description["stage"] == 0
    images = torch.randn(2, 3, SIZE, SIZE)
    assert torch.equal(again(images, mean_again[None]), stage(images, mean_pose[None]))
