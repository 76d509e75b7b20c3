"""Stage files that are not what they should be: each refused with one line that names the file and the fault."""

import re

import pytest
import torch

from checkpoints.errors import PoseError
from checkpoints.tensors import load_tensors, save_tensors
from ief.model.run_folder import load_cascade, save_stage, stage_file
from ief.model.stage import Residuals, Stage, StageDesign


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Tensors and description of a good stage file."""
    torch.manual_seed(0)
    residuals = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    stage = Stage(StageDesign("resnet18", size=32, sigma=2.0), residuals)
    path = tmp_path_factory.mktemp("good") / "stage.safetensors"
    return load_tensors(save_stage(path, stage, torch.zeros(16, 2), {"stage": 0, "follows": None, "training": {}}))


def fault(says, tensors=lambda old: {}, design=None, **description):
    """What is said of a file, and how its tensors, its design and its description change."""
    return says, tensors, design, description


TWO_JOINTS = {"names": ["a", "b"], "parents": [-1, 0], "flip_pairs": []}
FAULTS = {
    "float16": fault("'backbone.bn1.bias' float16 (64,), ", lambda old: {name: old[name].half() for name in old}),
    "bfloat16": fault("'head.weight' bfloat16 (32, ", lambda old: {"head.weight": old["head.weight"].bfloat16()}),
    "another network": fault("'backbone.layer1.2.bn1.bias' absent, ", design={"backbone": "resnet34"}),
    "no such network": fault("'resnet99'", design={"backbone": "resnet99"}),
    "another kind of network": fault("no ResNet called 'vgg16'", design={"backbone": "vgg16"}),
    "no such method": fault("unknown method 'best'", design={"method": "best"}),
    "no such stride": fault("stride 5x5", design={"stride": "5x5"}),
    "size in words": fault("not those of the stage it describes", design={"size": "large"}),
    "fewer joints": fault("of 16 joints, its skeleton has 2", design={"skeleton": TWO_JOINTS}),
    "more joints": fault("'head.weight' float32 (34, 512), ", lambda old: {"head.weight": torch.zeros(34, 512)}),
    "other mean pose": fault("'mean_pose' float32 (14, 2), ", lambda old: {"mean_pose": torch.zeros(14, 2)}),
    "weights not finite": fault("'head.weight'", lambda old: {"head.weight": old["head.weight"] * torch.nan}),
    "mean pose not finite": fault("'mean_pose'", lambda old: {"mean_pose": old["mean_pose"] + torch.inf}),
    "a huge size": fault("size 200000", design={"size": 200_000}),
    "a tensor too many": fault("'extra' float32 (1,), not absent", lambda old: {"extra": torch.zeros(1)}),
    "a field too many": fault("lacks or adds a field", design={"color": "red"}),
    "swapped stages": fault("holds stage 1, expected stage 0", stage=1),
    "follows another": fault("was trained on another stage", follows="0" * 64),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_stage_file_is_refused_with_one_line(parts, tmp_path, name):
    (tensors, description), (says, change, design, fields) = parts, FAULTS[name]
    described = description | fields | {"design": description["design"] | (design or {})}
    path = save_tensors(stage_file(tmp_path, 0), tensors | change(tensors), described)
    with pytest.raises(PoseError, match=re.escape(says)) as error:
        load_cascade(tmp_path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_a_stage_without_design_is_refused(parts, tmp_path):
    save_tensors(stage_file(tmp_path, 0), parts[0], {"stage": 0})
    with pytest.raises(PoseError, match=r"stage\.safetensors: .*'design'"):
        load_cascade(tmp_path)
