"""`ief experiments`: the plan, its budget, and a small one of it from the start to the results."""

import json

import pytest
from processes import IEF, SMALL, finish, finish_here, start

import ief.commands.experiments as command
from ief.model.run_folder import stage_file
from ief.reporting.scoring import difference, load_poses
from ief.training.experiments import COMPARISONS, PLAN, Experiment, by_folder
from ief.training.presets import get_preset
from mpii_tools.prepared.read import load_prepared


def experiments(data, run, *options):
    """The command line of small experiments."""
    return [*IEF, "experiments", "--data", str(data), "--run", str(run), *SMALL, *options]


def test_the_plan_is_made_of_known_parts():
    names = [one.name for one in PLAN]
    assert len(set(names)) == len(names) and all(name.count("/") == 1 for name in names)
    assert {name for pair in COMPARISONS for name in pair} <= set(names) and len(set(COMPARISONS)) == len(COMPARISONS)
    for place, one in enumerate(PLAN):
        get_preset(one.preset, **one.options)
        assert not one.start or one.start in names[:place]  # trained before
    assert [one for group in by_folder(PLAN).values() for one in group] == list(PLAN)


@pytest.mark.parametrize("one", PLAN, ids=lambda one: one.name)
def test_costs_are_the_forwards_that_a_person_takes_through_the_trainings(one):
    """A trained stage costs a forward and a backward of two, a frozen one before it a forward."""
    forwards = 0.0
    for stage in range(one.stages):
        frozen = [before for before in range(stage)]
        inherited = one.start and stage < one.stages - 1
        forwards += 0 if inherited else one.epochs * (len(frozen) + 1 + 2)
    assert one.cost == pytest.approx(forwards / (3 + 4))


def test_the_single_stage_has_the_compute_of_two():
    costs = {one.name: one.cost for one in PLAN}
    assert costs["others/deeppose"] == pytest.approx(costs["best/ief_star"]) == pytest.approx(1.0)


def test_bad_arguments_are_one_line(tiny_data, tmp_path):
    for options, says in (
        (["--minutes", "3", "--epochs", "2"], "give either --minutes or --epochs"),
        (["--groups", "worst"], "--groups worst: unknown; choose from best, others, paper"),
        (["--groups", "others", "--epochs", "1"], "best/all/stage0/log.csv: no such file; check the path"),
    ):
        assert says in finish_here(experiments(tiny_data, tmp_path, *options), status=2)
    for option in ("--method", "--preset", "--stages"):  # the plan has them
        with pytest.raises(SystemExit):
            finish_here(experiments(tiny_data, tmp_path, option, "1"))


def test_a_small_plan_from_the_start_to_the_results(tiny_data, tmp_path, monkeypatch):
    plan = (Experiment("best/all", "two stages"), Experiment("others/third", "three", stages=3, start="best/all"))
    monkeypatch.setattr(command, "PLAN", plan)
    monkeypatch.setattr(command, "COMPARISONS", (("others/third", "best/all"), ("others/third", "best/bone")))
    monkeypatch.setattr(command, "report", lambda *args: None)
    straight = experiments(tiny_data, tmp_path, "--epochs", "1", "--no-deterministic")
    finish_here([*straight, "--stop-after", "0.0001"], status=75)
    assert not (tmp_path / "results.md").exists()
    finish_here(straight)
    for index in range(2):
        best, third = (stage_file(tmp_path / name, index).read_bytes() for name in ("best/all", "others/third"))
        assert best == third
    assert stage_file(tmp_path / "others/third", 2).exists()

    people = load_prepared(tiny_data, "valid").people
    poses = {one.name: load_poses(tmp_path / one.name, people) for one in plan}
    found = difference(poses["others/third"]["stage2"], poses["best/all"]["stage1"], people)
    flipped = load_poses(tmp_path / "best/all/flip", people)["stage1"]
    flip = difference(flipped, poses["best/all"]["stage1"], people)
    results = json.loads((tmp_path / "results.json").read_text())
    rows = {row[0]: row[1:] for row in results["differences"]["rows"]}
    for name, wanted in (("others/third minus best/all", found), ("best/all, flip minus none", flip)):
        assert rows[name][0]["value"] == wanted["joint_error"].overall.value != 0
        assert rows[name][-1]["interval"] == list(wanted.mean_pckh.interval)
    assert "others/third, last stage minus the previous" in rows and "others/third minus best/bone" not in rows
    assert [row[0] for row in results["scores"]["rows"]] == [
        "best/all", "others/third", "best/all, flip", "others/third, flip",
    ]  # fmt: skip

    weights = [path for path in tmp_path.rglob("*") if path.suffix in (".safetensors", ".npz")]
    before = {path: path.stat().st_mtime_ns for path in weights}
    finish_here(straight)
    assert {path: path.stat().st_mtime_ns for path in weights} == before  # what is done is skipped
    assert json.loads((tmp_path / "results.json").read_text()) == results


@pytest.mark.slow
def test_in_pieces_of_a_fixed_time_it_gets_done(tiny_data, tmp_path):
    statuses, budget = [], ["--minutes", "1"]
    while 0 not in statuses and len(statuses) < 40:
        process = start(experiments(tiny_data, tmp_path, *budget, "--stop-after", "0.5"))
        said = process.communicate(timeout=600)[1]
        statuses.append(process.returncode)
        assert process.returncode in (0, 75), said[-2000:]
    assert statuses[-1] == 0 and 75 in statuses
    results = json.loads((tmp_path / "results.json").read_text())
    assert len(results["scores"]["rows"]) == 2 * len(PLAN)
    assert all((tmp_path / group / "report" / "index.html").exists() for group in by_folder(PLAN))
    said = finish(experiments(tiny_data, tmp_path, "--minutes", "2"), status=2)
    assert "budget.json: belongs to a budget of 1 minutes, now 2; choose another folder" in said
