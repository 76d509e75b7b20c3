"""Validation as a training goes: it changes nothing, its values are `ief evaluate`'s, and the best may be kept."""

import csv
import json
import math
import shutil
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import evaluate, run_ief
from configs import RUNTIME, small_config, with_options
from processes import finish_here, same_weights, train
from safetensors.torch import load_file

from checkpoints.errors import PoseError
from checkpoints.stopping import TIME_UP, Stopped, Stopping
from evaluation import Estimate, Score, Scores
from evaluation.metrics.conventions import PCKH
from ief.inference.predictor import PosePredictor
from ief.model.run_folder import METRICS, load_cascade, load_stage, save_stage, stage_file
from ief.reporting.runs import load_curves
from ief.reporting.scoring import score_poses
from ief.training.trainer import StageTrainer, train_stage
from ief.training.validation import COST, FLOAT32, default_interval

OPTIONS = ["--preset", "demo", "--epochs", "4", "--perturb", "0.02"]


def log(run, index=0):
    """Rows of a stage's log.csv, by column."""
    return list(csv.DictReader((run / f"stage{index}" / "log.csv").read_text().splitlines()))


def validated(run, index=0):
    """Step -> PCKh of the rows that were validated."""
    return {int(row["step"]): float(row["pckh"]) for row in log(run, index) if row["pckh"]}


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A finished run, validated every epoch, with TensorBoard."""
    folder = tmp_path_factory.mktemp("validated")
    finish_here(train(tiny_data, folder, *OPTIONS, "--validate-every", "1", "--tensorboard"))
    return folder


@pytest.mark.parametrize("ema", ["0", "0.05"])
def test_validation_changes_no_weight(tiny_data, tmp_path, ema):
    for name, every in (("with", "1"), ("without", "0")):
        finish_here(train(tiny_data, tmp_path / name, *OPTIONS, "--ema", ema, "--validate-every", every))
    assert list(validated(tmp_path / "with")) == [3, 6, 9, 12] and not validated(tmp_path / "without")
    for index in (0, 1):
        here, there = (load_file(stage_file(tmp_path / name, index)) for name in ("with", "without"))
        torch.testing.assert_close(here, there, rtol=0, atol=0)


def test_the_last_value_is_that_of_ief_evaluate(run, tiny_data, tmp_path):
    for index, name in ((0, "predictions-valid-stage0.npz"), (1, "predictions-valid.npz")):
        scores = evaluate(run / name, tiny_data / "valid.npz", out=tmp_path / "scores.json")
        wanted = (scores["pckh"]["0.5"]["groups"]["Mean"], *(scores[key]["image_px"] for key in METRICS[1:3]))
        last = log(run, index)[-1]
        assert int(last["step"]) == 12 and tuple(float(last[name]) for name in METRICS[:3]) == wanted
        assert last[METRICS[3]] == "" and load_curves(run)[1][f"stage{index}"][-1] == (12.0, *wanted, None)


def config_of(data, folder, **options):
    """Stage 0 of 12 steps, 3 an epoch, after each of which it is validated."""
    options = {"epochs": 4.0, "validate_every": 1.0, "deterministic": True, **options}
    return small_config(data, folder, validated=True, **options)


class Interrupting(Stopping):
    """Asks to stop after every fifth step."""

    steps = 0

    @property
    def status(self):
        self.steps += 1
        return 0 if self.steps % 5 else TIME_UP


def train_in_pieces(config):
    """Train a stage that is stopped after every fifth step; returns how often it was started."""
    stopping = Interrupting()
    for starts in range(1, 10):
        with suppress(Stopped):
            train_stage(config, replace(RUNTIME, stopping=stopping))
        if config.file.exists():
            return starts
    raise AssertionError("it does not end")


def test_a_resumed_training_logs_nothing_twice(tiny_data, tmp_path, monkeypatch):
    """Killed three steps after a checkpoint, one of them logged, and stopped between two rows of the log."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.summary.writer import event_file_writer

    # Files of one second are read in the order of this number's digits.
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))
    train_stage(config_of(tiny_data, tmp_path / "straight"))
    pieces = config_of(tiny_data, tmp_path / "pieces", tensorboard=True)
    real = StageTrainer.step

    def killed(trainer, step):
        trainer.save() if step == 4 else None
        if step == 7:
            raise KeyboardInterrupt  # after the log of step 6, which no checkpoint holds
        return real(trainer, step)

    monkeypatch.setattr(StageTrainer, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_stage(pieces)
    monkeypatch.setattr(StageTrainer, "step", real)
    assert train_in_pieces(pieces) == 2  # from step 4 on
    assert same_weights(tmp_path / "straight", tmp_path / "pieces", stages=1)
    assert [int(row["step"]) for row in log(tmp_path / "pieces")] == [3, 6, 9, 12]
    board = EventAccumulator(str(tmp_path / "pieces" / "stage0" / "tensorboard"))
    board.Reload()
    assert [point.step for point in board.Scalars("loss")] == [3, 6, 9, 12]
    shown = [point.value for point in board.Scalars("PCKh@0.5")]
    assert shown == pytest.approx(list(validated(tmp_path / "pieces").values()))
    assert board.Tags()["images"] == ["people"]


def alike(joints, people):
    """A score that falls as a network learns to tell people apart: the last weights are not the best."""
    value = Estimate(100 - float(joints.std(axis=0).mean()))
    metrics = {name: Score(value, {}) for name in ("pckh@0.5", "joint_error", "bone_error")}
    return {2: Scores(len(joints), metrics, {}, len(joints), measure=PCKH)}


def test_keep_best_keeps_the_best_through_every_stop(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr("ief.training.validation.score_poses", alike)
    straight = config_of(tiny_data, tmp_path / "straight", keep="best")
    train_stage(straight)
    values = validated(straight.run_folder)
    best = max(values, key=values.get)
    assert best != 12
    poses = PosePredictor.of(load_cascade(straight.run_folder)).predict_split(straight.data.valid)[0][-1]
    assert alike(poses, None)[2].mean_pckh.value == values[best]
    kept = load_stage(straight.file)[2]["kept"]
    assert kept == {"weights": "best", "epoch": best / 3, "pckh": values[best]}
    assert train_in_pieces(replace(straight, run_folder=tmp_path / "pieces")) == 3
    assert same_weights(tmp_path / "straight", tmp_path / "pieces", stages=1)


def test_a_report_says_which_weights_are_kept(run, tiny_data, tmp_path):
    best, out, said = tmp_path / "best", tmp_path / "report", []
    finish_here(train(tiny_data, best, *OPTIONS, "--validate-every", "2", "--keep", "best"))
    run_ief("report", run, best, "--data", tiny_data, "--out", out)
    results, metrics = (json.loads(path.read_text()) for path in (out / "results.json", best / "metrics.json"))
    for index in (0, 1):
        values = validated(best, index)
        assert list(values) == [6, 12]
        assert metrics[f"stage{index}"]["pckh"]["0.5"]["groups"]["Mean"] == max(values.values())
        said.append(f"stage {index}: epoch {max(values, key=values.get) // 3} of 4")
    kept = f"best validated, {', '.join(said)}"
    assert [results["runs"][name]["training"]["kept"] for name in ("best", run.name)] == [kept, "last"]
    page = (out / "index.html").read_text()
    assert kept in page and "PCKh@0.5 of the validation people" in page
    assert len(results["validations"][run.name]["stage1"]) == 4


def test_an_older_stage_holds_the_last_weights(tiny_data, tmp_path):
    config = config_of(tiny_data, tmp_path, validate_every=0.0)
    train_stage(config)
    stage, mean_pose, description = load_stage(config.file)
    del description["training"]["preset"]["keep"], description["kept"], description["design"]
    save_stage(config.file, stage, mean_pose, description)
    before = config.file.read_bytes()
    train_stage(config)  # it is found to be this training's, and left as it is
    assert config.file.read_bytes() == before
    with pytest.raises(PoseError, match=r"preset\.keep last, not best"):
        train_stage(with_options(config, keep="best"))


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize(("training", "people"), [(22246, 2958), (1200, 400), (24, 12), (100, 5000)])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_default_interval_is_the_smallest_that_costs_little(training, people, index, bf16):
    """Against counting forwards epoch by epoch."""
    for epochs in (0.5, 3.0, 12.0, 41.5, 500.0):

        def cost(every, epochs=epochs):
            ends = {min((number + 1) * every, epochs) for number in range(math.ceil(epochs / every))}
            spent = len(ends) * people * (index + 1) * (FLOAT32 if bf16 else 1)
            return spent / (epochs * training * (index + 3))

        found = default_interval(training, people, index, epochs, bf16)
        assert found == int(found) and (cost(found) <= COST or found >= epochs)
        assert all(cost(every) > COST for every in range(1, found))


def test_without_a_validation_split_a_line_says_so(tiny_data, tmp_path):
    data = shutil.copytree(tiny_data, tmp_path / "data")
    description = json.loads((data / "prepared.json").read_text())
    del description["splits"]["valid"]
    (data / "prepared.json").write_text(json.dumps(description))
    said = finish_here(train(data, tmp_path / "run", *OPTIONS, "--stage", "0"))
    assert said.count("has no validation split, so nothing was validated or scored") == 1
    assert not validated(tmp_path / "run")


def test_what_cannot_be_done_is_one_line(tiny_data, tmp_path, monkeypatch):
    said = finish_here(train(tiny_data, tmp_path, *OPTIONS, "--keep", "best", "--validate-every", "0"), status=2)
    assert "--keep best: --validate-every 0 validates nothing" in said
    monkeypatch.setattr("ief.training.progress.find_spec", lambda name: None)
    said = finish_here(train(tiny_data, tmp_path, *OPTIONS, "--tensorboard"), status=2)
    assert "--tensorboard: not installed; pip install tensorboard" in said
    assert not list(tmp_path.glob("stage*"))


def test_without_head_sizes_the_best_is_by_torso(tiny_data, tmp_path, monkeypatch):
    config = config_of(tiny_data, tmp_path, keep="best")
    people = config.data.valid.people
    unsized = replace(people, head_size=np.full(len(people), np.nan))
    data = replace(config.data.valid, people=unsized)
    config = replace(config, data=replace(config.data, valid=data))
    train_stage(replace(config, run_folder=tmp_path / "torso"))
    torso = load_stage(stage_file(tmp_path / "torso", 0))[2]["kept"]["pckh"]
    poses = PosePredictor.of(load_cascade(tmp_path / "torso")).predict_split(data)[0][-1]
    assert torso == score_poses(poses, people, metric="torso")[2].mean_pckh.value

    def of_nobody(poses, people):
        return score_poses(poses, people, metric="pckh")

    monkeypatch.setattr("ief.training.validation.score_poses", of_nobody)
    with pytest.raises(PoseError, match="--keep best: tiny has no PCKh on 'valid'"):
        train_stage(config)
