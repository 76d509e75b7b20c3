"""Prepared data are their bytes: what is mixed, cut off by a kill or lost by a disk is not taken for whole."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from killed import count_kills
from small_data import prepare_small

from checkpoints.errors import PoseError
from mpii_tools.annotations.people_file import DESCRIPTION, load_people, save_people
from mpii_tools.prepared.read import load_prepared, read_description

MOST = 30  # changes of names in a preparation, and some more


@pytest.fixture
def prepared(tmp_path):
    return prepare_small(tmp_path / "data")


def moved(people):
    return replace(people, joints=people.joints + 1)


@pytest.mark.parametrize("change", [{"seed": 1}, {"shift": 1}, {"margin": 1.25}, {"size": 40}])
def test_other_people_crops_or_borders_are_other_data(tmp_path, change):
    folders = [prepare_small(tmp_path / name, **given) for name, given in (("a", {}), ("b", {}), ("c", change))]
    prints = [load_prepared(folder, "train", verify=True).fingerprint for folder in folders]
    assert prints[0] == prints[1] != prints[2] and all(prints)


@pytest.mark.parametrize("damaged", ["hole", "people", "other crops"])
def test_damage_to_prepared_bytes_is_refused(tmp_path, prepared, damaged):
    crops, people = prepared / "train-crops.npy", prepared / "train.npz"
    if damaged == "hole":
        with crops.open("r+b") as file:
            file.seek(5000)
            file.write(bytes(512))
    elif damaged == "people":
        save_people(people, moved(load_people(people)))
    else:
        shutil.copy(prepare_small(tmp_path / "other", seed=1) / crops.name, crops)
    with pytest.raises(PoseError, match=f"the {damaged.split()[-1].replace('hole', 'crops')} of 'train'"):
        load_prepared(prepared, "train", verify=True)
    assert load_prepared(prepared, "valid", verify=True).fingerprint
    description = json.loads((prepared / DESCRIPTION).read_text())
    del description["sums"]  # a folder of an earlier version
    (prepared / DESCRIPTION).write_text(json.dumps(description))
    assert load_prepared(prepared, "train", verify=True).fingerprint is None


def test_people_and_crops_are_on_the_disk_before_they_count(tmp_path, monkeypatch):
    """As are their names, which a power cut could lose."""
    order, sync, rename = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: order.append(os.readlink(f"/proc/self/fd/{file}")) or sync(file))
    monkeypatch.setattr(os, "replace", lambda old, new: order.append(f"-> {new}") or rename(old, new))
    folder = prepare_small(tmp_path / "data")
    at = order.index(f"-> {folder / DESCRIPTION}")
    synced = {Path(path).name for path in order[:at] if not path.startswith("->")}
    assert {"train-crops.npy", "valid-crops.npy", folder.name} <= synced


def test_a_kill_at_any_rename_leaves_one_whole_preparation(tmp_path):
    folder = prepare_small(tmp_path / "data")
    prints = [[load_prepared(path, split).fingerprint for split in ("train", "valid")]
              for path in (folder, prepare_small(tmp_path / "new", seed=1))]  # fmt: skip
    copies = [shutil.copytree(folder, tmp_path / str(call)) for call in range(MOST)]
    work = f"prepare_small(Path({str(tmp_path)!r}, str(call)), seed=1)"
    names, seen = "os.replace, Path.replace, Path.unlink", []
    for copy in copies[: count_kills(names, "from small_data import prepare_small", work)]:
        there = [load_prepared(copy, split, verify=True).fingerprint for split in ("train", "valid")]
        seen.append(prints.index(there))  # never one split of each
        prepare_small(copy, seed=1)
        again = load_prepared(copy, "train", verify=True)
        assert again.fingerprint == prints[1][0] and not list(copy.glob(".partial*"))
    assert seen == sorted(seen) and {*seen} == {0, 1} and 10 < len(seen) < MOST


def test_a_replaced_split_leaves_no_file_of_before(tmp_path):
    folder = prepare_small(tmp_path / "data")
    files = {path.name for path in folder.iterdir()}
    for seed in (1, 2, 1):
        prepare_small(folder, seed=seed)
        assert load_prepared(folder, "train", verify=True).crops.shape[0] == read_description(folder)["splits"]["train"]
        assert len({*folder.iterdir()}) == len(files)
    fresh = load_prepared(prepare_small(tmp_path / "fresh", seed=1), "train")
    assert np.array_equal(fresh.crops, load_prepared(folder, "train").crops)
