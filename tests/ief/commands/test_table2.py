"""`ief table2`: ten trainings that differ by their method and their people alone, in as many pieces as one likes."""

import json
import time

import pytest
from processes import IEF, SMALL, checkpoints_of, finish, finish_here, same_weights, start

from heads.pairs import METHODS
from ief.model.run_folder import stage_file
from mpii_tools.synthetic.dataset import write_synthetic


def table2(data, run, *options):
    """The command line of a small table."""
    return [
        *IEF,
        "table2",
        "--data",
        str(data),
        "--run",
        str(run),
        *SMALL,
        "--preset",
        "demo",
        "--stages",
        "1",
        *options,
    ]


def test_without_a_second_dataset_or_depth_it_is_one_line(deep_data, tiny_data, tmp_path):
    assert "give --also, the second dataset" in finish_here(table2(deep_data, tmp_path), status=2)
    said = finish_here(table2(tiny_data, tmp_path, "--also", str(deep_data)), status=2)
    assert "its validation people have no depth; `ief table7` compares methods in 2D" in said


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A few synthetic people with depth, and a few without, prepared at 32 px."""
    folder = tmp_path_factory.mktemp("people")
    for name, kind, counts in (("deep", "studio", (30, 30)), ("flat", "wild", (20, 4))):
        source = write_synthetic(folder / name, *counts, kind=kind)
        arguments = ["--annotations", str(source.annotations), "--images", str(source.images), "--size", "32"]
        finish_here([*IEF, "prepare", *arguments, "--out", str(folder / f"{name}-prepared")])
    return folder / "deep-prepared", folder / "flat-prepared"


@pytest.mark.slow
def test_killed_twice_it_says_what_it_would_have_said(people, tmp_path):
    data, also = people
    options = ["--also", str(also), "--epochs", "2"]
    finish_here(table2(data, tmp_path / "straight", *options))
    run = tmp_path / "killed"
    for folder in ("3d/joint", "3d+2d/both"):
        process = start(table2(data, run, *options, "--checkpoint-seconds", "0"))
        while not checkpoints_of(run / folder) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert process.returncode == -9 and not stage_file(run / folder, 0).exists()
    finish(table2(data, run, *options))
    for folder in ("3d", "3d+2d"):
        for method in METHODS:
            assert same_weights(tmp_path / "straight" / folder / method, run / folder / method, stages=1)
    straight, killed = (
        json.loads((folder / "report/results.json").read_text()) for folder in (tmp_path / "straight", run)
    )
    assert straight == killed and len(straight["runs"]) == 10
    assert all("joint_error" in stages["stage0"] for stages in straight["3d"]["runs"].values())
