"""Fixtures that every package's tests share."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from prepared_sums import add_sums

from heads.skeleton import MPII
from ief.cli import print_log
from mpii_tools.annotations.people_file import load_people, save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import COLUMNS, Depth, People

SHARED = Path(__file__).resolve().parents[2] / "shared"
SIZE, BORDER = 32, 8


def pytest_collection_modifyitems(items):
    """Marks `needs_shared` whatever requests the fixture `shared`, be it through another fixture."""
    for item in items:
        if "shared" in item.fixturenames:
            item.add_marker("needs_shared")


def pytest_terminal_summary(terminalreporter):
    """Says how many of the tests that ran, or were skipped, need ../shared."""
    reports = [report for key in ("passed", "failed", "skipped") for report in terminalreporter.getreports(key)]
    count = len({report.nodeid for report in reports if "needs_shared" in report.keywords})
    if count:
        state = "beside this checkout: run" if has_shared() else "not beside this checkout: skipped"
        terminalreporter.write_line(f"{count} tests need ../shared, which is {state}")


def has_shared():
    """Whether the folder of reference data is beside the checkout."""
    return (SHARED / "mpii" / "expected.json").is_file()


@pytest.fixture(autouse=True)
def printed_log():
    """What the library logs is printed, as the program prints it."""
    with print_log():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the checkout; tests that need it skip where it is not."""
    if not has_shared():
        pytest.skip("the reference data (../shared) is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def read_shared(shared):
    """Reads annotations of the reference data, "mpii/valid.h5", each once; their arrays are read-only."""

    @cache
    def read(name):
        reading = read_annotations(shared / name)
        for column in COLUMNS:
            getattr(reading.people, column).setflags(write=False)
        return reading

    return read


def write_tiny(folder, count=24, size=SIZE, seed=0):
    """Random crops whose poses are random too: enough to train on, not to learn from."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    splits = {"train": count, "valid": count // 2}
    for split, number in splits.items():
        joints = 100 + rng.normal(0, 30, (number, 16, 2))
        joints[rng.random((number, 16)) < 0.1] = np.nan
        people = People(
            [f"{split}{i}.jpg" for i in range(number)], joints, split=split,
            center=np.full((number, 2), 100.0), scale=np.full(number, 0.8), head_size=np.full(number, 20.0),
        )  # fmt: skip
        save_people(folder / f"{split}.npz", people)
        side = size + 2 * BORDER
        np.save(folder / f"{split}-crops.npy", rng.integers(0, 255, (number, side, side, 3), dtype=np.uint8))
    description = {"format": 1, "name": "tiny", "input": size, "border": BORDER, "splits": splits}
    (folder / "prepared.json").write_text(json.dumps(description))
    return add_sums(folder)


def add_depth(folder, seed=0):
    """Random depths beside the people of a tiny dataset, seen by one camera: pelvis 5 m away, 100 pixels wide."""
    rng = np.random.default_rng(seed)
    for split in ("train", "valid"):
        people = load_people(folder / f"{split}.npz")
        z = rng.normal(0, 200, people.joints.shape[:2])
        z -= z[:, MPII.root, None]
        z[np.isnan(people.joints[..., 0])] = np.nan
        depth = Depth(
            z, camera=np.array([300.0, 300, 100, 100]), root_depth=np.full(len(people), 5000.0),
            subject=[f"S{row % 2}" for row in range(len(people))], action=[f"A{row % 3}" for row in range(len(people))],
            sequence=[f"take {row // 2}" for row in range(len(people))],
        )  # fmt: skip
        save_people(folder / f"{split}.npz", replace(people, depth=depth))
    return add_sums(folder)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run of two untrained stages (`untrained.save_run`)."""
    from untrained import save_run  # with torch, which many tests do without

    return save_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def deep_data(tmp_path_factory):
    """As `tiny_data`, of other people, who have depth."""
    folder = write_tiny(tmp_path_factory.mktemp("deep"), 20, seed=1)
    description = json.loads((folder / "prepared.json").read_text())
    (folder / "prepared.json").write_text(json.dumps({**description, "name": "deep", "depth": ["train", "valid"]}))
    return add_depth(folder)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """Folder of a tiny prepared dataset with 24 training and 12 validation people."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))
