"""The command line as people use it: exit statuses, one-line errors, files left behind."""

import argparse
import importlib
import logging
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import run_ief, said_by

import ief
from ief.cli import COMMANDS, WAITING_VARIABLES, main, print_log
from ief.commands.options import declare
from ief.training.options import OF_PREPARE, OPTIONS, describe_range, format_value, option_type
from mpii_tools.results.predictions import read_predictions


def test_the_overview_lists_every_command(capsys):
    assert main(["-h"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)
    assert main([]) == 2 and main(["dance"]) == 2
    assert "unknown command 'dance'\n" in capsys.readouterr().err
    assert "unknown command 'trian'; did you mean train?" in said_by("trian")


def test_the_program_says_its_version(capsys):
    assert main(["--version"]) == 0
    said = capsys.readouterr().out
    assert said == f"ief {ief.__version__}\n" and version("compositional-pose") == ief.__version__
    citation = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {ief.__version__}\n" in citation


def test_what_the_library_logs_is_printed_by_commands_alone(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger("ief"), "handlers", [])  # as without the tests' own (`printed_log`)
    logger = logging.getLogger("ief.anything")
    with print_log():
        logger.info("a result")
        logger.warning("a note")
    assert capsys.readouterr() == ("a result\n", "a note\n")
    logger.info("nobody asked")
    assert capsys.readouterr() == ("", "") and not logging.getLogger("ief").handlers


def parser_of(name):
    parser = argparse.ArgumentParser()
    declare(parser, importlib.import_module(f"ief.commands.{name}").ARGUMENTS)
    return parser


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "-h"])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and f"ief {name}" in text and "example:" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_its_choices_and_default(name):
    parser = parser_of(name)
    for action in parser._actions:
        text = parser._get_formatter()._expand_help(action) if action.help else ""
        assert len(re.findall(r"[A-Za-z]{2,}", text)) >= 3, f"{action.option_strings or action.dest}: '{text}'"
        for choice in action.choices or ():  # argparse prints them in place of a name, unless one is given
            assert action.metavar is None or choice in text, (action.option_strings, choice)
        if action.default not in (None, False, "", [], argparse.SUPPRESS):
            assert "default" in text, f"{action.option_strings}: the default is {action.default}"


@pytest.mark.parametrize("name", ["train", "table7", "prepare"])
def test_options_of_a_training_show_range_and_papers_value(name):
    parser = parser_of(name)
    actions = {action.dest: action for action in parser._actions}
    shown_options = [option for option in OPTIONS if option in actions]
    assert len(shown_options) == len(OPTIONS) - 2 if name != "prepare" else set(shown_options) == set(OF_PREPARE)
    for option in shown_options:
        field, action = OPTIONS[option], actions[option]
        text = parser._get_formatter()._expand_help(action)
        assert f"paper: {format_value(field.default)}" in text
        if option_type(field) in (int, float):
            assert describe_range(field) in text
        assert all(choice in action.metavar for choice in field.metadata["choices"])


def test_help_imports_no_heavy_library():
    """And so comes at once; a whole process costs a tenth of a second."""
    code = """
import contextlib, io, sys
from ief.cli import COMMANDS, main
for name in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main([name, "-h"])
print(*sorted({"torch", "cv2", "scipy", "matplotlib", "h5py"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def without_waiting():
    """The environment of somebody who has not chosen how OpenMP's threads wait."""
    return {name: value for name, value in os.environ.items() if name not in WAITING_VARIABLES}


def test_threads_wait_passively_unless_the_user_chose():
    code = """import os, sys
from ief.cli import main
main([])
print(os.environ.get('OMP_WAIT_POLICY'), 'torch' in sys.modules)"""
    for chosen, policy in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "active"), ({"GOMP_SPINCOUNT": "7"}, None)):
        env = without_waiting() | chosen
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
        assert done.stdout.split() == [str(policy), "False"]


def test_libgomp_itself_tells_that_its_threads_wait_passively(tmp_path):
    command = [sys.executable, "-m", "ief", "predict", "--run", tmp_path, "image.jpg"]
    env = without_waiting() | {"OMP_DISPLAY_ENV": "verbose"}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 2
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("this torch runs on another OpenMP than GNU's")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr and "GOMP_SPINCOUNT = '0'" in done.stderr


def test_predicting_again_gives_the_same_file(finished, tiny_data, tmp_path):
    words = ["predict", "--run", finished, "--data", tiny_data, "--out", tmp_path, "--device", "cpu"]
    run_ief(*words)
    again, before = (read_predictions(folder / "predictions-valid.npz") for folder in (tmp_path, finished))
    np.testing.assert_allclose(again.joints, before.joints, atol=1e-6)
    run_ief(*words, "--flip", "--batch-size", "5")
    flipped = read_predictions(tmp_path / "predictions-valid.npz")
    assert 1e-3 < np.abs(flipped.joints - before.joints).max() < 1000


def test_an_image_is_predicted_and_drawn(finished, tmp_path):
    """An untrained pose is near the middle of its crop: of the whole image, or of a box 50 px wide."""
    image, means = tmp_path / "an image.jpg", []
    cv2.imwrite(str(image), np.full((120, 80, 3), 90, np.uint8))
    where = ["--run", finished, "--out", tmp_path / "poses", "--device", "cpu"]
    for box in ((), ("--center", 20, 30, "--scale", 0.2)):
        run_ief("predict", image, *where, *box)
        (pose,) = read_predictions(tmp_path / "poses" / "predictions-images.npz").joints
        means.append(pose.mean(axis=0))
    assert cv2.imread(str(tmp_path / "poses" / "an image.jpg.pose.jpg")).shape == (120, 80, 3)
    assert np.abs(means[0] - [39.5, 59.5]).max() < 30 and np.abs(means[1] - [20, 33]).max() < 12.5
    (tmp_path / "corrupt.jpg").write_bytes(b"corrupt")
    assert "corrupt.jpg: 7 bytes that cannot be decoded" in said_by("predict", tmp_path / "corrupt.jpg", *where)
