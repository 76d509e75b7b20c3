"""What tests of `ief` share."""

import pytest
from processes import finish_here, train

from ief.training.plan import StagePlan


@pytest.fixture(scope="session")
def finished(tiny_data, tmp_path_factory):
    """A finished run on the tiny data, in a folder whose name no console of one byte a character can print."""
    folder = tmp_path_factory.mktemp("finished") / "Läufer Δ – 走る"
    finish_here(train(tiny_data, folder, "--preset", "demo", "--epochs", "1", "--no-deterministic"))
    return folder


@pytest.fixture
def fake_speed(monkeypatch):
    """Sets the seconds of a step of each stage, in place of measuring them."""

    def fake(*seconds):
        plans = [StagePlan(each, 0, 0.0, 0, 0) for each in seconds]
        monkeypatch.setattr("ief.training.plan.plan_training", lambda config, runtime: plans)

    return fake
