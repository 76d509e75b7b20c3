"""The options of a training: what they may be, what the presets make of them, and config.json."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from commands import run_ief, said_by
from configs import small_config
from processes import finish_here, same_weights, train

from checkpoints.errors import PoseError
from ief.model.run_folder import load_stage, stage_file
from ief.training.options import PRESETS, RunConfig, change_config, options_table, read_config
from ief.training.resume import check_same_training, fingerprint
from ief.training.stage_config import scheduled_lr
from mpii_tools.prepared.read import load_prepared


def test_the_schedules_follow_their_definition():
    paper = PRESETS["paper"]
    rates = [scheduled_lr(paper.lr, paper, epoch / 25) for epoch in range(25)]
    assert rates == pytest.approx([0.03] * 10 + [0.003] * 10 + [0.0003] * 5)
    swift = PRESETS["swift"]
    rates = [scheduled_lr(swift.lr, swift, step / 1000) for step in range(1000)]
    assert max(rates) <= swift.lr and rates[0] < rates[40] and rates[-1] < 1e-3 * swift.lr


def test_the_paper_preset_is_the_papers():
    paper = PRESETS["paper"]
    assert (paper.backbone, paper.size, paper.batch_size, paper.epochs) == ("resnet50", 224, 64, 25 * 20)
    assert (paper.optimizer, paper.lr, paper.weight_decay) == ("sgd", 0.03, 0.0002)
    assert (paper.perturb, paper.continue_backbone, paper.ema, paper.lr_mult_later) == (0.0, False, 0.0, 1.0)
    assert (paper.loss, paper.lr_mult_new, paper.reduction) == ("l1", 1.0, "constant")
    drawn = paper.augmentation
    assert (drawn.color, drawn.occlusion, drawn.half_body) == (0.0, 0.0, 0.0)
    assert (drawn.translation, drawn.scale, drawn.rotation, drawn.flip) == (0.02, 0.25, 30.0, 0.5)


@pytest.mark.parametrize(("changes", "message"), [
    ({"epochs": 0.0}, "--epochs 0.0: must be above 0, at most 100000"),
    ({"epochs": float("nan")}, "--epochs nan: must be above 0"),
    ({"batch_size": 2.5}, "--batch-size 2.5: must be a whole number"),
    ({"epochs": float("inf")}, "--epochs inf: must be above 0, at most 100000"),
    ({"precision": "half"}, "--precision half: unknown; choose fp32 or bf16"),
    ({"loss": "l2"}, "--loss l2: unknown; choose l1 or soft_l1 or rle"),
    ({"continue_head": True}, "a head works on its own network only; add --continue-backbone"),
    ({"occlusion": 1.5}, "--occlusion 1.5: must be from 0 to 1"),
    ({"milestones": (0.5, 2.0)}, "must be from 0 to 1"),
    ({"margin": 0.5}, "--margin 0.5: must be from 1 to 4"),
    ({"compile": 1}, "--compile 1: must be true or false"),
    ({"passes": 1.0}, "unknown option 'passes'; a training has data, "),
])  # fmt: skip
def test_impossible_settings_are_clear_errors(changes, message):
    with pytest.raises(PoseError, match=re.escape(message)):
        change_config(RunConfig(), **changes)
    with pytest.raises(PoseError, match="--preset worst: unknown; choose paper"):
        change_config(RunConfig(), preset="worst")


def test_a_config_is_taken_back_and_changed_on_the_command_line(tiny_data, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    options = ["--preset", "demo", "--epochs", "1", "--method", "bone", "--stage", "0", "--milestones", "0.3", "0.6"]
    finish_here(train(tiny_data, first, *options))
    run_ief("train", "--config", first / "config.json", "--stage", "0", "--device", "cpu", "--run", again)
    assert same_weights(first, again, stages=1)
    assert (again / "config.json").read_text() == (first / "config.json").read_text()
    kept, data = read_config(first / "config.json"), load_prepared(tiny_data, "train")
    assert (kept.method, kept.weights, kept.deterministic, kept.data) == ("bone", "none", True, str(tiny_data))
    given = {"epochs": 1.0, "batch_size": 8, "backbone": "tiny_resnet", "milestones": (0.3, 0.6)}
    of_data = {"size": data.size, "margin": data.crops.shape[1] / data.size}
    assert kept.options == replace(PRESETS["demo"], **given, **of_data) and data.size != PRESETS["demo"].size
    other = change_config(kept, preset="swift", seed=3, lr=0.5)  # a preset replaces all of them
    assert other.options == replace(PRESETS["swift"], lr=0.5) and (other.seed, other.method) == (3, "bone")


def test_a_config_has_the_values_in_force(tiny_data, tmp_path, monkeypatch):
    """Of the data's size and margin the preset knows nothing, and not every device multiplies bf16."""
    monkeypatch.setattr("ief.training.runtime.native_bf16", lambda: False)
    run, options = tmp_path / "run", ["--preset", "swift", "--epochs", "1", "--stage", "0"]
    finish_here(train(tiny_data, run, *options))
    tree, data = json.loads((run / "config.json").read_text()), load_prepared(tiny_data, "train")
    assert (tree["options"]["size"], tree["options"]["precision"]) == (data.size, "bf16")
    assert tree["device"] == {"name": "cpu", "precision": "fp32"}
    of_stage = load_stage(stage_file(run, 0))[2]["training"]
    assert of_stage["preset"] == {**tree["options"], "milestones": list(tree["options"]["milestones"])}
    # The run's own options and its config.json describe the same training, which is finished.
    before = stage_file(run, 0).stat().st_mtime_ns
    finish_here(train(tiny_data, run, *options))
    run_ief("train", "--config", run / "config.json", "--stage", "0", "--device", "cpu", "--run", run)
    assert stage_file(run, 0).stat().st_mtime_ns == before


def test_a_run_of_before_has_the_presets_size_and_resumes(tiny_data, tmp_path):
    """Records used to hold the size and margin of the preset, whatever the data had."""
    data = load_prepared(tiny_data, "train")
    narrow = replace(data, crops=data.crops[:, 4:-4, 4:-4], border=data.border - 4)
    config = small_config(tiny_data, tmp_path)
    config = replace(config, data=replace(config.data, train=narrow))
    assert (config.options.size, config.options.margin) == (32, 1.25)
    preset = {**asdict(config.run.options), "milestones": list(config.run.options.milestones)}
    older = {**fingerprint(config, 0), "preset": preset}
    check_same_training(tmp_path, {"training": older}, config, 0)
    with pytest.raises(PoseError, match="size 8, not 32"):
        check_same_training(tmp_path, {"training": {**older, "size": 8}}, config, 0)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "not a config.json that `ief train` wrote"),
    ('{"method": "all"}', "not a config.json that `ief train` wrote"),
    ('{"options": {"lr": "fast"}}', "--lr fast: must be a number"),
    ('{"options": {"rate": 1}}', "unexpected keyword argument 'rate'"),
    ('{"options": {}, "method": "best"}', "--method best: unknown; choose ief_star or joint"),
    ('{"options": {}, "stages": 0}', "--stages 0: must be from 1 to 100"),
])  # fmt: skip
def test_a_config_that_is_none_is_one_line(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_text(content)
    printed = said_by("train", "--config", path, "--run", tmp_path / "run")
    assert f"{path}: " in printed and message in printed and printed.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_page_has_the_table_of_options():
    page = (Path(__file__).resolve().parents[3] / "ief" / "training" / "README.md").read_text(encoding="utf-8")
    assert options_table() in page
