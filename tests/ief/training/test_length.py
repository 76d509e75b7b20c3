"""A training that ends early, one that is lengthened, and what is written beside them: tables, pictures, loggers."""

import csv
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from configs import RUNTIME, small_config, with_options
from processes import finish_here, same_weights, train
from safetensors.torch import load_file

from checkpoints.errors import PoseError
from ief.model.run_folder import load_cascade, load_stage, stage_file
from ief.training import trainer as training
from ief.training.validation import Metrics, count_stalled

OPTIONS = ["--preset", "demo", "--validate-every", "1"]


def rows_of(run, name, index=0):
    return list(csv.DictReader((run / f"stage{index}" / name).read_text().splitlines()))


@pytest.mark.parametrize(
    ("qualities", "stalled"), [([], 0), ([1], 0), ([1, 2, 3], 0), ([3, 1, 2], 2), ([2, 2], 1), ([1, 3, 2], 1)]
)
def test_stalled_validations_are_counted(qualities, stalled):
    rows = [row for value in qualities for row in ([0, 0.5, 0.1], [0, 0.5, 0.1, *Metrics(value, 9.0, 9.0)])]
    assert count_stalled(rows) == stalled


def test_patience_ends_a_stage_early_and_says_so(tiny_data, tmp_path, monkeypatch):
    values = iter([5.0, 7.0, 6.0, 7.0, *[9.0] * 99])
    monkeypatch.setattr(training.Validator, "__call__", lambda *_: Metrics(next(values), 1.0, 1.0))
    config = small_config(tiny_data, tmp_path, epochs=8.0, patience=2, validate_every=1.0, validated=True)
    training.train_stage(config, RUNTIME)
    description = load_stage(config.file)[2]
    assert description["stopped_after"] == 4 and description["kept"]["epoch"] == 4
    assert [row["epoch"] for row in rows_of(tmp_path, "results.csv")] == ["1", "2", "3", "4"]
    training.train_stage(config, RUNTIME)  # it is finished
    with pytest.raises(PoseError, match=r"preset\.patience 2, not 0"):
        training.train_stage(with_options(config, patience=0), RUNTIME)
    said = finish_here(train(tiny_data, tmp_path / "run", "--patience", "2", "--validate-every", "0"), status=2)
    assert "--patience: --validate-every 0 validates nothing" in said


def test_a_finished_run_is_lengthened_by_a_warm_restart(tiny_data, tmp_path, monkeypatch):
    real, run, started = training.StageTrainer.step, tmp_path / "run", []

    def step(trainer, number):
        if number == trainer.config.first_step:
            started.append({name: value.clone() for name, value in trainer.stage.state_dict().items()})
        return real(trainer, number)

    def lengthen(epochs):
        return finish_here(train(tiny_data, run, *OPTIONS, "--epochs", epochs, "--method", "bone"))

    lengthen("2")
    before, log = [load_file(stage_file(run, index)) for index in (0, 1)], rows_of(run, "log.csv")
    monkeypatch.setattr(training.StageTrainer, "step", step)
    assert lengthen("4").count("lengthened from 2 epochs, by a warm restart") == 2
    for index, weights in enumerate(before):
        assert all(torch.equal(value, weights.get(name, value)) for name, value in started[index].items())
        description = load_stage(stage_file(run, index))[2]
        assert description["restarts"] == [2] and description["training"]["preset"]["epochs"] == 4
        assert not torch.equal(load_file(stage_file(run, index))["head.weight"], weights["head.weight"])
    assert len(load_cascade(run).stages) == 2  # stage 1 follows the new stage 0
    rows = rows_of(run, "log.csv")
    steps = [int(row["step"]) for row in rows]
    assert rows[: len(log)] == log and steps == sorted(set(steps)) and steps[-1] == 12
    config = small_config(tiny_data, epochs=4.0)
    again, fresh = training.replace(config, restarts=(2.0,)), with_options(config, epochs=2.0)
    rates = [[each.lr(step + each.first_step) for step in range(6)] for each in (again, fresh)]
    assert rates[0] == pytest.approx(rates[1])
    lengthen("4")  # nothing is left to do
    assert load_stage(stage_file(run, 0))[2]["restarts"] == [2]


def test_a_lengthening_survives_a_kill(tiny_data, tmp_path, monkeypatch):
    real = training.StageTrainer.step

    def killed(trainer, step):
        if step == 8:
            trainer.save()
        if step == 9:
            raise KeyboardInterrupt
        return real(trainer, step)

    for name in ("straight", "killed"):
        config = small_config(tiny_data, tmp_path / name, epochs=2.0, deterministic=True)
        training.train_stage(config, RUNTIME)
        longer = with_options(config, epochs=4.0)
        if name == "killed":
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(training.StageTrainer, "step", killed)
                training.train_stage(longer, RUNTIME)
        training.train_stage(longer, RUNTIME)
    assert same_weights(tmp_path / "straight", tmp_path / "killed", stages=1)


def fake_wandb(monkeypatch):
    """A stand-in for the package, which needs no network; returns what it is told."""
    told = []
    run = SimpleNamespace(log=lambda values, step: told.append((step, values)), finish=lambda: told.append("finish"))
    fake = SimpleNamespace(init=lambda **given: told.append(given) or run, Image=lambda picture: picture)
    fake.__spec__ = SimpleNamespace(name="wandb")
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return told


def test_a_run_is_logged_and_drawn(tiny_data, tmp_path, monkeypatch):
    told, run = fake_wandb(monkeypatch), tmp_path / "run"
    finish_here(train(tiny_data, run, *OPTIONS, "--epochs", "2", "--stages", "1", "--log", "wandb"))
    given, *logged = told
    assert (given["name"], given["resume"], given["config"]["log"]) == ("run-stage0", "allow", "wandb")
    assert logged.pop() == "finish"
    numbers = {step: values for step, values in logged if "loss" in values}
    pictures = [(step, values["people"]) for step, values in logged if "people" in values]
    assert [step for step, _ in pictures] == [3, 6] and pictures[0][1].dtype == np.uint8
    results = rows_of(run, "results.csv")
    assert list(results[0])[:5] == ["epoch", "train/loss", "lr", "metrics/pckh@0.5", "metrics/joint_error"]
    assert [float(row["metrics/pckh@0.5"]) for row in results] == [values["PCKh@0.5"] for values in numbers.values()]
    steps, losses = zip(*[(int(row["step"]), float(row["loss"])) for row in rows_of(run, "log.csv")], strict=True)
    assert [float(row["train/loss"]) for row in results] == pytest.approx(losses) and steps == (3, 6)
    for name in ("curves-loss", "curves-validation", "people"):
        picture = cv2.imread(str(run / f"{name}.png"))
        assert min(picture.shape[:2]) > 150 and picture.std() > 10


def test_without_matplotlib_a_line_says_that_nothing_is_drawn(tiny_data, tmp_path, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(("evaluation.report.plots", "evaluation.report.curves")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = finish_here(train(tiny_data, tmp_path, "--preset", "demo", "--epochs", "1", "--stages", "1"))
    assert "no pictures of it, as matplotlib" in said and not list(tmp_path.glob("*.png"))
    assert (tmp_path / "metrics.json").exists()
