"""Features that a stage reads where the joints of y_t lie."""

import pytest
import torch
from torch import nn

from heads.skeleton import MPII
from ief.model.cascade import Cascade
from ief.model.stage import Residuals, Stage, StageDesign, sample_features
from ief.model.start import PretrainedStage, build_stage

SIZE = 64


def make_stage(pose_indexed=True, seed=0, size=SIZE, **design):
    torch.manual_seed(seed)
    residuals = Residuals(torch.randn(16, 2), 1 + torch.rand(16, 2), torch.ones(136, 2))
    design = StageDesign("tiny_resnet", size=size, sigma=size / 32, pose_indexed=pose_indexed, **design)
    stage = Stage(design, residuals)
    for head in (stage.head, stage.indexed_head) if pose_indexed else (stage.head,):
        nn.init.normal_(head.weight, std=0.05)
    return stage.eval()


def sample_slowly(cells, x, y, size):
    """One joint's features, cell by cell: a cell of an n x n map covers size / n pixels, beyond the border its last."""
    side = cells.shape[-1]
    column, row = ((value + 0.5) * side / size - 0.5 for value in (x, y))
    total = torch.zeros(len(cells))
    for i in range(-1, side + 1):
        for j in range(-1, side + 1):
            near = max(0.0, 1 - abs(row - i)) * max(0.0, 1 - abs(column - j))
            total += near * cells[:, min(max(i, 0), side - 1), min(max(j, 0), side - 1)]
    return total


def test_features_are_read_at_and_around_the_joints():
    maps = [torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 4)]
    joints = torch.rand(2, 6, 2) * SIZE
    joints[0, 0] = torch.tensor([0.0, SIZE - 1])
    read = sample_features(maps, joints, SIZE)
    for person in range(2):
        for joint, (x, y) in enumerate(joints[person].tolist()):
            places = [(x + dx, y + dy) for dy in (-4, 0, 4) for dx in (-4, 0, 4)]  # a sixteenth of the side apart
            expected = [sample_slowly(cells[person], *place, SIZE) for place in places for cells in maps]
            torch.testing.assert_close(read[person, joint], torch.cat(expected), rtol=1e-4, atol=1e-5)


def test_a_joint_beyond_the_crop_reads_its_border():
    maps, joints = [torch.randn(1, 3, 8, 8)], torch.tensor([[[-500.0, 20.0], [-8.0, 20.0], [-4.0, 20.0]]])
    read = sample_features(maps, joints, SIZE)[0]
    assert torch.equal(read[0], read[2]) and torch.equal(read[1], read[2])


def test_a_pose_is_seen_without_its_heatmaps():
    """Their weights are zero at the start; the features at the joints tell two poses apart all the same."""
    stage, images = make_stage(), torch.randn(2, 3, SIZE, SIZE)
    assert not stage.pose_weight.any()
    poses = torch.rand(2, 1, 16, 2) * SIZE
    moved = [stage(images, pose.expand(2, -1, -1)) - stage.encode(pose) for pose in poses]
    assert (moved[0] - moved[1]).abs().max() > 1e-2
    blind = make_stage(pose_indexed=False)
    moved = [blind(images, pose.expand(2, -1, -1)) - blind.encode(pose) for pose in poses]
    torch.testing.assert_close(*moved, rtol=0, atol=1e-4)


def test_gradients_reach_what_reads_the_features():
    stage = make_stage().train()
    stage(torch.randn(2, 3, SIZE, SIZE), torch.rand(2, 16, 2) * SIZE).square().mean().backward()
    new = {id(value) for value in stage.new_parameters()}
    for value in (*stage.indexed.parameters(), *stage.indexed_head.parameters()):
        assert value.grad.abs().sum() > 0 and id(value) in new


@pytest.mark.parametrize("shared_pose", [True, False])
def test_folding_changes_no_pose(shared_pose):
    stage, images = make_stage(), torch.randn(3, 3, SIZE, SIZE)
    joints = torch.rand(1 if shared_pose else 3, 16, 2) * SIZE
    with torch.inference_mode():
        images = images.to(memory_format=torch.channels_last)
        if shared_pose:
            torch.testing.assert_close(stage(images, joints), stage(images, joints.expand(3, -1, -1)))
        torch.testing.assert_close(stage.folded()(images, joints), stage(images, joints), rtol=1e-4, atol=1e-3)


def test_fine_tuning_gives_the_same_poses_by_other_statistics():
    zero, trained = make_stage(pose_indexed=False), make_stage(seed=1)
    previous = Cascade(torch.rand(16, 2) * SIZE, [zero]).eval()
    start = PretrainedStage(trained, previous.mean_pose, 1, "stage.safetensors", "0")
    other = Residuals(torch.randn(16, 2), 1 + torch.rand(16, 2), torch.ones(136, 2))
    stage, said = build_stage(trained.design, other, previous, start)
    assert "nothing left out" in said and not torch.equal(stage.std, trained.std)
    images, joints = torch.randn(3, 3, SIZE, SIZE), torch.rand(3, 16, 2) * SIZE
    torch.testing.assert_close(stage.eval()(images, joints), trained(images, joints), rtol=1e-4, atol=1e-3)
    stage, said = build_stage(zero.design, other, previous, start)
    assert "features at the joints too, not pooled" in said


def test_a_stage_travels_in_its_file_and_old_files_read_none(tmp_path):
    stage = make_stage()
    assert StageDesign.from_json(stage.design.to_json()) == stage.design and stage.design.skeleton == MPII
    fields = stage.design.to_json()
    fields.pop("pose_indexed")
    assert not StageDesign.from_json(fields).pose_indexed
