"""What a run folder holds: names, scores of its metrics.json or of its predictions."""

import json
from functools import partial

from finished_runs import write_metrics, write_people, write_run

from evaluation.report.human36m import compare_trainings
from ief.reporting.runs import load_run
from ief.reporting.scoring import to_tree, view_poses


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
    found = compare_trainings(runs, partial(view_poses, deep.people))
    assert [entry.name for entry in found.entries] == ["mean pose", "alone/bone", "mean pose", "mixed/all", "alone/all"]
    assert [entry.reference for entry in found.entries] == ["", "", "", "", "alone/bone"]
    pairs = {mixed: [entry.name for entry in pair] for mixed, pair in found.pairs.items()}
    assert pairs == {False: ["alone/bone", "alone/all"], True: ["mixed/all"]}
    assert [(gain.name, gain.reference) for gain in found.gains] == [("mixed/all", "alone/all")]
    blind = compare_trainings(runs, partial(view_poses, deep.flat))
    assert not any(entry.difference for entry in blind.entries) and not blind.gains
