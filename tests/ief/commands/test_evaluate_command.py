"""`ief evaluate`: what it prints on stderr, that printing it changes no score, and what it does without."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from commands import evaluate

from heads.skeleton import Skeleton
from ief.cli import main
from mpii_tools.annotations.mpii_mat import write_mpii_mat
from mpii_tools.annotations.people_file import save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import People
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions


@pytest.fixture(scope="module")
def annotations(shared, tmp_path_factory):
    """MPII's validation people as this project's own file, which is read faster than the .mat."""
    path = tmp_path_factory.mktemp("annotations") / "valid.npz"
    save_people(path, read_annotations(shared / "mpii" / "valid_annolist.mat").people)
    return path


@pytest.mark.parametrize("slip", [1, -1])
def test_a_slip_of_one_pixel_is_reported_and_scored_as_it_is(shared, annotations, tmp_path, capsys, slip):
    newell, out = shared / "mpii" / "newell.h5", tmp_path / "e.json"
    plain = evaluate(newell, annotations, out=out)
    assert capsys.readouterr().err == ""
    assert plain["pckh"]["0.5"]["groups"]["Mean"] == pytest.approx(88.43, abs=0.01)
    joints = read_predictions(newell).joints + slip
    save_predictions(tmp_path / "slipped.npz", Predictions(joints, read_annotations(annotations).people.person_ids))
    slipped, warning = evaluate(tmp_path / "slipped.npz", annotations, out=out), capsys.readouterr().err
    assert warning.startswith("ief evaluate: warning: ") and warning.count("\n") == 1
    assert ("subtract 1" if slip > 0 else "add 1") in warning and "95 %" in warning
    assert slipped["joint_error"]["image_px"] != plain["joint_error"]["image_px"]


def test_fillers_are_reported_and_scored_as_they_are(shared, annotations, tmp_path, capsys):
    """In --predictions and in --against; the scores are those of the published file, to the digit."""
    mpii, out = shared / "mpii", tmp_path / "e.json"
    scores, warning = evaluate(mpii / "tompson.h5", annotations, out=out), capsys.readouterr().err
    assert warning.startswith("ief evaluate: warning: ") and warning.count("\n") == 1
    assert "5,718 of 44,240" in warning and "2,857 of 2,958" in warning
    assert scores["joint_error"]["image_px"] == pytest.approx(98.9, abs=0.05)
    expected = json.loads((mpii / "expected.json").read_text())["files"]["tompson.h5"]["official"]["@0.5"]
    assert scores["pckh"]["0.5"]["per_joint"] == pytest.approx(expected["per_joint"], abs=1e-3)
    evaluate(mpii / "newell.h5", annotations, "--against", mpii / "tompson.h5", out=out)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "tompson.h5: 5,718" in error


def test_what_does_not_count_is_reported(tmp_path, capsys):
    joints = np.random.default_rng(0).uniform(10, 90, (16, 2))
    fields = {"center": [40, 30], "scale": 0.3, "joints": joints.tolist()}
    people = [{"image": f"{row}.jpg", **fields} for row in range(3)]
    (tmp_path / "valid.json").write_text(json.dumps([*people, {"image": "9.jpg"}]))
    ids = np.array([f"{row}.jpg#1" for row in range(5)])
    save_predictions(tmp_path / "p.npz", Predictions(np.tile(joints - 1, (5, 1, 1)), ids))
    result = evaluate(tmp_path / "p.npz", tmp_path / "valid.json", out=tmp_path / "e.json")
    error = capsys.readouterr().err
    assert result["persons"] == 3 and result["pckh"]["0.5"]["groups"]["Mean"] == 100
    assert "entry 3: no 'center'" in error and "2 predictions are of nobody in" in error


def test_two_sets_of_predictions_are_compared_in_pairs(shared, annotations, tmp_path, capsys):
    """Minus itself it is nothing; minus another, what two separate evaluations differ by, its interval about it."""
    newell, tompson = (shared / "mpii" / name for name in ("newell.h5", "tompson.h5"))
    ours, same, found = (
        evaluate(newell, annotations, *against, out=tmp_path / "e.json")
        for against in ((), ("--against", newell), ("--against", tompson))
    )
    theirs = evaluate(tompson, annotations, out=tmp_path / "e.json")
    assert f"minus {tompson}" in capsys.readouterr().out
    same, found = same["difference"], found["difference"]["pckh"]["0.5"]
    assert same["joint_error"]["image_px"] == 0 and same["pckh"]["0.5"]["interval"]["groups"]["Mean"] == [0, 0]
    apart = ours["pckh"]["0.5"]["groups"]["Mean"] - theirs["pckh"]["0.5"]["groups"]["Mean"]
    assert found["groups"]["Mean"] == pytest.approx(apart)
    low, high = found["interval"]["groups"]["Mean"]
    assert low < apart < high and high - low < 2


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A folder with a small release.mat, predictions of its test people, its others and a skeleton of its own."""
    folder, rng = tmp_path_factory.mktemp("release"), np.random.default_rng(0)
    joints = rng.uniform(100, 300, (6, 16, 2))
    people = People(
        [f"{row}.jpg" for row in range(6)], joints, center=np.full((6, 2), 200.0), scale=np.full(6, 1.5),
        head_size=np.full(6, 40.0), split=np.array(["valid"] * 3 + ["test"] * 3), scored=np.ones(6, bool),
    )  # fmt: skip
    write_mpii_mat(folder / "release.mat", people)
    parts = {split: people.select(people.split == split) for split in ("valid", "test")}
    skeleton = Skeleton(tuple(f"joint{index}" for index in range(16)), (-1, *range(15)))
    parts["bare"] = replace(parts["valid"], skeleton=skeleton)  # without sigmas
    for name, part in parts.items():
        save_people(folder / f"{name}-people.npz", part)
        save_predictions(folder / f"{name}.npz", Predictions(part.joints, part.person_ids, part.joint_names))
    return folder


