"""Finished runs in 2D and in 3D with everything that a report takes, and reports of them."""

import json
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from angle_model import write_angle_model
from commands import run_ief
from finished_runs import write_people, write_run, write_split

from evaluation import Bootstrap

CLOSENESS = {"ief_star": (20, 16), "bone": (18, 13), "all": (15, 9)}  # px of noise after stage 0 and stage 1
# Folder -> millimeters off, the method of Table 1, the second dataset.
TRAININGS = {"alone/ief_star": (70, "ief_star", None), "alone/bone": (60, "bone", None), "alone/all": (50, "all", None),
             "mixed/ief_star": (45, "ief_star", "wild"), "mixed/all": (30, "all", "wild")}  # fmt: skip


def write_images(folder, names, side):
    rng = np.random.default_rng(3)
    folder.mkdir()
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (side, side, 3), dtype=np.uint8))


@pytest.fixture(scope="session")
def flat(tmp_path_factory):
    """In 2D: a folder with data/ (people), images/ and three runs, the people, and the poses of each run."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "data").mkdir()
    write_people(folder / "data" / "train.npz", seed=1)
    people = write_people(folder / "data" / "valid.npz", seed=2)
    splits = {"train": len(people), "valid": len(people)}
    description = {"name": "made up", "input": 64, "border": 8, "splits": splits}
    (folder / "data" / "prepared.json").write_text(json.dumps(description))
    write_images(folder / "images", people.images, 300)
    poses = {name: write_run(folder / name, people, noise) for name, noise in CLOSENESS.items()}
    return SimpleNamespace(folder=folder, people=people, poses=poses)


@pytest.fixture(scope="session")
def deep(tmp_path_factory):
    """In 3D: a folder with people with and without depth, images, angle limits and five runs; all of that,
    and `flat`, the people without depth."""
    folder = tmp_path_factory.mktemp("report3d")
    write_split(folder / "train.npz", ("S1", "S5"), seed=1)
    people = write_split(folder / "valid.npz", seed=2)
    write_images(folder / "images", people.images, 500)
    write_angle_model(folder / "limits")
    poses = {
        name: write_run(folder / name, people, (noise,), method, also, seed)
        for seed, (name, (noise, method, also)) in enumerate(TRAININGS.items())
    }
    return SimpleNamespace(folder=folder, people=people, flat=replace(people, depth=None), poses=poses)


def report(out, runs, *words):
    """What `ief report` writes: the folder, results.json and the page."""
    run_ief("report", *runs, *words, "--out", out)
    results = json.loads((out / "results.json").read_text())
    return SimpleNamespace(out=out, results=results, page=(out / "index.html").read_text())


def hurry(patch):
    """What takes most of a report's time is done once, by `flat_report`: no plot is rendered, few resamples drawn."""
    patch.setattr("evaluation.report.page.to_svg", lambda figure: b"<svg></svg>")
    patch.setattr("evaluation.report.errors.DEFAULT_BOOTSTRAP", Bootstrap(resamples=20))


@pytest.fixture
def write_report(monkeypatch):
    """`report`, in a hurry."""
    hurry(monkeypatch)
    return report


@pytest.fixture(scope="session")
def flat_report(flat):
    """The report of all three runs in 2D with everything given."""
    runs, given = [flat.folder / name for name in CLOSENESS], ("--data", flat.folder / "data")
    return report(flat.folder / "out", runs, *given, "--images", flat.folder / "images")


@pytest.fixture(scope="session")
def deep_report(deep, tmp_path_factory):
    """The report of all five runs in 3D with everything given."""
    folder = deep.folder
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        runs = [folder / name for name in TRAININGS]
        return report(
            tmp_path_factory.mktemp("out"), runs, "--annotations", folder / "valid.npz",
            "--training", folder / "train.npz", "--images", folder / "images", "--angle-limits", folder / "limits",
        )  # fmt: skip
