"""`--weights` of a training: which stage starts from what, what is said of it, and what a resume holds to."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from configs import small_config, stage_of
from prepared_sums import add_sums
from processes import finish, finish_here, on_two_ranks, train
from safetensors import safe_open
from torchvision.models import get_model

from ief.model.cascade import Cascade
from ief.model.run_folder import load_cascade, stage_file
from ief.model.stage import Residuals
from ief.model.start import load_weights
from mpii_tools.annotations.people_file import load_people, save_people

DEMO = ["--preset", "demo", "--epochs", "1"]
NO_STEP = ["--preset", "demo", "--epochs", "0.01", "--lr", "1e-20", "--weight-decay", "0", "--ema", "0"]


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A trained run of two stages."""
    folder = tmp_path_factory.mktemp("pretrained") / "source"
    finish_here(train(tiny_data, folder, *DEMO))
    return folder


@pytest.fixture(scope="module")
def other_data(tiny_data, tmp_path_factory):
    """The same images of people in smaller poses, whose statistics are others."""
    folder = shutil.copytree(tiny_data, tmp_path_factory.mktemp("other") / "data")
    people = load_people(folder / "train.npz")
    save_people(folder / "train.npz", replace(people, joints=80 + 0.3 * people.joints))
    return add_sums(folder)


def test_fine_tuning_starts_with_the_runs_stages(run, other_data, tmp_path):
    """A training of one step without any lr shows where it started."""
    said = finish_here(train(other_data, tmp_path / "run", *NO_STEP, "--weights", str(run)))
    for index in (0, 1):
        assert f"weights {stage_file(run, index)}: 65 tensors of the trunk, the heatmap half and the head" in said
    old, new = load_cascade(run), load_cascade(tmp_path / "run")
    for before, after in zip(old.stages, new.stages, strict=True):
        assert torch.equal(before.pose_weight, after.pose_weight)
        assert (before.std / after.std - 1).abs().max() > 0.1  # the statistics are the new people's
        in_pixels = [stage.head.weight * stage.std.reshape(-1, 1) for stage in (before, after)]
        torch.testing.assert_close(*in_pixels, rtol=1e-5, atol=1e-7)
    assert json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))["weights"] == str(run)


def test_where_a_stage_that_the_run_lacks_starts(run, tiny_data):
    both, previous = load_weights(run), load_cascade(run, 1)
    residuals = Residuals(torch.zeros(16, 2), torch.ones(16, 2), torch.ones(136, 2))
    with torch.no_grad():
        previous.stages[0].backbone.conv1.weight.fill_(3.0)  # fine-tuned since
    anew = {"continue_backbone": False, "continue_head": False}
    later = "pose in view the first stage's, not a later stage's"
    for pretrained, changes, wanted, said in (
        (both, {}, both[1].stage, "nothing left out"),
        (both[:1], {}, previous.stages[0], ""),
        (both[:1], anew, both[0].stage, later),
        (both, {"continue_head": False}, previous.stages[0], ""),  # the run's regresses poses, this one corrects them
    ):
        stage, line = stage_of(small_config(tiny_data, index=1, pretrained=pretrained, **changes), previous, residuals)
        assert torch.equal(stage.backbone.conv1.weight, wanted.backbone.conv1.weight), changes
        assert said in line and bool(line) == bool(said) and "\n" not in line
    following = Cascade(previous.mean_pose, load_cascade(run).stages)
    stage, _ = stage_of(small_config(tiny_data, index=2, pretrained=both), following, residuals)
    assert torch.equal(stage.backbone.conv1.weight, both[1].stage.backbone.conv1.weight)


def test_another_source_is_another_training(run, tiny_data, tmp_path):
    weights, folder = tmp_path / "model.pth", tmp_path / "run"
    command = train(tiny_data, folder, *DEMO, "--stage", "0", "--weights", str(weights))
    state = {f"module.{name}": value for name, value in get_model("tiny_resnet").state_dict().items()}
    torch.save({"state_dict": state, "optimizer": {}}, weights)
    assert "left out: 3 (module.fc.weight, module.fc.bias, optimizer)" in finish_here(command)
    with safe_open(stage_file(folder, 0), "pt") as file:
        source = json.loads(file.metadata()["description"])["training"]["pretrained"]
    assert source.startswith("model.pth ") and finish_here(command) == ""  # it is finished
    state["module.bn1.bias"] += 1
    torch.save({"state_dict": state}, weights)  # by the same name
    for path in (weights, run, stage_file(run, 1)):
        command[command.index("--weights", command.index("--stage")) + 1] = str(path)
        said = finish_here(command, status=2)
        assert f"belongs to another training (pretrained {source}, not " in said


@pytest.mark.slow
def test_one_of_several_ranks_says_what_was_taken(run, tiny_data, tmp_path):
    said = finish(on_two_ranks(train(tiny_data, tmp_path / "run", *DEMO, "--stage", "0", "--weights", str(run))))
    assert said.count("65 tensors of the trunk") == 1
