"""`ief demo`: as many epochs as fit its minutes, on a machine of any speed."""

import time
from dataclasses import replace

import pytest
from commands import run_ief
from configs import RUNTIME, small_config

from checkpoints.errors import PoseError
from ief.training.options import PRESETS
from ief.training.plan import FORWARD, SAVING, epochs_for_budget


def test_the_epochs_that_are_left_fill_the_time(tiny_data, tmp_path, fake_speed):
    """24 people in batches of 8: an epoch is 3 steps; 4 epochs of residuals before stage 1, unless it keeps the head;
    12 people are validated once by each stage (the first alone, then both), and scored by both."""
    fake_speed(0.5, 1.5)
    for kept in (True, False):
        folder = tmp_path / str(kept)
        config = small_config(tiny_data, folder, validated=True, continue_head=kept, validate_every=50.0, epochs=20.0)
        residuals = 0 if kept else 4 * 3 * FORWARD * 0.5
        predicting = (1 + 2 + 2) * len(config.data.valid) / 8 * FORWARD * 0.5
        epochs = epochs_for_budget(1.0, [config], RUNTIME, folder / "budget.json")
        seconds = (1 + SAVING) * (epochs * 3 * (0.5 + 1.5) + residuals + predicting)
        assert 60.0 - 3 * 2 <= seconds <= 60.0  # of a step
    with pytest.raises(PoseError, match=r"--minutes 0\.01: 1 runs need 0\.[12]"):
        epochs_for_budget(0.01, [config], RUNTIME, tmp_path / "budget.json")


@pytest.mark.parametrize(
    ("step", "epochs", "says"),
    [(0.25, 12.0, ""), (2.0, None, ""), (50.0, 1.0, "5 minutes are too few on this machine; the least is trained")],
)
def test_a_machine_of_any_speed_trains_what_fits(tiny_data, tmp_path, fake_speed, caplog, step, epochs, says):
    """In five minutes, of which 120 seconds are left."""
    fake_speed(step, step)
    caplog.set_level("INFO", "ief")
    runs, end = [small_config(tiny_data)], time.monotonic() + 120
    found = epochs_for_budget(5.0, runs, RUNTIME, tmp_path / "budget.json", end=end, least=1.0)
    expected = epochs or 120 / (1 + SAVING) / (3 * 2 * step)
    assert found == pytest.approx(expected, abs=0.2) and 1 <= found <= 12
    assert says in caplog.text


@pytest.mark.slow
def test_too_few_minutes_still_give_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "demo", replace(PRESETS["demo"], backbone="tiny_resnet"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    words = ["demo", "--out", tmp_path, "--images", "30", "--minutes", "0.01", "--device", "cpu"]
    run_ief(*words)
    assert "0.01 minutes are too few on this machine" in capsys.readouterr().out
    stage, log = tmp_path / "run/stage1/stage.safetensors", (tmp_path / "run/stage1/log.csv").read_text()
    assert log.splitlines()[-1].split(",")[3] != ""  # validated at its end
    before = stage.stat().st_mtime_ns
    run_ief(*words)
    assert stage.stat().st_mtime_ns == before and (tmp_path / "report/index.html").exists()
