"""Table 7 by one or several seeds: its numbers are those of the runs, its intervals scipy's and the bootstrap's."""

import json
from dataclasses import replace

import numpy as np
import pytest
from finished_runs import write_people
from scipy import stats

from checkpoints.errors import PoseError
from evaluation.metrics.errors import placement, relative_errors
from ief.reporting.scoring import ground_truth, score_poses
from ief.reporting.seeds import plot_differences, write_seeds
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions

METHODS, SEEDS = ("ief_star", "all"), range(3)
LAST = "stage 1, all - ief_star"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Method -> run folders with predictions of two stages; the people; the poses."""
    folder, rng = tmp_path_factory.mktemp("seeds"), np.random.default_rng(3)
    people = write_people(folder / "people.npz", seed=3, count=12)
    truth, poses = np.nan_to_num(people.joints, nan=150.0), {}
    folders = {method: [folder / f"seed{seed}" / method for seed in SEEDS] for method in METHODS}
    for method, each in folders.items():
        for seed, run in enumerate(each):
            for stage, name in ((-1, "-mean_pose"), (0, "-stage0"), (1, "")):
                pose = truth + (0 if stage < 0 else rng.normal(0, 12 - 3 * stage, truth.shape))
                poses[method, seed, stage] = pose
                found = Predictions(pose, people.person_ids, people.joint_names, stage, None, people.crop_center)
                save_predictions(run / f"predictions-valid{name}.npz", found)
    return folders, people, poses


@pytest.fixture(scope="module")
def written(runs, tmp_path_factory):
    """The page and results.json of all seeds."""
    folders, people, _ = runs
    page, results, picture = write_seeds(tmp_path_factory.mktemp("out"), folders, people)
    assert (page.name, results.name, picture.name) == ("results.md", "results.json", "differences.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    return page.read_text(), json.loads(results.read_text())


def test_what_is_printed_is_the_papers_form_and_who_wins(runs, tmp_path, capsys):
    folders, people, poses = runs
    names = ("ief_star", "joint", "bone", "both", "all")
    write_seeds(tmp_path, {name: folders["ief_star" if name == "ief_star" else "all"] for name in names}, people)
    lines = capsys.readouterr().out.splitlines()
    heads = [tuple(line.split()) for line in lines if line.split()[:2] == ["ief_star", "joint"]]
    assert max(map(len, lines)) <= 100 and heads[0] == names
    first = lines[lines.index("Stage 1:") + 1]
    error, base = (
        np.mean([score_poses(poses[name, seed, 1], people)[2]["joint_error"].overall.value for seed in SEEDS])
        for name in ("all", "ief_star")
    )
    assert first.startswith("Joint px") and first.rstrip("*)").endswith(f"{error:.1f} ({error - base:+.1f}")
    said = " ".join(lines[lines.index(next(line for line in lines if "results.md" in line)) + 1 :])
    assert said.count("PCKh@0.5") == 3 and "stage 1" in said and "ief_star" in said


def read_rows(table):
    """First cell -> values of the others."""
    return {row[0]: [cell["value"] for cell in row[1:] if isinstance(cell, dict)] for row in table["rows"]}


def test_the_tables_hold_means_of_seeds_with_both_intervals(runs, written):
    (_, people, poses), (page, tree) = runs, written
    assert tree["seeds"] == 3 and tree["people"] == len(people)
    rows = {row[0]: row[1:] for row in tree["all joints"]["rows"]}
    assert list(rows) == ["stage 0, all - ief_star", LAST, "ief_star, stage 1 - stage 0", "all, stage 1 - stage 0"]
    both = [[poses[method, seed, 1] for method in ("all", "ief_star")] for seed in SEEDS]
    each = [score_poses(ours, people, minus=theirs)[2].mean_pckh.value for ours, theirs in both]
    pckh, seeds = rows[LAST][4:]
    assert pckh["value"] == pytest.approx(np.mean(each))
    assert pckh["interval"][0] < pckh["value"] < pckh["interval"][1]
    low, high = stats.ttest_1samp(each, 0).confidence_interval(0.95)
    assert seeds == f"[{low:+.1f}, {high:+.1f}]"
    means = [row for row in tree["table 7"]["rows"] if row[0] == "all"]
    expected = [np.mean([score_poses(poses["all", seed, stage], people)[2].mean_pckh.value for seed in SEEDS])
                for stage in (0, 1)]  # fmt: skip
    column = tree["table 7"]["head"].index("PCKh@0.5")
    assert [row[column]["value"] for row in means] == pytest.approx(expected)
    assert "means of 3 seeds" in page and "hidden joints" not in tree


@pytest.mark.parametrize(("name", "measure", "head"), [
    ("offset and shape", placement, ["Offset px", "Shape px"]),
    ("relative positions", lambda *args: relative_errors(*args).values(), [*"1234567"]),
])  # fmt: skip
def test_where_the_error_is_by_method_and_difference(runs, written, name, measure, head):
    (_, people, poses), rows = runs, read_rows(written[1][name])
    alone = [f"stage {stage}, {method}" for stage in (0, 1) for method in METHODS]
    assert list(rows) == [*alone, "stage 0, all - ief_star", LAST] and written[1][name]["head"][1:] == head
    base, ours = (
        np.array([each.value for each in measure(ground_truth(people), [poses[method, seed, 1] for seed in SEEDS])])
        for method in METHODS
    )
    assert rows["stage 1, all"] == pytest.approx(ours) and rows[LAST] == pytest.approx(ours - base)


def test_the_plot_shows_the_differences_of_the_json(written):
    figure, rows = plot_differences({"three": written[1]["all joints"]}), read_rows(written[1]["all joints"])
    for axes, head, column in zip(figure.axes, ("Joint px", "PCKh@0.5"), (0, 2), strict=True):
        assert axes.get_xlabel() == f"{head}, minus ief_star"
        dots = [container.lines[0].get_xdata().tolist() for container in axes.containers]
        assert dots == [[rows[name][column]] for name in ("stage 0, all - ief_star", LAST)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["three, stage 0", "three, stage 1"]


def test_both_is_a_base_of_all_where_it_was_trained(runs, tmp_path):
    folders, people, _ = runs
    tree = json.loads(write_seeds(tmp_path, {**folders, "both": folders["ief_star"]}, people)[1].read_text())
    rows = read_rows(tree["all joints"])
    assert rows["stage 1, all - both"] == pytest.approx(rows[LAST]) and rows["stage 1, both - ief_star"][0] == 0


def test_hidden_joints_are_compared_apart_if_labeled(runs, tmp_path):
    folders, people, poses = runs
    visible = np.random.default_rng(1).integers(0, 2, people.joints.shape[:2]).astype(np.int8)
    tree = json.loads(write_seeds(tmp_path, folders, replace(people, visible=visible))[1].read_text())
    for name, label in (("visible joints", 1), ("hidden joints", 0)):
        mask = people.annotated & (visible == label)
        ours, theirs = (
            np.mean([np.linalg.norm(poses[method, seed, 1] - people.joints, axis=-1)[mask].mean() for seed in SEEDS])
            for method in ("all", "ief_star")
        )
        assert read_rows(tree[name])[LAST][0] == pytest.approx(ours - theirs)


def test_of_one_seed_there_is_nothing_over_seeds(runs, tmp_path):
    folders, people, poses = runs
    page, results, _ = write_seeds(tmp_path, {method: each[:1] for method, each in folders.items()}, people)
    table = json.loads(results.read_text())["all joints"]
    assert table["head"] == ["", "Joint px", "Bone px", "PCKh@0.5"] and "seed" not in page.read_text()
    (row,) = (row[1:] for row in table["rows"] if row[0] == LAST)
    found = score_poses(poses["all", 0, 1], people, minus=poses["ief_star", 0, 1])[2]
    expected = [found[name].overall for name in ("joint_error", "bone_error", "pckh@0.5")]
    assert [value["value"] for value in row] == pytest.approx([each.value for each in expected])
    assert np.allclose([value["interval"] for value in row], [each.interval for each in expected])


def test_of_poses_in_3d_x_and_y_count(runs, written, tmp_path):
    folders, people, _ = runs
    deep = {method: [tmp_path / run.parent.name / method for run in each] for method, each in folders.items()}
    for method, each in folders.items():
        for run, copy in zip(each, deep[method], strict=True):
            for path in run.iterdir():
                found = read_predictions(path)
                depth = np.random.default_rng(0).normal(0, 300, (*found.joints.shape[:2], 1))
                joints = np.concatenate([found.joints, depth], axis=-1)
                save_predictions(copy / path.name, replace(found, joints=joints))
    assert json.loads(write_seeds(tmp_path, deep, people)[1].read_text()) == written[1]


def test_a_run_of_other_people_is_refused(runs, tmp_path):
    folders, people, _ = runs
    others = People([f"other{row}.jpg" for row in range(12)], people.joints, head_size=people.head_size)
    with pytest.raises(PoseError, match=r"seed0.*predictions-valid"):
        write_seeds(tmp_path, folders, others)
