"""The whole line on skeletons that are not MPII's: annotations, crops, training, poses, scores, ONNX, the page."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)
from coco_files import coco_tree, write_tree
from commands import evaluate, read_report, run_ief
from other_people import draw_coco, draw_hands

from heads.skeleton import MPII
from ief import PosePredictor
from mpii_tools.annotations.people_file import load_people, save_people
from mpii_tools.annotations.read import read_annotations
from mpii_tools.people import People
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions
from mpii_tools.skeletons import SKELETONS

TRAIN, VALID = 48, 16
LIMBS = [f"{side}_{part}" for side in "rl" for part in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")]
FACE = ("nose", "l_eye", "r_eye", "l_ear", "r_ear")
TINY = ["--backbone", "tiny_resnet", "--weights", "none", "--batch-size", "16", "--lr", "0.05", "--device", "cpu"]


def prepare_and_train(folder, people, skeleton, *options):
    """Writes the people as COCO does, prepares them, and trains both stages; returns the run's folder and the data."""
    read = read_annotations(write_tree(folder / "all.json", coco_tree(people))).people
    assert read.skeleton == SKELETONS[skeleton]
    save_people(folder / "all.npz", replace(read, split=np.repeat(["train", "valid"], [TRAIN, VALID])))
    data, run = folder / "data", folder / "run"
    files = ["--annotations", folder / "all.npz", "--images", folder, "--out", data]
    run_ief("prepare", *files, "--skeleton", skeleton, "--size", "32")
    run_ief("train", "--data", data, "--run", run, "--epochs", "6", *TINY, *options)
    return run, data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "name", "metric", "group"),
    [(draw_coco, "coco17", "torso", "Shoulder"), (draw_hands, "hand21", "box", "Forefinger")],
)
def test_a_skeleton_goes_through_the_whole_line(tmp_path, capsys, draw, name, metric, group):
    skeleton, at = SKELETONS[name], "0.2" if metric == "torso" else "0.05"
    run, data = prepare_and_train(tmp_path, draw(tmp_path, TRAIN + VALID), name)
    said = capsys.readouterr().out
    assert f"PCK@{at}" in said and "PCKh" not in said
    metrics = json.loads((run / "metrics.json").read_text())
    assert [scores["metric"] for scores in metrics.values()] == [metric] * 3
    pck, errors = metrics["stage1"]["pck"][at], [tree["joint_error"]["image_px"] for tree in metrics.values()]
    assert tuple(pck["per_joint"]) == skeleton.names and group in pck["groups"]
    assert errors[2] < errors[0]  # learned, and not only the mean pose

    run_ief("predict", "--run", run, "--data", data, "--device", "cpu")
    poses = read_predictions(run / "predictions-valid.npz")
    assert poses.joint_names == skeleton.names and np.isfinite(poses.joints).all()
    capsys.readouterr()
    scores = evaluate(run / "predictions-valid.npz", data / "valid.npz", "--oks", out=tmp_path / "scores.json")
    assert scores["pck"][at]["groups"] == pytest.approx(pck["groups"])
    assert 0 <= scores["oks"]["values"]["AP"] <= 100 and scores["oks"]["area_by_box"] == 0
    said = capsys.readouterr().out
    assert "COCO's OKS" in said and "PCKh" not in said

    run_ief("export", "--run", run, "--out", tmp_path / "pose.onnx", "--input", "crops")
    exported, trained = (PosePredictor.load(path, device="cpu") for path in (tmp_path / "pose.onnx", run))
    assert exported.skeleton == trained.skeleton == skeleton
    found = exported.predict_split(load_prepared(data, "valid"))[0][-1]
    np.testing.assert_allclose(found, poses.joints, atol=0.05)

    out = tmp_path / "report"
    run_ief("report", run, "--data", data, "--images", tmp_path, "--out", out)
    text = read_report(out)
    for foreign in ("MPII", "PCKh", *(joint for joint in MPII.names if joint not in skeleton.names)):
        assert foreign not in text
        assert not re.search(rf"\b{foreign.replace('_', ' ')}\b", text) or foreign in ("l_wrist", "r_wrist")
    assert group[:3] in text and f"PCK@{at}" in text
    results = json.loads((out / "results.json").read_text())
    assert results["published"] == {} and results["runs"]["run"]["stages"]["stage1"]["metric"] == metric


