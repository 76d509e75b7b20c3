"""Signals that end a program: a training saves first, and the same command resumes it."""

import signal

import pytest
from processes import checkpoints_of, finish_here, same_weights, train

from checkpoints.stopping import Stopped, Stopping
from ief.training.trainer import StageTrainer

OPTIONS = ["--preset", "demo", "--epochs", "2", "--stage", "0", "--checkpoint-seconds", "1000000"]  # 6 steps


@pytest.fixture
def send(monkeypatch):
    """A signal to send in the third step of a training."""
    real = StageTrainer.step

    def choose(number):
        def step(trainer, index):
            if index == 2:
                signal.raise_signal(number)
            return real(trainer, index)

        monkeypatch.setattr(StageTrainer, "step", step)

    yield choose
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope="module")
def straight(tiny_data, tmp_path_factory):
    """A run that nothing stopped."""
    run = tmp_path_factory.mktemp("signals") / "straight"
    finish_here(train(tiny_data, run, *OPTIONS))
    return run


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGUSR1", 138), ("SIGINT", 130)])
def test_a_signal_saves_and_the_same_command_resumes(straight, tiny_data, tmp_path, send, monkeypatch, name, status):
    send(getattr(signal, name))
    said = finish_here(train(tiny_data, tmp_path / "run", *OPTIONS), status)
    assert said.count("the same command resumes where it stopped") == 1 and (name in said) == (name != "SIGINT")
    assert [path.name.split("-")[1] for path in checkpoints_of(tmp_path / "run")] == ["00000003"]
    monkeypatch.undo()
    assert "resuming after step 3 of 6" in finish_here(train(tiny_data, tmp_path / "run", *OPTIONS))
    assert same_weights(straight, tmp_path / "run", stages=1)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None], ids=["nohup", "the program's own"])
def test_what_the_process_ignores_or_uses_stops_nothing(tiny_data, tmp_path, send, name, handler):
    number = getattr(signal, name)
    signal.signal(number, handler)
    send(number)
    assert "resumes" not in finish_here(train(tiny_data, tmp_path, *OPTIONS, "--epochs", "1"))
    assert signal.getsignal(number) == handler and not checkpoints_of(tmp_path)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1"])
def test_outside_of_the_steps_a_signal_ends_at_once(name):
    number = getattr(signal, name)
    with pytest.raises(Stopped, match=name), Stopping().listening():
        signal.raise_signal(number)
        pytest.fail("it does not")
    assert signal.getsignal(number) == signal.SIG_DFL
