"""A trained stage as the start of another: the same poses before the first step, or what fits of it."""

import dataclasses

import pytest
import tiny_resnet  # noqa: F401  (a backbone of that name)
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from checkpoints.pretrained import PretrainedWeights
from heads.skeleton import MPII, Skeleton
from ief.model.run_folder import save_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign
from ief.model.start import PretrainedStage, load_weights, start_from

SIZE, PAIRS = 32, {"all": 136, "both": 31, "ief_star": 16}
CHAIN = Skeleton(MPII.names, tuple(range(-1, 15)))


def make_stage(seed, method="all", dimensions=2, **design):
    """A stage with statistics of its own, no part of which is zero."""
    torch.manual_seed(seed)
    shape, pairs = (16, dimensions), (PAIRS[method], dimensions)
    residuals = Residuals(5 * torch.randn(shape), 1 + 9 * torch.rand(shape), 1 + torch.rand(pairs))
    fields = {"backbone": "tiny_resnet", "size": SIZE, "sigma": 2.0, "method": method} | design
    stage = Stage(StageDesign(**fields), residuals)
    for values in (stage.pose_weight, stage.head.weight, stage.head.bias):
        nn.init.normal_(values, std=0.3)
    return stage.eval()


def pretrained(stage, index=0, mean_pose=None):
    pose = torch.rand(stage.head.shape) * SIZE if mean_pose is None else mean_pose
    return PretrainedStage(stage, pose, index, "run/stage.safetensors", "abc")


def poses(stage, joints):
    """What a stage makes of some images, crop pixels."""
    images = torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        return stage.decode(stage(images, joints))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize(("old", "new"), [("all", "all"), ("all", "both"), ("ief_star", "ief_star")])
