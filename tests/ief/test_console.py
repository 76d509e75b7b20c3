"""A console that cannot print every character: what it lacks is escaped, and the work is done."""

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from processes import finish_here, train

from ief.model.run_folder import load_cascade
from mpii_tools.people_file import load_people
from mpii_tools.results.predictions import Predictions, save_predictions

NAME = "Läufer Δ – 走る"


def ief(encoding, *arguments, status=0):
    """What `ief` prints, on both streams, decoded by the console's own encoding."""
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-m", "ief", *map(str, arguments)], capture_output=True, env=env)
    printed = (done.stdout + done.stderr).decode(encoding)
    assert done.returncode == status and "Traceback" not in printed, printed[-3000:]
    return printed


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    """A finished run in a folder of that name."""
    folder = tmp_path_factory.mktemp("console") / NAME
    finish_here(train(tiny_data, folder, "--preset", "demo", "--epochs", "1", "--no-deterministic"))
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_names_the_console_lacks_are_escaped(tmp_path, encoding):
    folder = tmp_path / NAME
    folder.mkdir()
    cv2.imencode(".jpg", np.full((60, 80, 3), 90, np.uint8))[1].tofile(folder / f"{NAME}.jpg")
    joints = [[10.0 + k, 20.0] for k in range(16)]
    person = {"center": [40, 30], "scale": 0.3, "joints": joints, "joints_vis": [1] * 16}
    people = [{"image": f"{NAME}.jpg", **person}, {"image": f"{NAME} 2.jpg", **person}]
    (folder / "train.json").write_text(json.dumps(people, ensure_ascii=False), encoding="utf-8")
    options = ["--images", folder, "--out", folder / "data", "--size", "32"]
    printed = ief(encoding, "prepare", "--annotations", folder / "train.json", *options)
    assert r"\u8d70" in printed and ("L\\xe4ufer" in printed) == (encoding == "ascii")
    assert load_people(folder / "data" / "train.npz").images.tolist() == [f"{NAME}.jpg"]
    assert r"\u8d70" in ief(encoding, "prepare", "--annotations", folder / "absent.json", *options, status=2)


def test_scores_and_reports_are_written_whatever_the_console_lacks(run, tiny_data, tmp_path):
    people = load_people(tiny_data / "valid.npz")
    rng = np.random.default_rng(0)
    for name in ("near", "far"):
        noise = rng.normal(0, 5 if name == "near" else 20, people.joints.shape)
        joints = np.where(np.isfinite(people.joints), people.joints, 100.0) + noise
        save_predictions(tmp_path / f"{NAME} {name}.npz", Predictions(joints, people.person_ids))
    against = ["--predictions", tmp_path / f"{NAME} near.npz", "--against", tmp_path / f"{NAME} far.npz"]
    printed = ief("ascii", "evaluate", *against, "--annotations", tiny_data / "valid.npz", "--intervals")
    assert "PCKh@0.5" in printed
    out = tmp_path / NAME / "report"
    assert r"\u8d70" in ief("ascii", "report", run, "--out", out, "--data", tiny_data)
    assert NAME in (out / "index.html").read_text(encoding="utf-8")
    again = tmp_path / NAME / "again"
    options = ["--epochs", "1", "--stage", "0", "--backbone", "resnet18", "--preset", "demo", "--batch-size", "8"]
    printed = ief(
        "ascii", "train", "--data", tiny_data, "--run", again, "--weights", "none", "--device", "cpu", *options
    )
    assert len(load_cascade(again).stages) == 1