@pytest.mark.parametrize(("name", "more", "says"), [
    ("bare", ["--oks"], "sigma"),
    ("valid", ["--against", "{}/none.npz"], "none.npz"),
    ("valid", ["--against", "{}/test.npz"], "no prediction"),
    ("valid", ["--angle-limits", "{}"], "jointAngleModel_v2.mat"),
    ("valid", ["--split", "train"], "--split train"),
], ids=lambda value: value[0] if isinstance(value, list) else "")  # fmt: skip
def test_what_cannot_be_scored_is_one_line_before_any_table(release, capsys, name, more, says):
    pytest.importorskip("hotcoco")
    files = ["--predictions", f"{release}/{name}.npz", "--annotations", f"{release}/{name}-people.npz"]
    assert main(["evaluate", *files, *(word.format(release) for word in more)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and says in said.err and said.err.count("\n") == 1


@pytest.mark.parametrize("command", [
    ["evaluate", "--predictions", "{}/valid.npz", "--annotations", "{}/valid-people.npz", "--intervals"],
    ["submit", "--annotations", "{}/release.mat", "--predictions", "{}/test.npz", "--out", "{}/submission.mat"],
], ids=lambda command: command[0])  # fmt: skip
def test_evaluate_and_submit_need_no_torch_and_draw_nothing(release, command):
    code = f"""import sys
from ief.cli import main
assert main({[word.format(release) for word in command]}) == 0
print(*sorted({{"torch", "torchvision", "matplotlib", "cv2", "jinja2"}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.fixture
def pair(tmp_path):
    """Annotations of three images of two people each, and predictions with scores: wrists exchanged, a wrong person's
    ankle, a filler; and a command that evaluates them.
    """
    rng = np.random.default_rng(0)
    joints = 200 + rng.permutation(6 * 16).reshape(6, 16, 1) * np.array([40.0, 0]) + np.array([0.0, 100])
    people = People(
        [f"{row // 2}.jpg" for row in range(6)], joints, center=np.full((6, 2), 200.0), scale=2.0,
        head_size=[20.0] * 5 + [np.nan], split=["valid"] * 5 + ["train"], visible=rng.integers(0, 2, (6, 16)),
    )  # fmt: skip
    save_people(tmp_path / "people.npz", people)
    ids, pred, scores = people.person_ids[:5], joints[:5].copy(), rng.random((5, 16))
    pred[0, [10, 15]] = joints[0, [15, 10]]
    pred[1, 0], pred[4, 5] = joints[0, 5], joints[5, 5]  # the latter of a person who is not scored
    pred[2, 3] += [0, 15]
    pred[:, 6] = 77
    save_predictions(tmp_path / "a.npz", Predictions(pred, ids, scores=scores))
    save_predictions(tmp_path / "b.npz", Predictions(joints[:5] + np.array([0, 3]), ids))
    files = [tmp_path / "a.npz", tmp_path / "people.npz", "--split", "valid"]
    return partial(evaluate, *files, out=tmp_path / "e.json"), tmp_path, scores


def test_people_are_written_as_a_row_per_joint(pair):
    command, folder, scores = pair
    tree = command("--people", folder / "people.csv")
    with open(folder / "people.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    held = {(row["person_id"], row["joint"]): row for row in rows}
    assert len(held) == len(rows) == 5 * 15  # without the filler
    kinds = {
        ("0.jpg#1", "r_wrist"): "inversion", ("0.jpg#1", "l_wrist"): "inversion", ("0.jpg#2", "r_ankle"): "swap",
        ("2.jpg#1", "l_ankle"): "swap", ("1.jpg#1", "l_hip"): "jitter",
    }  # fmt: skip
    assert {key: row["kind"] for key, row in held.items() if row["kind"] != "good"} == kinds
    wanted = {"image": "1.jpg", "error_px": "15.0", "correct": "0", "score": str(scores[2, 3].round(6))}
    assert wanted.items() <= held["1.jpg#1", "l_hip"].items() and held["1.jpg#1", "r_hip"]["correct"] == "1"
    counted = sum(name not in ("pelvis", "thorax") for _, name in held)
    for kind in ("inversion", "swap", "jitter"):
        share = 100 * list(kinds.values()).count(kind) / counted
        assert tree["kinds"][kind]["groups"]["Mean"] == pytest.approx(share)


def test_fillers_of_everybody_do_not_count_unless_kept(pair, capsys):
    tree, said = pair[0](), capsys.readouterr().err
    assert "pelvis" in said and "--keep-fillers" in said and "thorax" not in said
    kept = pair[0]("--keep-fillers")
    assert [each["counts"]["joint_error"]["per_joint"]["pelvis"] for each in (tree, kept)] == [0, 5]
    assert kept["joint_error"]["image_px"] > tree["joint_error"]["image_px"]
    assert "look like fillers" in capsys.readouterr().err


def test_both_sets_are_shown_joint_by_joint_and_written(pair, capsys):
    command, folder, _ = pair
    tree = command("--against", folder / "b.npz")
    said = capsys.readouterr().out
    assert said.count("l_wrist") == 3 and said.count("Inversion") == 3 and f"{folder / 'b.npz'}. Per joint" in said
    assert tree["against"]["kinds"]["inversion"]["groups"]["Mean"] == 0
    apart = tree["difference"]["kinds"]["inversion"]["groups"]["Mean"]
    assert apart == pytest.approx(tree["kinds"]["inversion"]["groups"]["Mean"]) and apart > 0
    assert tree["against"]["joint_error"]["image_px"] == pytest.approx(3)