def test_other_statistics_give_a_first_stage_the_same_poses(old, new, dimensions):
    trained, stage = pretrained(make_stage(1, old, dimensions)), make_stage(2, new, dimensions)
    line = start_from(stage, trained, trained.mean_pose, 0)
    assert line.startswith("weights run/stage.safetensors")
    assert "the heatmap half and the head; nothing left out" in line
    want = poses(trained.stage, trained.mean_pose[None])
    torch.testing.assert_close(poses(stage, trained.mean_pose[None]), want, rtol=0, atol=1e-4)
    assert (want[0] - want[1]).abs().max() > 1  # the images do tell
    # Of another mean pose only the view of the heatmaps differs: without their half nothing does.
    trained.stage.pose_weight.data.zero_()
    other, stage = torch.rand(16, dimensions) * SIZE, make_stage(3, new, dimensions)
    start_from(stage, trained, other, 0)
    want = poses(trained.stage, trained.mean_pose[None])
    torch.testing.assert_close(poses(stage, other[None]), want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_later_stage_gives_the_same_poses_of_the_same_y_t(absolute):
    trained, stage = pretrained(make_stage(1, absolute=absolute), 1), make_stage(2, absolute=absolute)
    start_from(stage, trained, torch.rand(16, 2), 1)
    joints = torch.rand(3, 16, 2) * SIZE
    torch.testing.assert_close(poses(stage, joints), poses(trained.stage, joints), rtol=0, atol=1e-4)


def test_crops_of_twice_the_size_give_poses_twice_as_large():
    """On the same features: the network in front is replaced by constants."""
    small, large = make_stage(1), make_stage(2, size=2 * SIZE)
    trained, y = pretrained(small), torch.rand(16, 2) * 2 * SIZE
    start_from(large, trained, y, 0)
    features = torch.randn(3, small.head.in_features)
    want = small.encode(trained.mean_pose) + small.head(features) * small.std + small.mean
    found = large.encode(y) + large.head(features) * large.std + large.mean
    torch.testing.assert_close(found, 2 * want, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("old", "old_index", "new", "index", "reason"), [
    ({}, 0, {"skeleton": CHAIN}, 0, "skeleton another, not the same"),
    ({}, 0, {"method": "ief_star"}, 0, "output bones, not joints"),
    ({}, 0, {"dimensions": 3}, 0, "dimensions 2, not 3"),
    ({}, 0, {}, 1, "pose in view the first stage's, not a later stage's"),
    ({"absolute": True}, 1, {}, 1, "regresses poses, not corrections"),
])  # fmt: skip
def test_of_a_stage_that_differs_the_trunk_alone_is_taken(old, old_index, new, index, reason):
    trained, stage = pretrained(make_stage(1, **old), old_index), make_stage(2, **new)
    before = {name: value.clone() for name, value in stage.state_dict().items()}
    line = start_from(stage, trained, torch.rand(16, stage.head.shape[1]), index)
    assert line.endswith(f"65 tensors of the trunk; left out: heatmap half and head ({reason})"), line
    for name, value in stage.state_dict().items():
        taken = name.startswith("backbone.") and not name.endswith("num_batches_tracked")
        assert torch.equal(value, trained.stage.state_dict()[name] if taken else before[name]), name


def names_of_new(stage):
    new = {id(value) for value in stage.new_parameters()}
    return {name.split(".")[0] for name, value in stage.named_parameters() if id(value) in new}


def test_what_was_taken_is_new_no_longer():
    stage = make_stage(2)
    assert names_of_new(stage) == {"pose_weight", "head"}
    start_from(stage, pretrained(make_stage(1, "ief_star")), torch.rand(16, 2), 0)
    assert names_of_new(stage) == {"pose_weight", "head"}
    start_from(stage, pretrained(make_stage(1)), torch.rand(16, 2), 0)
    assert names_of_new(stage) == set()


def test_the_head_of_sigma_follows_where_the_pairs_match():
    old = make_stage(1, likelihood=True)
    for method, taken in (("all", True), ("both", False)):
        stage = make_stage(2, method, likelihood=True)
        line = start_from(stage, pretrained(old), torch.rand(16, 2), 0)
        assert ("that of sigma too" in line) == taken and ("left out: the head of sigma" in line) != taken
        assert names_of_new(stage) == (set() if taken else {"sigma_head", "likelihood"})
        assert not taken or torch.equal(stage.sigma_head.weight, old.sigma_head.weight)


def test_another_network_is_refused_by_its_name():
    with pytest.raises(PoseError, match=r"stage\.safetensors: .* tiny_resnet, the stage is a resnet18; choose"):
        start_from(make_stage(2, backbone="resnet18"), pretrained(make_stage(1)), torch.rand(16, 2), 0)


@pytest.fixture
def run(tmp_path):
    """A run folder with two stages."""
    follows = None
    for index in (0, 1):
        path = stage_file(tmp_path, index)
        save_stage(path, make_stage(index), torch.rand(16, 2), {"stage": index, "follows": follows})
        follows = checksum(path)
    return tmp_path


def test_a_run_gives_each_stage_its_own_and_a_file_gives_one(run):
    stages = load_weights(run)
    alone = [load_weights(stage_file(run, index))[0] for index in (0, 1)]
    assert [stage.index for stage in stages] == [stage.index for stage in alone] == [0, 1]
    assert [stage.source for stage in stages] == [stage.source for stage in alone]
    assert stages[0].source != stages[1].source
    for found in (*stages, *alone):
        assert torch.equal(found.stage.pose_weight, make_stage(found.index).pose_weight)


def test_a_folder_without_a_stage_is_told_from_other_tensors(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PoseError, match=r"empty: .* stage0/stage\.safetensors; give a run"):
        load_weights(tmp_path / "empty")
    state = {f"module.{name}": value for name, value in make_stage(0).backbone.state_dict().items()}
    save_file(state, tmp_path / "other.safetensors", metadata={"description": "a network of somebody else"})
    (weights,) = load_weights(tmp_path / "other.safetensors")
    assert isinstance(weights, PretrainedWeights) and len(weights.tensors) == 65
    tensors = load_file(stage_file(run, 0))
    save_file(tensors, stage_file(run, 0), metadata={"description": '{"design": {}}'})
    with pytest.raises(PoseError, match=r"stage\.safetensors: its contents lack the checksum"):
        load_weights(stage_file(run, 0))


def test_a_stage_tells_where_its_stride_is(tmp_path):
    stage, description = make_stage(0, backbone="resnet50", stride="1x1"), {"stage": 0, "follows": None}
    path = save_stage(tmp_path / "s.safetensors", stage, torch.rand(16, 2), description)
    assert load_weights(path)[0].stride == load_weights(path, "1x1")[0].stride == "1x1"
    with pytest.raises(PoseError, match="its stride is in the 1x1 convolution, but --stride is 3x3"):
        load_weights(path, "3x3")
    with pytest.raises(PoseError, match="stride in the 1x1"):
        start_from(make_stage(1, backbone="resnet50"), load_weights(path)[0], torch.rand(16, 2), 0)
    assert dataclasses.replace(load_weights(path)[0], index=1).trunk.network == "resnet50"
