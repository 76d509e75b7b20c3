"""`ief table7` and `ief table2`: ten trainings that differ by method and people alone, in any number of pieces."""

import json
import time
from dataclasses import replace
from functools import partial

import pytest
import torch
from configs import RUNTIME, batches_of, small_config, stage_of
from processes import IEF, SMALL, checkpoints_of, finish, finish_here, same_weights, start

from checkpoints.errors import PoseError
from heads.pairs import METHODS
from ief.model.cascade import Cascade
from ief.model.run_folder import stage_file
from ief.training.options import RunConfig
from ief.training.plan import SAVING, epochs_for_budget
from ief.training.residuals import measure_start
from ief.workflow.compare import read_plan, table_2, table_7
from mpii_tools.synthetic.dataset import write_synthetic


def command_of(table, data, run, *options):
    """The command line of a small table."""
    return [*IEF, table, "--data", str(data), "--run", str(run), *SMALL, "--preset", "demo", *options]


table7, table2 = partial(command_of, "table7"), partial(command_of, "table2")


def prepare(folder, *counts, **options):
    """Synthetic people, prepared at 32 px; returns their folder."""
    source = write_synthetic(folder, *counts, **options)
    files = ["--annotations", str(source.annotations), "--images", str(source.images), "--size", "32"]
    finish_here([*IEF, "prepare", *files, "--out", str(folder / "prepared")])
    return folder / "prepared"


@pytest.mark.parametrize("index", [0, 1])
def test_methods_share_their_weights_and_samples(tiny_data, index):
    config = small_config(tiny_data, index=index, continue_backbone=False, continue_head=False)
    started, seen = [], []
    for run in table_7(config.run).values():
        stage = replace(config, run=run)
        batches = batches_of(stage)
        mean_pose, residuals = measure_start(batches, run.method)
        started.append(stage_of(stage, Cascade(mean_pose), residuals)[0].state_dict())
        seen.append([batches(step) for step in (0, 7)])
    for stage, samples in zip(started[1:], seen[1:], strict=True):
        for name, tensor in stage.items():
            # What differs are the statistics that a method normalizes by.
            assert name in ("mean", "std", "pair_std") or torch.equal(tensor, started[0][name]), name
        for sample, first in zip(samples, seen[0], strict=True):
            assert torch.equal(sample.images, first.images) and torch.equal(sample.mask, first.mask)
            assert torch.equal(sample.joints.nan_to_num(), first.joints.nan_to_num())


def test_a_budget_in_minutes_is_measured_once_and_kept(tiny_data, tmp_path, fake_speed):
    """24 people in batches of 8: an epoch is 3 steps, (0.5 + 1.5) * 3 = 6 s of both stages, 30 s of five methods."""
    runs, path = [small_config(tiny_data)] * 5, tmp_path / "budget.json"
    for seconds in ((0.5, 1.5), (9.0, 9.0)):  # busy the second time
        fake_speed(*seconds)
        assert epochs_for_budget(7.5, runs, RUNTIME, path) == pytest.approx(15.0 / (1 + SAVING), abs=1 / 3)  # a step
    assert json.loads(path.read_text())["seconds_per_step"] == [0.5, 1.5]
    with pytest.raises(PoseError, match=r"budget\.json: belongs to a budget of 7\.5 minutes, now 8; choose another"):
        epochs_for_budget(8, runs, RUNTIME, path)
    with pytest.raises(PoseError, match=r"--minutes 1: 5 runs need 4\.7 minutes"):
        epochs_for_budget(1, runs, RUNTIME, tmp_path / "none.json")
    path.write_text("{")
    with pytest.raises(PoseError, match=r"budget\.json: corrupt .* remove it"):
        epochs_for_budget(7.5, runs, RUNTIME, path)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A few synthetic people, prepared at 32 px."""
    return prepare(tmp_path_factory.mktemp("people"), 24, 8, 2, 0)


def test_table_2_needs_depth_and_a_second_dataset(tiny_data, deep_data, tmp_path):
    assert "give --also" in finish_here(table2(deep_data, tmp_path), status=2)
    said = finish_here(table2(tiny_data, tmp_path, "--also", str(deep_data)), status=2)
    assert "have no depth; `ief table7`" in said


def test_runs_of_another_length_get_their_share_of_a_budget(tiny_data, deep_data, tmp_path, fake_speed):
    """Table 2's: of 20 people in batches of 8 an epoch has 2.5 steps, with --also 5; one stage has no second step."""
    fake_speed(2.0, 8.0)
    runs = [small_config(deep_data, **options) for options in ({}, {"also": tiny_data}, {"stages": 1})]
    wanted = 60 * 10 / (1 + SAVING) / (2.5 * 10 + 5 * 10 + 2.5 * 2)
    assert epochs_for_budget(10, runs, RUNTIME, tmp_path / "budget.json") == pytest.approx(wanted, abs=0.4)