@pytest.mark.slow
def test_joints_that_nobody_has_are_nan_in_predictions(tmp_path, capsys):
    """Not the crop's center, which looks like a prediction; COCO's file says 0 0 0 and the table nothing."""
    people = draw_coco(tmp_path, TRAIN + VALID)
    *ears, one_eye = map(people.skeleton.index, ("left_ear", "right_ear", "left_eye"))
    joints = people.joints.copy()
    joints[:, [*ears, one_eye]] = np.nan
    run, data = prepare_and_train(tmp_path, replace(people, joints=joints), "coco17")
    assert "left_ear, right_ear" in capsys.readouterr().out
    poses = read_predictions(run / "predictions-valid.npz").joints
    nowhere = np.isnan(poses).all(axis=(0, 2))
    assert np.flatnonzero(nowhere).tolist() == ears  # the other eye, mirrored, has taught this one
    assert np.isfinite(poses[:, ~nowhere]).all()
    assert load_people(data / "train.npz").unlabeled.nonzero()[0].tolist() == sorted([*ears, one_eye])

    images = [tmp_path / "000.png", tmp_path / "001.png"]
    run_ief("predict", "--run", run, "--out", tmp_path / "poses", "--device", "cpu", *images)
    first = json.loads((tmp_path / "poses" / "predictions-images.json").read_text())[0]["keypoints"]
    assert first[3 * ears[0] : 3 * ears[1] + 3] == [0] * 6 and all(first[:2])
    header, row, *_ = (tmp_path / "poses" / "predictions-images.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert cells["left_ear_x"] == cells["right_ear_y"] == "" and float(cells["nose_x"])

    run_ief("export", "--run", run, "--out", tmp_path / "pose.onnx", "--input", "crops")
    valid = load_prepared(data, "valid")
    exported = PosePredictor.load(tmp_path / "pose.onnx").predict_split(valid)[0][-1]
    np.testing.assert_allclose(exported, poses, atol=0.05)  # NaN where the run has NaN

    # Where the labels are there after all, the others are scored and the gap is said.
    save_people(tmp_path / "full.npz", replace(valid.people, joints=people.joints[TRAIN:]))
    scores = evaluate(run / "predictions-valid.npz", tmp_path / "full.npz", out=tmp_path / "scores.json")
    counts = scores["counts"]["joint_error"]["per_joint"]
    assert counts["left_ear"] == 0 < counts["nose"]
    assert "do not count: left_ear, right_ear" in capsys.readouterr().err
    run_ief("report", run, "--data", data, "--images", tmp_path, "--out", tmp_path / "report")


def test_people_of_mpii_and_coco_train_one_union(tmp_path):
    """Each supervises what it has labeled; a prediction has all that anybody has."""
    everybody = draw_coco(tmp_path, 32)
    coco, others, valid = (everybody.select(slice(*part)) for part in ((0, 12), (12, 24), (24, 32)))
    at = [SKELETONS["coco17"].index(f"{'right' if name[0] == 'r' else 'left'}_{name[2:]}") for name in LIMBS]
    joints = np.full((12, 16, 2), np.nan)
    joints[:, [MPII.index(name) for name in LIMBS]] = others.joints[:, at]
    joints[:, MPII.index("head_top")] = others.joints[:, 0] - [0, 9]
    mpii = People(others.images, joints, center=others.center, scale=others.scale, split="train")
    tree, data, run = write_tree(tmp_path / "coco.json", coco_tree(coco)), tmp_path / "data", tmp_path / "run"
    save_people(tmp_path / "mpii.npz", mpii)
    save_people(tmp_path / "valid.npz", valid)
    files = [f"train={tree}", f"train={tmp_path / 'mpii.npz'}", f"valid={tmp_path / 'valid.npz'}"]
    options = ["--images", tmp_path, "--out", data, "--size", "32", "--skeleton", "union"]
    run_ief("prepare", "--annotations", *files, *options)
    people, union = load_people(data / "train.npz"), SKELETONS["union"]
    assert people.skeleton == union and len(people) == 24
    known = people.annotated | people.derived
    here = {name: known[:, union.index(name)].mean() for name in union.names}
    assert here == {name: {"upper_neck": 0.0, "head_top": 0.5}.get(name, 0.5 if name in FACE else 1.0) for name in here}

    run_ief("train", "--data", data, "--run", run, "--epochs", "2", *TINY, "--stages", "1")
    assert (run / "people.png").exists()
    split, out = ["--split", "train"], tmp_path / "poses"
    run_ief("predict", "--run", run, "--data", data, *split, "--device", "cpu", "--out", out)
    poses = read_predictions(out / "predictions-train.npz")
    assert poses.joint_names == union.names
    for name in ("upper_neck", "nose"):  # nobody has the one, every second person the other
        assert np.isnan(poses.joints[:, union.index(name)]).all() == (name == "upper_neck")
    scores = evaluate(out / "predictions-train.npz", data, *split, out=tmp_path / "scores.json")
    assert scores["persons"] == 24
