"""From Python: what the commands do, by the same functions."""

import json
import re

import pytest
from configs import RUN
from processes import finish_here, same_weights
from processes import train as train_command

from checkpoints.errors import PoseError
from checkpoints.stopping import Stopped
from ief.model.run_folder import load_stage, stage_file
from ief.training.options import change_config, read_config
from ief.workflow import train
from ief.workflow.compare import compare_runs

OPTIONS = {"preset": "demo", "backbone": "tiny_resnet", "weights": "none", "batch_size": 8, "deterministic": True}


def test_train_writes_what_the_command_writes(tiny_data, tmp_path, capsys):
    command = train_command(tiny_data, tmp_path / "command", "--preset", "demo", "--epochs", "1", "--method", "bone")
    finish_here(command)
    run = tmp_path / "python"
    with pytest.raises(Stopped):
        train(run, data=str(tiny_data), epochs=1, method="bone", device="cpu", stop_after=1e-6, **OPTIONS)
    files = train(run, data=str(tiny_data), epochs=1, method="bone", device="cpu", **OPTIONS)
    assert "PCKh@0.5" in capsys.readouterr().out
    assert [stage_file(run, 0), stage_file(run, 1)] == files[:2] and run / "metrics.json" in files
    assert same_weights(tmp_path / "command", run)
    for index in (0, 1):
        here, there = (load_stage(stage_file(folder, index))[2] for folder in (tmp_path / "command", run))
        assert {**here, "follows": ""} == {**there, "follows": ""}  # a header's order is not the same in two files
    for name in ("config.json", "metrics.json"):
        assert (run / name).read_text() == (tmp_path / "command" / name).read_text()


def test_train_takes_a_config_and_changes(tiny_data, tmp_path):
    train(tmp_path / "first", RUN, data=str(tiny_data), epochs=0.4, device="cpu", only=[0])
    config = read_config(tmp_path / "first" / "config.json")
    train(tmp_path / "second", config, method="joint", device="cpu", only=[0])
    trees = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("first", "second")]
    assert [tree.pop("method") for tree in trees] == ["all", "joint"] and trees[0] == trees[1]
    with pytest.raises(PoseError, match="unknown option 'rate'"):
        train(tmp_path / "third", config, rate=1)


def test_compare_runs_takes_any_configs(tiny_data, tmp_path):
    config = read_config(None)
    with pytest.raises(PoseError, match="give --data"):
        compare_runs({"one": config}, tmp_path, "One", device="cpu")


@pytest.mark.parametrize(("changes", "names"), [
    ({}, "one run or more"),
    ({"a": {}, "b": {"deterministic": True}}, "--deterministic"),
    ({"a": {}, "b": {"data": "elsewhere"}}, "--data"),
    *(({name: {}}, repr(name)) for name in ("", ".", "../x", "/tmp/x", "report", "a\nb", "seed1", "results.md")),
])  # fmt: skip
def test_runs_that_cannot_be_compared_are_refused(tmp_path, changes, names):
    configs = {name: change_config(RUN, **{"data": "data", **change}) for name, change in changes.items()}
    with pytest.raises(PoseError, match=re.escape(names)):
        compare_runs(configs, tmp_path, "None", device="cpu")
    assert not [*tmp_path.iterdir()]


def test_a_stage_below_0_is_refused(tiny_data, tmp_path):
    with pytest.raises(PoseError, match="stage -1"):
        train(tmp_path / "run", RUN, data=tiny_data, device="cpu", only=[-1])