def test_table_2_is_table_7_with_and_without_also():
    config = RunConfig("deep", also="flat", seed=3)
    runs = table_2(config)
    assert list(runs) == [f"{folder}/{method}" for folder in ("3d", "3d+2d") for method in METHODS]
    assert runs["3d+2d/bone"] == replace(config, method="bone")
    assert runs["3d/all"] == replace(config, method="all", also=None)


@pytest.mark.parametrize(("content", "says"), [
    ("{", "no plan of runs"), ("[]", "no plan of runs"), ('{"one": 1}', "each an object of options"),
    ('{"one": {"rate": 1}}', "unknown option 'rate'"),
    ('{"one": {"config": {}}}', "unknown option 'config'"),
    ('{"one": {"preset": {}}}', "no plan of runs"),
    ('{"one": {"lr": "fast"}}', "--lr fast: must be a number"),
])  # fmt: skip
def test_a_bad_plan_is_one_line(tiny_data, tmp_path, content, says):
    path = tmp_path / "plan.json"
    path.write_text(content)
    said = finish_here(table7(tiny_data, tmp_path / "run", "--plan", str(path)), status=2)
    assert f"{path}: " in said and says in said and said.count("\n") == 1


def test_a_plan_keeps_its_own_epochs(tiny_data, tmp_path):
    (tmp_path / "plan.json").write_text('{"short": {"epochs": 1}, "long": {"epochs": 2}}')
    command = table7(tiny_data, tmp_path / "run", "--plan", str(tmp_path / "plan.json"), "--minutes", "1")
    assert "--minutes" in finish_here(command, status=2) and not (tmp_path / "run").exists()


