"""Table 7 by one or several seeds: its numbers are those of the runs, its intervals scipy's and the bootstrap's."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from checkpoints.errors import PoseError
from evaluation.metrics.placement import placement
from evaluation.metrics.relative import relative_errors
from ief.reporting.scoring import difference, ground_truth, score
from ief.reporting.seeds import write_seeds
from mpii_tools.people import make_people
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions

PEOPLE, METHODS, SEEDS = 9, ("ief_star", "all"), 3


@pytest.fixture
def runs(tmp_path):
    """Method -> run folders with predictions of two stages, of people in one crop of 200 px; the people; the poses."""
    rng = np.random.default_rng(3)
    joints = rng.normal(100, 20, (PEOPLE, 16, 2))
    people = make_people(
        [f"{index}.jpg" for index in range(PEOPLE)],
        joints,
        center=np.full((PEOPLE, 2), 100.0),
        scale=np.full(PEOPLE, 1.0),
        head_size=np.full(PEOPLE, 30.0),
    )
    poses, folders = {}, {method: [tmp_path / f"seed{seed}" / method for seed in range(SEEDS)] for method in METHODS}
    for method, runs in folders.items():
        for seed, run in enumerate(runs):
            for stage, name in ((-1, "-mean_pose"), (0, "-stage0"), (1, "")):
                pose = joints + (0 if stage < 0 else rng.normal(0, 12 - 3 * stage, joints.shape))
                poses[method, seed, stage] = pose
                found = Predictions(pose, people.person_ids, people.joint_names, stage, None, people.crop_center)
                save_predictions(run / f"predictions-valid{name}.npz", found)
    return folders, people, poses


def test_the_tables_hold_the_means_of_the_seeds_with_both_intervals(runs, tmp_path, capsys):
    folders, people, poses = runs
    files = write_seeds(tmp_path, folders, people)
    assert [file.name for file in files] == ["results.md", "results.json"]
    tree = json.loads(files[1].read_text())
    assert tree["seeds"] == SEEDS and tree["people"] == PEOPLE
    rows = {row[0]: row[1:] for row in tree["all joints"]["rows"]}
    assert list(rows) == [
        "stage 0, all - ief_star",
        "stage 1, all - ief_star",
        "ief_star, stage 1 - stage 0",
        "all, stage 1 - stage 0",
    ]
    each = [
        difference(poses["all", seed, 1], poses["ief_star", seed, 1], people).mean_pckh.value for seed in range(SEEDS)
    ]
    pckh, seeds = rows["stage 1, all - ief_star"][4:]
    assert pckh["value"] == pytest.approx(np.mean(each))
    assert pckh["interval"][0] < pckh["value"] < pckh["interval"][1]
    low, high = stats.ttest_1samp(each, 0).confidence_interval(0.95)
    assert seeds == f"[{low:+.1f}, {high:+.1f}]"
    means = [row for row in tree["table 7"]["rows"] if row[0] == "all"]
    expected = [np.mean([score(poses["all", seed, stage], people).mean_pckh.value for seed in range(SEEDS)])
                for stage in (0, 1)]  # fmt: skip
    column = tree["table 7"]["head"].index("PCKh@0.5")
    assert [row[column]["value"] for row in means] == pytest.approx(expected)
    assert "means of 3 seeds" in files[0].read_text() and "over seeds" in capsys.readouterr().out


def test_the_joint_error_is_split_into_offset_and_shape(runs, tmp_path):
    folders, people, poses = runs
    tree = json.loads(write_seeds(tmp_path, folders, people)[1].read_text())
    rows = {row[0]: [value["value"] for value in row[1:]] for row in tree["offset and shape"]["rows"]}
    of_methods = [f"stage {stage}, {method}" for stage in (0, 1) for method in METHODS]
    assert list(rows) == [*of_methods, "stage 0, all - ief_star", "stage 1, all - ief_star"]
    found = {
        method: placement(ground_truth(people), [poses[method, seed, 1] for seed in range(SEEDS)]) for method in METHODS
    }
    values = {method: np.array([each.offset.value, each.shape.value]) for method, each in found.items()}
    assert rows["stage 1, all"] == pytest.approx(values["all"])
    assert rows["stage 1, all - ief_star"] == pytest.approx(values["all"] - values["ief_star"])


def test_relative_positions_are_compared_by_the_bones_between(runs, tmp_path):
    folders, people, poses = runs
    tree = json.loads(write_seeds(tmp_path, folders, people)[1].read_text())
    table = tree["relative positions"]
    rows = {row[0]: [value["value"] for value in row[1:]] for row in table["rows"]}
    assert table["head"][1:] == ["1", "2", "3", "4", "5", "6", "7"]
    of_methods = [f"stage {stage}, {method}" for stage in (0, 1) for method in METHODS]
    assert list(rows) == [*of_methods, "stage 0, all - ief_star", "stage 1, all - ief_star"]
    each = {
        method: relative_errors(ground_truth(people), [poses[method, seed, 1] for seed in range(SEEDS)])
        for method in METHODS
    }
    values = {method: [error.value for error in errors.values()] for method, errors in each.items()}
    assert rows["stage 1, all"] == pytest.approx(values["all"])
    less = [ours - theirs for ours, theirs in zip(values["all"], values["ief_star"], strict=True)]
    assert rows["stage 1, all - ief_star"] == pytest.approx(less)


def test_both_is_a_base_of_all_where_it_was_trained(runs, tmp_path):
    folders, people, _ = runs
    tree = json.loads(write_seeds(tmp_path, {**folders, "both": folders["ief_star"]}, people)[1].read_text())
    rows = {row[0]: row[1]["value"] for row in tree["all joints"]["rows"]}
    assert rows["stage 1, all - both"] == pytest.approx(rows["stage 1, all - ief_star"])
    assert rows["stage 1, both - ief_star"] == 0


def test_hidden_joints_are_compared_apart_where_some_are_labeled_so(runs, tmp_path):
    folders, people, poses = runs
    assert "hidden joints" not in json.loads(write_seeds(tmp_path, folders, people)[1].read_text())
    visible = np.random.default_rng(1).integers(0, 2, (PEOPLE, 16)).astype(np.int8)
    tree = json.loads(write_seeds(tmp_path, folders, replace(people, visible=visible))[1].read_text())
    errors = {
        method: [np.linalg.norm(poses[method, seed, 1] - people.joints, axis=-1) for seed in range(SEEDS)]
        for method in METHODS
    }
    counted = ~people.derived if people.derived is not None else np.ones((PEOPLE, 16), dtype=bool)
    for name, label in (("visible joints", 1), ("hidden joints", 0)):
        (row,) = (row for row in tree[name]["rows"] if row[0] == "stage 1, all - ief_star")
        mask = counted & (visible == label)
        ours, theirs = (np.mean([error[mask].mean() for error in errors[method]]) for method in ("all", "ief_star"))
        assert row[1]["value"] == pytest.approx(ours - theirs)


def test_of_one_seed_there_is_nothing_over_seeds(runs, tmp_path):
    folders, people, poses = runs
    page, results = write_seeds(tmp_path, {method: each[:1] for method, each in folders.items()}, people)
    table = json.loads(results.read_text())["all joints"]
    assert table["head"] == ["", "Joint px", "Bone px", "PCKh@0.5"]
    (row,) = (row[1:] for row in table["rows"] if row[0] == "stage 1, all - ief_star")
    found = difference(poses["all", 0, 1], poses["ief_star", 0, 1], people)
    expected = (found["joint_error"].overall, found["bone_error"].overall, found.mean_pckh)
    assert [value["value"] for value in row] == pytest.approx([each.value for each in expected])
    assert np.allclose([value["interval"] for value in row], [each.interval for each in expected])
    assert "seed" not in page.read_text()


def test_of_poses_in_3d_x_and_y_count(runs, tmp_path):
    folders, people, _ = runs
    flat = write_seeds(tmp_path, folders, people)[1].read_text()
    for path in (path for each in folders.values() for run in each for path in run.iterdir()):
        found = read_predictions(path)
        depth = np.random.default_rng(0).normal(0, 300, (PEOPLE, 16, 1))
        save_predictions(path, replace(found, joints=np.concatenate([found.joints, depth], axis=-1)))
    assert write_seeds(tmp_path, folders, people)[1].read_text() == flat


def test_a_run_of_other_people_is_refused(runs, tmp_path):
    folders, people, _ = runs
    others = make_people([f"other{index}.jpg" for index in range(PEOPLE)], people.joints, head_size=people.head_size)
    with pytest.raises(PoseError, match=r"seed0.*predictions-valid"):
        write_seeds(tmp_path, folders, others)
