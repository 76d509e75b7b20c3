"""What a run folder holds: names, scores of its metrics.json or of its predictions; scores of arrays of people."""

import json
from functools import partial

import numpy as np
import pytest
from finished_runs import write_metrics, write_people, write_run
from safetensors.numpy import save_file

from checkpoints.errors import PoseError
from evaluation.report.human36m import compare_trainings
from ief.reporting.runs import load_curves, load_metrics, load_record, load_run
from ief.reporting.scoring import person_errors, score_poses, to_tree, view_poses


def test_scores_are_those_of_the_predictions_of_people_given(flat, tmp_path):
    people, run = flat.people, tmp_path / "run"
    poses, path = write_run(run, people, (15, 9)), tmp_path / "run" / "metrics.json"

    def text(stages):
        return json.dumps({stage: to_tree(scores) for stage, scores in stages.items()})

    fresh = load_run(run, "run", people).stages
    assert text(fresh) == path.read_text()
    write_metrics(run, poses, write_people(tmp_path / "others.npz", seed=9), intervals=False)
    assert load_run(run, "run", people).stages == fresh
    alone = load_run(run, "run", None).stages  # with nothing to score, metrics.json is taken as it is
    assert alone != fresh and text(alone) == path.read_text()
    path.unlink()
    assert load_run(run, "run", people).stages == fresh


def test_scores_in_3d_are_of_the_people_whose_depth_is_given(deep):
    run = deep.folder / "alone/all"
    known, unknown = (load_run(run, "all", people).stages for people in (deep.people, deep.flat))
    assert known == unknown == load_run(run, "all", None).stages  # metrics.json, or the same scores again
    few = deep.people.select(list(range(len(deep.people))))
    few.depth.root_depth[8:] = float("nan")
    assert load_run(run, "all", few).stages["stage0"][3].people == 8


def test_trainings_are_compared_with_the_first_of_their_data(deep):
    """Where there is no baseline; without depth there is no difference."""
    runs = [load_run(deep.folder / name, name, deep.people) for name in ("alone/bone", "mixed/all", "alone/all")]
    entries, gains, pairs = compare_trainings(runs, partial(view_poses, deep.people))
    assert [entry.name for entry in entries] == ["mean pose", "alone/bone", "mean pose", "mixed/all", "alone/all"]
    assert [entry.reference for entry in entries] == ["", "", "", "", "alone/bone"]
    pairs = {mixed: [entry.name for entry in pair] for mixed, pair in pairs.items()}
    assert pairs == {False: ["alone/bone", "alone/all"], True: ["mixed/all"]}
    assert [(gain.name, gain.reference) for gain in gains] == [("mixed/all", "alone/all")]
    blind, none, _ = compare_trainings(runs, partial(view_poses, deep.flat))
    assert not any(entry.difference for entry in blind) and not none


@pytest.mark.parametrize("loss", ["nan", "inf", "1e999", "x"])
def test_a_log_without_finite_numbers_is_corrupt(tmp_path, loss):
    write_run(tmp_path, write_people(tmp_path / "people.npz", seed=0), (9,), "all")
    (log := tmp_path / "stage0" / "log.csv").write_text(f"{log.read_text()}999,{loss},0.1\n")
    with pytest.raises(PoseError, match=r"log\.csv"):
        load_curves(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"training": []}', "[" * 9999, '{"training": {}, "design": 1}'])
def test_a_description_without_fields_is_corrupt(tmp_path, text):
    (tmp_path / "stage0").mkdir()
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "stage0" / "stage.safetensors", {"description": text})
    with pytest.raises(PoseError, match=r"stage\.safetensors"):
        load_record(tmp_path)


@pytest.mark.parametrize("text", ["[]", "[" * 9999, '{"stage0": 1}', '{"stage0": {"convention": 1, "joint_error": 1}}'])
def test_scores_without_fields_are_corrupt(tmp_path, text):
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(PoseError, match=r"metrics\.json"):
        load_metrics(tmp_path)


def test_poses_in_3d_are_scored_in_pixels_and_in_mm(deep):
    pose = deep.poses["alone/all"]["stage0"]
    found = score_poses(pose, deep.people)
    assert {d: scores.people for d, scores in found.items()} == {2: 34, 3: 32}
    assert found[2] == score_poses(pose[..., :2], deep.people)[2] and list(score_poses(pose, deep.flat)) == [2]
    errors = person_errors(pose, deep.people, 3)
    assert np.isfinite(errors).sum() == 32 and np.nanmean(errors) == pytest.approx(
        found[3]["joint_error"].overall.value, rel=0.02
    )
