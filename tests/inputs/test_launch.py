"""Variables of a launch that a platform leaves in the environment, in part or wrong: which one, and what to do."""

import socket

import pytest
import torch
from processes import train

from ief.cli import main
from ief.training.runtime import init_distributed

CPU = torch.device("cpu")
LAUNCH = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def launched_with(monkeypatch):
    """Sets the variables of a launch, some of them otherwise; None for not at all."""

    def launch(**change):
        for name, value in {**LAUNCH, **change}.items():
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)

    return launch


@pytest.mark.parametrize(("change", "says"), [
    *(({name: None}, f"WORLD_SIZE is 2, but {name} not set") for name in LAUNCH if name != "WORLD_SIZE"),
    (dict.fromkeys(("LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")),
     "WORLD_SIZE is 2, but LOCAL_RANK and MASTER_ADDR and MASTER_PORT not set"),
    ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two': must be a number, 1 or more"),
    ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0': must be a number, 1 or more"),
    ({"WORLD_SIZE": "2.0"}, "WORLD_SIZE is '2.0': must be a number, 1 or more"),
    ({"RANK": "2"}, "RANK is '2': must be a number, from 0 to 1"),
    ({"RANK": "-1"}, "RANK is '-1': must be a number, from 0 to 1"),
    ({"LOCAL_RANK": "gpu"}, "LOCAL_RANK is 'gpu': must be a number, from 0 to 1"),
    ({"MASTER_PORT": "70000"}, "MASTER_PORT is '70000': must be a number, from 0 to 65535"),
])  # fmt: skip
def test_half_a_launch_names_the_variable(tiny_data, tmp_path, launched_with, capsys, change, says):
    launched_with(**change)
    table = ["table7", "--run", str(tmp_path / "run"), "--draw", "9", "3"]
    for command in (train(tiny_data, tmp_path / "run")[2:], table):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert says in said and "torchrun" in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_port_that_others_hold_is_told(tiny_data, tmp_path, launched_with, capsys):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        launched_with(MASTER_PORT=str(taken.getsockname()[1]))
        assert main(train(tiny_data, tmp_path / "run")[2:]) == 2
    assert "the 2 processes do not meet at localhost:" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["", "1", None])
def test_one_process_needs_no_other_variable(launched_with, size):
    launched_with(**dict.fromkeys(LAUNCH) | {"WORLD_SIZE": size})
    with init_distributed(CPU) as ranks:
        assert ranks == (0, 1)