def times_of(folder, pattern):
    """Path -> time of the last change of files."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob(pattern)}


def test_a_plan_trains_its_runs_in_pieces(tiny_data, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"l1": {"stages": 1}, "group/rle": {"loss": "rle"}, "paper": {"preset": "paper", "stages": 1}}')
    assert read_plan(path, RunConfig("data"))["group/rle"].options.loss == "rle"
    command = table7(tiny_data, tmp_path / "run", "--plan", str(path), "--epochs", "1")
    finish_here([*command, "--stop-after", "0.0001"], status=75)
    path.write_text(path.read_text().replace('"paper",', '"paper", "backbone": "tiny_resnet", "epochs": 0.4,'))
    finish_here(command)
    run = tmp_path / "run"
    stages = {path.relative_to(run).parent.as_posix() for path in run.rglob("stage.safetensors")}
    assert stages == {"l1/stage0", "group/rle/stage0", "group/rle/stage1", "paper/stage0"}
    results = json.loads((run / "report/results.json").read_text())
    assert len(results["runs"]) == 3 and not (run / "results.md").exists()
    before = times_of(run, "*.npz")
    finish_here(command)
    assert before == times_of(run, "*.npz")


@pytest.fixture(scope="module")
def deep_and_flat(tmp_path_factory):
    """A few synthetic people with depth, and a few without, prepared at 32 px."""
    folder = tmp_path_factory.mktemp("table2")
    return [prepare(folder / kind, *counts, kind=kind) for kind, counts in (("studio", (30, 30)), ("wild", (20, 4)))]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["table7", "table2"])
def test_killed_twice_it_says_what_it_would_have_said(table, people, deep_and_flat, tmp_path):
    deep, flat = deep_and_flat
    if table == "table7":
        data, options, stages, names, killed = people, [], 2, [*METHODS], [("joint", 0), ("both", 1)]
    else:
        data, options, stages, names = deep, ["--also", str(flat), "--stages", "1"], 1, [*table_2(RunConfig())]
        killed = [("3d/joint", 0), ("3d+2d/both", 0)]
    straight, run = tmp_path / "straight", tmp_path / "killed"
    finish_here(command_of(table, data, straight, "--epochs", "2", *options))
    again = command_of(table, data, run, "--epochs", "2", *options)
    for name, index in killed:
        process = start([*again, "--checkpoint-seconds", "0"])
        while not checkpoints_of(run / name, index) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert process.returncode == -9 and not stage_file(run / name, index).exists()
    finish(again)
    assert all(same_weights(straight / name, run / name, stages) for name in names)
    results = [json.loads((folder / "report/results.json").read_text()) for folder in (straight, run)]
    assert results[0] == results[1]
    if table == "table2":
        assert len(results[0]["runs"]) == 10
        assert all("joint_error" in scores["stage0"] for scores in results[0]["3d"]["runs"].values())


@pytest.mark.slow
def test_it_draws_its_own_people_and_finds_them_again(tmp_path):
    options = ["--preset", "demo", "--backbone", "tiny_resnet", "--epochs", "0.4", "--weights", "none"]
    command = [*IEF, "table7", "--draw", "20", "8", "--run", str(tmp_path), *options, "--batch-size", "8"]
    finish_here(command)
    drawn = write_synthetic(tmp_path / "again", 20, 8, 0)
    assert (tmp_path / "people" / drawn.annotations.name).read_bytes() == drawn.annotations.read_bytes()
    trained = times_of(tmp_path, "stage.safetensors")
    kept = trained | times_of(tmp_path, "*.jpg")
    finish_here(command)
    assert kept == times_of(tmp_path, "stage.safetensors") | times_of(tmp_path, "*.jpg") and len(trained) == 10


@pytest.mark.slow
def test_each_of_several_seeds_trains_what_it_trains_alone(people, tmp_path):
    several, alone = tmp_path / "several", tmp_path / "alone"
    finish_here(table7(people, several, "--epochs", "0.4", "--seeds", "0", "3"))
    finish_here(table7(people, alone, "--epochs", "0.4", "--seed", "3"))
    for method in METHODS:
        assert same_weights(several / "seed3" / method, alone / method)
        assert not same_weights(several / "seed0" / method, alone / method)
    assert (several / "seed3/report/index.html").exists()
    results = json.loads((several / "results.json").read_text())
    assert results["seeds"] == 2 and (several / "results.md").exists()
    assert json.loads((alone / "results.json").read_text())["seeds"] == 1


@pytest.mark.slow
def test_in_pieces_of_a_fixed_time_it_gets_done(tiny_data, tmp_path):
    command, statuses = table7(tiny_data, tmp_path, "--minutes", "1.5", "--stop-after", "0.25"), []
    while 0 not in statuses and len(statuses) < 40:
        process = start(command)
        said = process.communicate(timeout=600)[1]
        statuses.append(process.returncode)
        assert process.returncode in (0, 75), said[-2000:]
    print(statuses, (tmp_path / "budget.json").read_text())
    assert statuses[-1] == 0 and 75 in statuses and (tmp_path / "report/index.html").exists()
