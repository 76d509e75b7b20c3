"""`ief demo`: as many epochs as fit its minutes, on a machine of any speed."""

import json
import time
from dataclasses import replace

import pytest
from configs import RUNTIME, small_config

import ief.training.plan
from checkpoints.errors import PoseError
from ief.cli import main
from ief.training.options import PRESETS
from ief.training.plan import FORWARD, SAVING, StagePlan, epochs_for_budget


def fake_speed(monkeypatch, *seconds):
    plans = [StagePlan(each, 0, 0.0, 0, 0) for each in seconds]
    monkeypatch.setattr(ief.training.plan, "plan_training", lambda config, runtime: plans)


def fit_epochs(config, minutes, left):
    """The demo's epochs of a run, in so many minutes, of which so many seconds are left."""
    path, end = config.run_folder / "budget.json", time.monotonic() + left
    return epochs_for_budget(minutes, [config], RUNTIME, path, end=end, least=1.0)


def test_the_epochs_that_are_left_fill_the_time(tiny_data, tmp_path, monkeypatch):
    """24 people in batches of 8: an epoch is 3 steps; 4 epochs of residuals before stage 1, unless it keeps the head;
    12 people are validated once by each stage (the first alone, then both), and scored by both."""
    fake_speed(monkeypatch, 0.5, 1.5)
    for kept in (True, False):
        folder = tmp_path / str(kept)
        config = small_config(tiny_data, folder, validated=True, continue_head=kept, validate_every=50.0, epochs=20.0)
        people = len(config.data.valid)
        residuals = 0 if kept else 4 * 3 * FORWARD * 0.5
        predicting = (1 + 2 + 2) * people / 8 * FORWARD * 0.5
        epochs = epochs_for_budget(1.0, [config], RUNTIME, folder / "budget.json")
        training = epochs * 3 * (0.5 + 1.5)
        assert (1 + SAVING) * (training + residuals + predicting) == pytest.approx(60.0, abs=3 * 2)  # of a step
        assert (1 + SAVING) * (training + residuals + predicting) <= 60.0
    with pytest.raises(PoseError, match=r"--minutes 0\.01: 1 runs need 0\.[12]"):
        epochs_for_budget(0.01, [config], RUNTIME, tmp_path / "budget.json")


@pytest.mark.parametrize(
    ("step", "epochs", "says"),
    [(0.25, 12.0, ""), (2.0, None, ""), (50.0, 1.0, "5 minutes are too few on this machine; the least is trained")],
)
def test_a_machine_of_any_speed_trains_what_fits(tiny_data, tmp_path, monkeypatch, caplog, step, epochs, says):
    fake_speed(monkeypatch, step, step)
    caplog.set_level("INFO", "ief")
    found = fit_epochs(small_config(tiny_data, tmp_path), 5.0, 120)
    expected = epochs or 120 / (1 + SAVING) / (3 * 2 * step)
    assert found == pytest.approx(expected, abs=0.2) and 1 <= found <= 12
    assert says in caplog.text


def test_a_resumed_demo_goes_on_with_the_epochs_it_began_with(tiny_data, tmp_path, monkeypatch):
    fake_speed(monkeypatch, 2.0, 2.0)
    config = small_config(tiny_data, tmp_path)
    first = fit_epochs(config, 5.0, 120)
    fake_speed(monkeypatch, 9.0, 9.0)
    assert fit_epochs(config, 5.0, 120) == first
    assert json.loads((tmp_path / "budget.json").read_text())["seconds_per_step"] == [2.0, 2.0]
    with pytest.raises(PoseError, match=r"budget\.json: .* 5 minutes, now 8; choose another"):
        fit_epochs(config, 8.0, 120)


@pytest.mark.slow
def test_too_few_minutes_still_give_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "demo", replace(PRESETS["demo"], backbone="tiny_resnet"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    arguments = ["demo", "--out", str(tmp_path), "--images", "30", "--minutes", "0.01", "--device", "cpu"]
    assert main(arguments) == 0
    assert "0.01 minutes are too few on this machine" in capsys.readouterr().out
    stage, log = tmp_path / "run/stage1/stage.safetensors", (tmp_path / "run/stage1/log.csv").read_text()
    assert log.splitlines()[-1].split(",")[3] != ""  # validated at its end
    before = stage.stat().st_mtime_ns
    assert main(arguments) == 0
    assert stage.stat().st_mtime_ns == before and (tmp_path / "report/index.html").exists()
