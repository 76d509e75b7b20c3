"""What six programs' users label goes through every command: right joints, right sides, nothing of MPII."""

import json

import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)
from commands import evaluate, read_report, run_ief
from label_tools import LIMBS, PROGRAMS, draw_labeled

from heads.skeleton import COCO17, MPII
from ief import PosePredictor
from mpii_tools.annotations.read import read_annotations
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions

TINY = ["--backbone", "tiny_resnet", "--weights", "none", "--batch-size", "8", "--epochs", "2", "--device", "cpu"]


def prepare(folder, program, people):
    """Prepares what the program wrote, to `folder/data`."""
    arguments = PROGRAMS[program](folder, people)
    images = [] if program.startswith("YOLO") or program == "labelme" else ["--images", folder / "images"]
    run_ief("prepare", "--annotations", *arguments, *images, "--out", folder / "data", "--size", "32")


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_s_labels_are_the_drawn_people(tmp_path, capsys, program):
    people = draw_labeled(tmp_path, 6, 3)
    prepare(tmp_path, program, people)
    said = capsys.readouterr().out
    names, first = COCO17.names if program == "YOLO 17" else LIMBS, {"YOLO 12": 0, "CVAT numbers": 1}.get(program)
    called = {name: name if first is None else str(first + row) for row, name in enumerate(names)}
    places = [COCO17.index(name) for name in names]
    for split in ("train", "valid"):
        found, wanted = load_prepared(tmp_path / "data", split).people, people.select(people.split == split)
        joints, visible, skeleton = wanted.joints[:, places], wanted.visible[:, places], found.skeleton
        if program.startswith("CVAT"):  # the first one's first joint is outside
            joints[0, 0], visible[0, 0] = np.nan, -1
        order = [skeleton.index(called[name]) for name in names]
        np.testing.assert_allclose(found.joints[:, order], joints, atol=2e-3)
        if program != "Label Studio":  # which has no word for it
            np.testing.assert_array_equal(found.visible[:, order], visible)
        np.testing.assert_allclose(found.crop_center, wanted.crop_center, atol=1e-2)
        np.testing.assert_allclose(found.crop_side, 1.25 * 200 * wanted.scale, rtol=1e-3)
        pairs = {(skeleton.names[right], skeleton.names[left]) for right, left in skeleton.flip_pairs}
        limbs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        wanted_pairs = {(called[f"right_{limb}"], called[f"left_{limb}"]) for limb in limbs}
        assert pairs >= wanted_pairs if program != "CVAT numbers" else not pairs
        if program in ("CVAT", "labelme", "Label Studio"):
            assert dict(skeleton.derived) == {"pelvis": ("right_hip", "left_hip")} and skeleton.names[-1] == "pelvis"
            assert found.supervised[:, -1].all() and not found.annotated[:, -1].any()
    assert ("a mirrored image is not used" in said) == (program == "CVAT numbers")
    assert "people with each joint: " in said and "tree: root " in said and "bones: " in said
    assert (tmp_path / "data" / "skeleton.png").read_bytes().startswith(b"\x89PNG")
    edited = ["--skeleton", tmp_path / "data" / "skeleton.json", "--out", tmp_path / "again", "--size", "32"]
    run_ief("prepare", "--annotations", tmp_path / "data", "--images", tmp_path / "images", *edited)
    assert load_prepared(tmp_path / "again", "train").people.skeleton == found.skeleton


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_s_labels_go_through_every_command(tmp_path, program):
    prepare(tmp_path, program, draw_labeled(tmp_path, 24, 12))
    data, run, out = tmp_path / "data", tmp_path / "run", tmp_path / "report"
    skeleton = load_prepared(data, "valid").people.skeleton
    run_ief("train", "--data", data, "--run", run, *TINY)
    run_ief("predict", "--run", run, "--data", data, "--device", "cpu")
    poses = read_predictions(run / "predictions-valid.npz")
    assert poses.joint_names == skeleton.names and np.isfinite(poses.joints).all()
    options = ["--split", "valid", "--oks"]
    scores = evaluate(run / "predictions-valid.npz", data, *options, out=tmp_path / "scores.json")
    assert scores["metric"] == ("box" if {"0", "1"} & {*skeleton.names} else "torso")
    run_ief("export", "--run", run, "--out", tmp_path / "pose.onnx")
    assert PosePredictor.load(tmp_path / "pose.onnx").skeleton == skeleton
    run_ief("report", run, "--data", data, "--images", tmp_path / "images", "--out", out)
    text = read_report(out)
    for foreign in ("MPII", "PCKh", *({*MPII.names} - {*skeleton.names})):
        assert foreign not in text
    for name in skeleton.names:
        assert name in text or name.replace("_", " ") in text or name.partition("_")[2] in text


@pytest.mark.slow
def test_numbers_as_names_cost_the_mean_pose_nothing(tmp_path):
    """With the flips of the paper, which only the names have."""
    errors, people = [], draw_labeled(tmp_path, 120, 60)
    for program in ("CVAT", "CVAT numbers"):
        (folder := tmp_path / program).mkdir()
        files = ["--annotations", *PROGRAMS[program](folder, people), "--images", tmp_path / "images"]
        run_ief("prepare", *files, "--out", folder / "data", "--size", "64")
        options = ["--stages", "1", "--epochs", "1", "--batch-size", "16"]
        run_ief("train", "--data", folder / "data", "--run", folder / "run", *TINY, *options)
        metrics = json.loads((folder / "run" / "metrics.json").read_text())
        errors.append(metrics["mean_pose"]["joint_error"]["image_px"])
    assert errors[0] == pytest.approx(errors[1], abs=0.1)


def test_labels_that_are_damaged_cost_themselves_alone(tmp_path):
    """Each by its file and line."""
    PROGRAMS["YOLO 12"](tmp_path, draw_labeled(tmp_path, 8, 2))
    labels = sorted((tmp_path / "labels" / "train").glob("*.txt"))
    row = labels[0].read_text()
    labels[0].unlink()  # no label file
    labels[1].write_text("0 0.5 0.5 0.2 0.2\n")  # a box alone
    labels[2].write_text("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n")  # a segment
    labels[3].write_text(row.replace(row.split()[5], "1.2"))  # beyond the image
    labels[4].write_text(" ".join(str(float(word) * 500) for word in row.split()))  # pixels
    (tmp_path / "images" / "train" / f"{labels[5].stem}.png").write_bytes(b"")  # of size zero
    (tmp_path / "labels" / "train" / "nobody.txt").write_text(row)
    reading = read_annotations(tmp_path)
    (faults,) = reading.faults.values()
    named = {1: "a box without", 2: "9 columns", 4: "no shares", 5: "0 bytes"}
    for fault, (number, part) in zip(faults, named.items(), strict=True):
        assert fault.startswith(f"labels/train/{labels[number].name}:") and part in fault
    assert len(reading.people) == 8 + 2 - 5
    notes = {what[:12]: who for what, who in reading.notes.items()}
    assert notes["images witho"] == [f"images/train/{labels[0].stem}.png"]
    assert notes["people with "] == [f"labels/train/{labels[3].name}:1"]
    assert notes["label files "] == ["labels/train/nobody.txt"]
