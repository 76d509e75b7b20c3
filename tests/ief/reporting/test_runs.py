"""What a run folder holds: names, scores of its metrics.json or of its predictions."""

import json

import pytest
from finished_runs import write_metrics, write_people, write_run

from ief.reporting.runs import load_run, run_names
from ief.reporting.scoring import to_tree


@pytest.mark.parametrize("stale", ["missing", "of other people", "without intervals"])
def test_scores_come_from_predictions_if_metrics_are_stale(flat, tmp_path, stale):
    people, run = flat.people, tmp_path / "run"
    poses, path = write_run(run, people, (15, 9)), tmp_path / "run" / "metrics.json"

    def text(stages):
        return json.dumps({stage: to_tree(scores) for stage, scores in stages.items()})

    fresh = load_run(run, "run", people).stages
    assert text(fresh) == path.read_text()
    if stale == "missing":
        path.unlink()
    elif stale == "of other people":
        write_metrics(run, poses, write_people(tmp_path / "others.npz", seed=9))
    else:
        write_metrics(run, poses, people, intervals=False)
    assert load_run(run, "run", people).stages == fresh
    if stale != "missing":  # with nothing to check it against, metrics.json is taken as it is
        found = load_run(run, "run", None).stages
        assert found != fresh and text(found) == path.read_text()


def test_scores_in_3d_are_of_the_people_whose_depth_is_given(deep):
    run = deep.folder / "alone/all"
    known, unknown = (load_run(run, "all", people).stages for people in (deep.people, deep.flat))
    assert known == unknown == load_run(run, "all", None).stages  # metrics.json, or the same scores again
    few = deep.people.select(list(range(len(deep.people))))
    few.depth.root_depth[8:] = float("nan")
    assert load_run(run, "all", few).stages["stage0"][3].people == 8


def test_runs_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / parts for parts in ("a/all", "b/all", "b/bone")]
    assert run_names(folders) == ["a/all", "b/all", "b/bone"]
    assert run_names(folders[1:]) == ["all", "bone"]


def test_trainings_are_compared_with_the_first_of_their_data(deep):
    """Where there is no baseline; without depth there is no difference."""
    from functools import partial

    from evaluation.report.human36m import compare_trainings
    from ief.reporting.scoring import view_poses

    runs = [load_run(deep.folder / name, name, deep.people) for name in ("alone/bone", "mixed/all", "alone/all")]
    found = compare_trainings(runs, partial(view_poses, deep.people))
    assert [entry.name for entry in found.entries] == ["mean pose", "alone/bone", "mean pose", "mixed/all", "alone/all"]
    assert [entry.reference for entry in found.entries] == ["", "", "", "", "alone/bone"]
    pairs = {mixed: [entry.name for entry in pair] for mixed, pair in found.pairs.items()}
    assert pairs == {False: ["alone/bone", "alone/all"], True: ["mixed/all"]}
    assert [(gain.name, gain.reference) for gain in found.gains] == [("mixed/all", "alone/all")]
    blind = compare_trainings(runs, partial(view_poses, deep.flat))
    assert not any(entry.difference for entry in blind.entries) and not blind.gains
