"""`ief demo`: as many epochs as fit its minutes, on a machine of any speed."""

import json
import time
from dataclasses import replace

import pytest
from configs import RUNTIME, small_config

import ief.workflow.demo
from checkpoints.errors import PoseError
from ief.cli import main
from ief.training.budget import FORWARD, SAVING, epochs_left
from ief.training.options import PRESETS
from ief.training.validation import COST
from ief.workflow.demo import fit_epochs


def fake_speed(monkeypatch, *seconds):
    monkeypatch.setattr(ief.workflow.demo, "seconds_per_step", lambda config, runtime: list(seconds))


def test_the_epochs_that_are_left_fill_the_time(tiny_data, tmp_path):
    """24 people in batches of 8: an epoch is 3 steps; 4 epochs of residuals before stage 1; 12 people to predict."""
    epochs = epochs_left(100.0, [0.5, 1.5], small_config(tiny_data, tmp_path), predicted=12)
    training = epochs * 3 * (0.5 + 1.5) * (1 + COST + SAVING)
    residuals, predicting = 4 * 3 * FORWARD * 0.5, 2 * 12 / 8 * FORWARD * 0.5
    assert training + residuals + predicting == pytest.approx(100.0)
    assert epochs_left(1.0, [0.5, 1.5], small_config(tiny_data, tmp_path), predicted=12) < 0


@pytest.mark.parametrize(
    ("step", "epochs", "says"),
    [(0.25, 12.0, ""), (2.0, None, ""), (50.0, 1.0, "5 minutes are too few on this machine; the least is trained")],
)
def test_a_machine_of_any_speed_trains_what_fits(tiny_data, tmp_path, monkeypatch, capsys, step, epochs, says):
    fake_speed(monkeypatch, step, step)
    config = small_config(tiny_data, tmp_path)
    found = fit_epochs(config, RUNTIME, 5.0, time.monotonic() + 120, 12).options.epochs
    expected = epochs or int(10 * epochs_left(120, [step, step], config, 12)) / 10
    assert found == pytest.approx(expected, abs=0.1) and 1 <= found <= 12
    said = capsys.readouterr().out
    assert says in said and f"{found:g} epochs of each stage" in said


def test_a_resumed_demo_goes_on_with_the_epochs_it_began_with(tiny_data, tmp_path, monkeypatch):
    fake_speed(monkeypatch, 2.0, 2.0)
    config, end = small_config(tiny_data, tmp_path), time.monotonic() + 120
    first = fit_epochs(config, RUNTIME, 5.0, end, 12)
    fake_speed(monkeypatch, 9.0, 9.0)
    assert fit_epochs(config, RUNTIME, 5.0, end, 12) == first
    assert json.loads((tmp_path / "budget.json").read_text())["seconds_per_step"] == [2.0, 2.0]
    with pytest.raises(PoseError, match=r"budget\.json: .* 5 minutes, now 8; choose another"):
        fit_epochs(config, RUNTIME, 8.0, end, 12)


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
