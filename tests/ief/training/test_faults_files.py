"""Stage files that are not what they should be: each refused with one line that names the file and the fault."""

import re

import pytest
import torch

from checkpoints.errors import PoseError
from checkpoints.tensors import load_tensors, save_tensors
from ief.model.run_folder import load_cascade, load_stage, save_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Tensors and description of a good stage file."""
    torch.manual_seed(0)
    residuals = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    stage = Stage(StageDesign("resnet18", size=32, sigma=2.0), residuals)
    path = tmp_path_factory.mktemp("good") / "stage.safetensors"
    return load_tensors(save_stage(path, stage, torch.zeros(16, 2), {"stage": 0, "follows": None, "training": {}}))


def with_tensors(parts, change):
    tensors, description = parts
    return {**tensors, **change}, description


def with_design(parts, **change):
    tensors, description = parts
    return tensors, {**description, "design": {**description["design"], **change}}


FAULTS = {
    "float16": (
        lambda parts: ({name: tensor.half() for name, tensor in parts[0].items()}, parts[1]),
        "'backbone.bn1.bias' float16 (64,), not float32 (64,)",
    ),
    "bfloat16": (
        lambda parts: with_tensors(parts, {"head.weight": parts[0]["head.weight"].bfloat16()}),
        "'head.weight' bfloat16 (32, 512), not float32 (32, 512)",
    ),
    "another network": (
        lambda parts: with_design(parts, backbone="resnet34"),
        "a resnet34 of 16 joints ('backbone.layer1.2.bn1.bias' absent, not float32 (64,)",
    ),
    "no such network": (
        lambda parts: with_design(parts, backbone="resnet99"),
        "torchvision has no ResNet called 'resnet99'",
    ),
    "no such method": (lambda parts: with_design(parts, method="best"), "unknown method 'best'"),
    "no such stride": (lambda parts: with_design(parts, stride="5x5"), "stride 5x5"),
    "size in words": (lambda parts: with_design(parts, size="large"), "not those of the stage it describes"),
    "fewer joints": (
        lambda parts: with_design(parts, skeleton={"names": ["a", "b"], "parents": [-1, 0], "flip_pairs": []}),
        "holds statistics of 16 joints, its skeleton has 2",
    ),
    "more joints in the head": (
        lambda parts: with_tensors(parts, {"head.weight": torch.zeros(34, 512)}),
        "'head.weight' float32 (34, 512), not float32 (32, 512)",
    ),
    "mean pose of other joints": (
        lambda parts: with_tensors(parts, {"mean_pose": torch.zeros(14, 2)}),
        "'mean_pose' float32 (14, 2), not float32 (16, 2)",
    ),
    "a tensor too many": (
        lambda parts: with_tensors(parts, {"extra": torch.zeros(1)}),
        "'extra' float32 (1,), not absent",
    ),
    "no design": (lambda parts: (parts[0], {"stage": 0}), "not those of the stage it describes ('design')"),
    "swapped stages": (
        lambda parts: (parts[0], {**parts[1], "stage": 1}),
        "holds stage 1, expected stage 0",
    ),
    "follows another": (
        lambda parts: (parts[0], {**parts[1], "follows": "0" * 64}),
        "was trained on another stage",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_stage_file_is_refused_with_one_line(parts, tmp_path, name):
    change, says = FAULTS[name]
    path = save_tensors(stage_file(tmp_path, 0), *change(parts))
    with pytest.raises(PoseError, match=re.escape(says)) as error:
        load_cascade(tmp_path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_a_changed_weight_is_refused(parts, tmp_path):
    path = save_tensors(stage_file(tmp_path, 0), *parts)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # the last bit of some float: as good a number as before
    path.write_bytes(content)
    with pytest.raises(PoseError, match="do not fit the checksum in its header"):
        load_stage(path)
