"""`ief evaluate` on real predictions: what it says on stderr, and that saying it changes no figure."""

import json

import numpy as np
import pytest

from ief.cli import main
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions


def evaluate(predictions, annotations, out, capsys):
    assert (
        main(["evaluate", "--predictions", str(predictions), "--annotations", str(annotations), "--json", str(out)])
        == 0
    )
    return json.loads(out.read_text()), capsys.readouterr().err


@pytest.mark.parametrize("slip", [1, -1])
def test_a_slip_of_one_pixel_is_said_and_scored_as_it_is(shared, tmp_path, capsys, slip):
    annotations = shared / "mpii" / "valid_annolist.mat"
    plain, silence = evaluate(shared / "mpii" / "newell.h5", annotations, tmp_path / "a.json", capsys)
    assert silence == ""
    assert plain["pckh"]["0.5"]["groups"]["Mean"] == pytest.approx(88.43, abs=0.01)
    joints = read_predictions(shared / "mpii" / "newell.h5").joints + slip
    save_predictions(tmp_path / "slipped.npz", Predictions(joints, read_annotations(annotations).people.person_ids))
    slipped, warning = evaluate(tmp_path / "slipped.npz", annotations, tmp_path / "b.json", capsys)
    assert warning.startswith("ief evaluate: warning: ") and warning.count("\n") == 1
    assert ("subtract 1" if slip > 0 else "add 1") in warning and "95 %" in warning
    assert slipped["joint_error"]["image_px"] != plain["joint_error"]["image_px"]


def test_what_does_not_count_is_said(tmp_path, capsys):
    draw = np.random.default_rng(0)
    joints = [[float(x), float(y)] for x, y in draw.uniform(10, 90, (16, 2))]
    people = [{"image": f"{row}.jpg", "center": [40, 30], "scale": 0.3, "joints": joints} for row in range(3)]
    (tmp_path / "valid.json").write_text(json.dumps([*people, {"image": "9.jpg"}]))
    ids = np.array([f"{row}.jpg#1" for row in range(5)])
    save_predictions(tmp_path / "p.npz", Predictions(np.tile(np.array(joints) - 1, (5, 1, 1)), ids))
    result, error = evaluate(tmp_path / "p.npz", tmp_path / "valid.json", tmp_path / "e.json", capsys)
    assert result["persons"] == 3 and result["pckh"]["0.5"]["groups"]["Mean"] == 100
    assert "entry 3: no 'center'" in error and "2 predictions are of nobody in" in error


def test_two_sets_of_predictions_are_compared_in_pairs(shared, tmp_path, capsys):
    """Less itself it is nothing; less another, what two separate evaluations differ by, its interval about it."""
    mpii, out = shared / "mpii", tmp_path / "e.json"
    truth = ["--annotations", str(mpii / "valid_annolist.mat"), "--json", str(out)]

    def difference(other):
        command = ["evaluate", "--predictions", str(mpii / "newell.h5"), "--against", str(mpii / other), *truth]
        assert main(command) == 0
        return json.loads(out.read_text())["difference"], capsys.readouterr().out

    same, _ = difference("newell.h5")
    assert same["joint_error"]["image_px"] == 0 and same["pckh"]["0.5"]["interval"]["groups"]["Mean"] == [0, 0]
    found, printed = difference("tompson.h5")
    assert "tompson.h5" in printed and "less" in printed
    means = []
    for name in ("newell.h5", "tompson.h5"):
        alone, _ = evaluate(mpii / name, mpii / "valid_annolist.mat", tmp_path / "alone.json", capsys)
        means.append(alone["pckh"]["0.5"]["groups"]["Mean"])
    assert found["pckh"]["0.5"]["groups"]["Mean"] == pytest.approx(means[0] - means[1])
    low, high = found["pckh"]["0.5"]["interval"]["groups"]["Mean"]
    assert low < means[0] - means[1] < high and high - low < 2
