"""Stages in half precision: what is rounded, what is not, and what a release is refused for."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from untrained import save_run

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from ief.model.release import release_stages
from ief.model.run_folder import load_cascade, load_stage, save_stage, stage_file
from ief.model.start import load_weights

MOVED = 0.002  # of the input's side: the most that rounding may move a joint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"), likelihood=True)


@pytest.fixture(scope="module")
def released(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert release_stages(run, out) == [stage_file(out, index) for index in range(2)]
    return out


@pytest.mark.parametrize("index", [0, 1])
def test_only_convolutions_and_linear_layers_are_rounded(run, released, index):
    before, after = (load_file(stage_file(folder, index)) for folder in (run, released))
    assert before.keys() == after.keys()
    rounded = {name for name, tensor in after.items() if tensor.dtype == np.float16}
    assert {name for name in before if name.endswith("weight") and before[name].ndim > 1} <= rounded
    assert not {"mean", "std", "pair_std", "mean_pose", "backbone.bn1.weight", "backbone.bn1.running_var"} & rounded
    for name, tensor in before.items():
        wanted = tensor.astype(np.float16) if name in rounded else tensor
        assert after[name].dtype == wanted.dtype and np.array_equal(after[name], wanted), name
    weights, small = (sum(tensor.nbytes for tensor in tensors.values()) for tensors in (before, after))
    assert 0.5 * weights < small < 0.56 * weights


def test_a_release_loads_as_a_run_in_float32(run, released):
    before, after = load_cascade(run), load_cascade(released)
    assert {value.dtype for value in after.state_dict().values()} == {torch.float32, torch.int64}
    torch.manual_seed(0)
    images = torch.randn(16, 3, 32, 32)
    with torch.no_grad():
        for pose, rounded in zip(before(images)[1:], after(images)[1:], strict=True):
            moved = (pose - rounded).norm(dim=-1).max()
            assert 0 < moved < MOVED * 32 < pose.std(dim=0).mean()  # images differ by far more
    assert [stage.index for stage in load_weights(released)] == [0, 1]  # fine-tuning takes it, too


def test_a_stage_tells_what_it_was_rounded_from_and_follows(run, released):
    for index in range(2):
        with safe_open(stage_file(released, index), "np") as file:
            description = json.loads(file.metadata()["description"])
        assert description["rounded_from"] == checksum(stage_file(run, index))
        assert description["follows"] == (checksum(stage_file(released, 0)) if index else None)
        assert description["design"] == load_stage(stage_file(run, index))[2]["design"]


def test_what_cannot_be_released_is_one_line(run, released, tmp_path):
    with pytest.raises(PoseError, match=r"holds a release already; remove it, or choose another --out"):
        release_stages(run, released)
    with pytest.raises(PoseError, match=r"stage0/stage\.safetensors: no such file"):
        release_stages(tmp_path / "none", tmp_path / "out")
    stage, mean_pose, description = load_stage(stage_file(run, 0))
    with torch.no_grad():
        stage.head.weight[0, 0] = 7e4
    save_stage(stage_file(tmp_path / "large", 0), stage, mean_pose, description)
    with pytest.raises(PoseError, match=r"'head\.weight' .* 65504; release another run"):
        release_stages(tmp_path / "large", tmp_path / "out")
    assert not (tmp_path / "out").exists()
