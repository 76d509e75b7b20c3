"""Rounded stages: what is rounded, what is not, and what a release is refused for."""

import json

import numpy as np
import pytest
import torch
from killed import count_kills
from safetensors import safe_open
from safetensors.numpy import load_file
from untrained import save_run

from checkpoints.errors import PoseError
from checkpoints.files import checksum
from checkpoints.tensors import STORAGES, load_tensors, pack, save_tensors, unpack
from ief.model.run_folder import load_cascade, load_stage, release_stages, save_stage, stage_file
from ief.model.start import load_weights

MOVED = {"float16": 0.02, "int8": 0.3}  # a joint on average, of how much it differs from image to image
ROOM = {"float16": (0.5, 0.56), "int8": (0.25, 0.36)}  # of the floats', batch normalizations and all


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"), likelihood=True)


@pytest.fixture(scope="module", params=STORAGES)
def released(request, run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    about = {"name": "tiny", "trained_on": "noise"}
    assert release_stages(run, out, request.param, about) == [stage_file(out, index) for index in range(2)]
    return request.param, out


@pytest.mark.parametrize("index", [0, 1])
def test_only_convolutions_and_linear_layers_are_rounded(run, released, index):
    storage, out = released
    before, after = (load_file(stage_file(folder, index)) for folder in (run, out))
    for name, tensor in before.items():
        if not (tensor.ndim > 1 and name.endswith(("weight", "pose_weight"))):
            assert after[name].dtype == tensor.dtype and np.array_equal(after[name], tensor), name
        elif storage == "float16":
            assert np.array_equal(after[name], tensor.astype(np.float16)), name
        else:  # channel by channel
            for channel, row in enumerate(tensor):
                scale = after[f"{name}|scale"][channel]
                np.testing.assert_allclose(scale, np.abs(row).max() / 127, rtol=1e-6)
                assert np.abs(after[f"{name}|q"][channel] * scale - row).max() <= 0.51 * scale
    weights, small = (sum(tensor.nbytes for tensor in tensors.values()) for tensors in (before, after))
    low, high = ROOM[storage]
    assert low * weights < small < high * weights


def test_a_release_loads_as_a_run_in_float32(run, released):
    storage, out = released
    before, after = load_cascade(run), load_cascade(out)
    assert {value.dtype for value in after.state_dict().values()} == {torch.float32, torch.int64}
    torch.manual_seed(0)
    images = torch.randn(16, 3, 32, 32)
    with torch.no_grad():
        for pose, rounded in zip(before(images)[1:], after(images)[1:], strict=True):
            moved = (pose - rounded).norm(dim=-1).mean()
            assert 0 < moved < MOVED[storage] * pose.std(dim=0).mean()
    assert [stage.index for stage in load_weights(out)] == [0, 1]  # fine-tuning takes it, too


def test_rounding_what_is_rounded_changes_nothing(released, tmp_path):
    storage, out = released
    release_stages(out, tmp_path, storage)
    for index in range(2):
        first, again = (load_stage(stage_file(folder, index))[0].state_dict() for folder in (out, tmp_path))
        assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_stage_tells_what_it_was_rounded_from_and_follows(run, released):
    storage, out = released
    for index in range(2):
        with safe_open(stage_file(out, index), "np") as file:
            description = json.loads(file.metadata()["description"])
        assert description["rounded_from"] == checksum(stage_file(run, index))
        assert description["follows"] == (checksum(stage_file(out, 0)) if index else None)
        assert description["design"] == load_stage(stage_file(run, index))[2]["design"]
        told = [description[key] for key in ("rounded_to", "name", "trained_on")]
        assert told == [storage, "tiny", "noise"]


def test_a_channel_of_zeros_stays_zero():
    weight = torch.zeros(3, 2, 1, 1)
    weight[1, 0] = -2.0
    assert torch.equal(unpack(pack({"w": weight}, "int8"))["w"], weight)


def test_what_cannot_be_released_is_one_line(run, released, tmp_path):
    storage, out = released
    with pytest.raises(PoseError, match=r"holds a release already; remove it, or choose another --out"):
        release_stages(run, out, storage)
    with pytest.raises(PoseError, match=r"stage0/stage\.safetensors: no such file"):
        release_stages(tmp_path / "none", tmp_path / "out", storage)
    stage, mean_pose, description = load_stage(stage_file(run, 0))
    with torch.no_grad():
        stage.head.weight[0, 0] = {"float16": 7e4, "int8": float("inf")}[storage]
    save_stage(stage_file(tmp_path / "large", 0), stage, mean_pose, description)
    says = {"float16": "a weight beyond float16", "int8": "numbers that are not finite"}[storage]  # when it is loaded
    with pytest.raises(PoseError, match=rf"'head\.weight' has {says}"):
        release_stages(tmp_path / "large", tmp_path / "out", storage)
    assert not (tmp_path / "out").exists()


def test_a_kill_leaves_no_release_or_a_whole_one(run, tmp_path):
    imports = "import tiny_resnet\nfrom ief.model.run_folder import release_stages"
    kills = count_kills(
        "os.replace,", imports, f"release_stages(Path({str(run)!r}), Path({str(tmp_path)!r}, str(call)))"
    )
    for out in (tmp_path / str(call) for call in range(kills)):
        with pytest.raises(PoseError, match=r"stage0/stage\.safetensors: no such file"):
            load_cascade(out)
        release_stages(run, out)
        assert len(load_cascade(out).stages) == 2 and {path.name for path in out.iterdir()} == {"stage0", "stage1"}
    assert kills == 4 and len(load_cascade(tmp_path / "4").stages) == 2


def test_int8_without_its_scale_is_not_loaded(run, tmp_path):
    release_stages(run, tmp_path, "int8")
    file = stage_file(tmp_path, 0)
    tensors, description = load_tensors(file)
    for change in ({}, {"head.weight|scale": tensors["head.weight|scale"][1:]}):
        kept = {name: tensor for name, tensor in tensors.items() if name != "head.weight|scale"} | change
        save_tensors(file, kept, description)
        with pytest.raises(PoseError, match=r"'head\.weight' is stored as int8 without a scale"):
            load_stage(file)
