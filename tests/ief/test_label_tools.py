"""What six programs' users label goes through every command: right joints, right sides, nothing of MPII."""

import json
import re

import numpy as np
import pytest
import tiny_resnet  # noqa: F401  (a network of that name)
from label_tools import LIMBS, PROGRAMS, draw_labeled, write_cvat, write_cvat_numbers

from heads.skeleton import COCO17, MPII
from ief import PosePredictor
from ief.cli import main
from mpii_tools.annotations.read import read_annotations
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import read_predictions

TINY = ["--backbone", "tiny_resnet", "--weights", "none", "--batch-size", "8", "--epochs", "2", "--device", "cpu"]


def prepare(folder, program, people):
    """Prepares what the program wrote, to `folder/data`."""
    arguments = PROGRAMS[program](folder, people)
    images = [] if program.startswith("YOLO") or program == "labelme" else ["--images", str(folder / "images")]
    assert main(["prepare", "--annotations", *arguments, *images, "--out", str(folder / "data"), "--size", "32"]) == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_s_labels_are_the_drawn_people(tmp_path, capsys, program):
    people = draw_labeled(tmp_path, 6, 3)
    prepare(tmp_path, program, people)
    said = capsys.readouterr().out
    names = COCO17.names if program == "YOLO 17" else LIMBS
    for split in ("train", "valid"):
        found, wanted = load_prepared(tmp_path / "data", split).people, people.select(people.split == split)
        joints = wanted.joints[:, [COCO17.index(name) for name in names]].copy()
        visible = wanted.visible[:, [COCO17.index(name) for name in names]].copy()
        skeleton = found.skeleton
        if program.startswith("CVAT"):  # the first one's first joint is outside
            joints[0, 0], visible[0, 0] = np.nan, -1
        called = dict(zip(LIMBS, map(str, range(13)), strict=False)) if program == "YOLO 12" else {}
        called = {name: str(int(of) + 1) for name, of in zip(LIMBS, map(str, range(12)), strict=True)} if (
            program == "CVAT numbers") else called  # fmt: skip
        order = [skeleton.index(called.get(name, name)) for name in names]
        np.testing.assert_allclose(found.joints[:, order], joints, atol=2e-3)
        if program != "Label Studio":  # which has no word for it
            np.testing.assert_array_equal(found.visible[:, order], visible)
        np.testing.assert_allclose(found.crop_center, wanted.crop_center, atol=1e-2)
        np.testing.assert_allclose(found.crop_side, 1.25 * 200 * wanted.scale, rtol=1e-3)
        pairs = {(skeleton.names[right], skeleton.names[left]) for right, left in skeleton.flip_pairs}
        wanted_pairs = {(called.get(f"right_{part}", f"right_{part}"), called.get(f"left_{part}", f"left_{part}"))
                        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")}  # fmt: skip
        assert pairs >= wanted_pairs if program != "CVAT numbers" else not pairs
        if program in ("CVAT", "labelme", "Label Studio"):
            assert dict(skeleton.derived) == {"pelvis": ("right_hip", "left_hip")} and skeleton.names[-1] == "pelvis"
            assert found.supervised[:, -1].all() and not found.annotated[:, -1].any()
    assert ("a mirrored image is not used" in said) == (program == "CVAT numbers")
    assert "people with each joint: " in said and "tree: root " in said and "bones: " in said
    assert (tmp_path / "data" / "skeleton.png").read_bytes().startswith(b"\x89PNG")
    edited = ["--skeleton", str(tmp_path / "data" / "skeleton.json"), "--out", str(tmp_path / "again")]
    files = ["--annotations", str(tmp_path / "data"), "--images", str(tmp_path / "images"), "--size", "32"]
    assert main(["prepare", *files, *edited]) == 0
    assert load_prepared(tmp_path / "again", "train").people.skeleton == found.skeleton


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_s_labels_go_through_every_command(tmp_path, capsys, program):
    prepare(tmp_path, program, draw_labeled(tmp_path, 24, 12))
    data, run = str(tmp_path / "data"), tmp_path / "run"
    skeleton = load_prepared(data, "valid").people.skeleton
    assert main(["train", "--data", data, "--run", str(run), *TINY]) == 0
    assert main(["predict", "--run", str(run), "--data", data, "--device", "cpu"]) == 0
    poses = read_predictions(run / "predictions-valid.npz")
    assert poses.joint_names == skeleton.names and np.isfinite(poses.joints).all()
    files = ["--predictions", str(run / "predictions-valid.npz"), "--annotations", data, "--split", "valid"]
    assert main(["evaluate", *files, "--oks", "--json", str(tmp_path / "scores.json")]) == 0
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["metric"] == ("box" if {"0", "1"} & {*skeleton.names} else "torso")
    assert main(["export", "--run", str(run), "--out", str(tmp_path / "pose.onnx")]) == 0
    assert PosePredictor.load(tmp_path / "pose.onnx").skeleton == skeleton
    arguments = [str(run), "--data", data, "--images", str(tmp_path / "images"), "--out", str(tmp_path / "report")]
    capsys.readouterr()
    assert main(["report", *arguments]) == 0
    files = [tmp_path / "report" / "index.html", *(tmp_path / "report").glob("tables/*.md")]
    text = re.sub(r'src="data:[^"]*"', "", " ".join(path.read_text(encoding="utf-8") for path in files))
    for foreign in ("MPII", "PCKh", *({*MPII.names} - {*skeleton.names})):
        assert foreign not in text
    for name in skeleton.names:
        assert name in text or name.replace("_", " ") in text or name.partition("_")[2] in text


@pytest.mark.slow
def test_numbers_as_names_cost_the_mean_pose_nothing(tmp_path):
    """With the flips of the paper, which only the names have."""
    errors = []
    people = draw_labeled(tmp_path, 120, 60)
    for number, write in enumerate((write_cvat, write_cvat_numbers)):
        folder = tmp_path / str(number)
        folder.mkdir()
        files = ["--annotations", *write(folder, people), "--images", str(tmp_path / "images")]
        assert main(["prepare", *files, "--out", str(folder / "data"), "--size", "64"]) == 0
        options = ["--stages", "1", "--epochs", "1", "--batch-size", "16"]
        assert main(["train", "--data", str(folder / "data"), "--run", str(folder / "run"), *TINY, *options]) == 0
        metrics = json.loads((folder / "run" / "metrics.json").read_text())
        errors.append(metrics["mean_pose"]["joint_error"]["image_px"])
    assert errors[0] == pytest.approx(errors[1], abs=0.1)


def test_labels_that_are_damaged_cost_themselves_alone(tmp_path, capsys):
    """Everything that the issue names, by file and line."""
    people = draw_labeled(tmp_path, 8, 2)
    PROGRAMS["YOLO 12"](tmp_path, people)
    labels = sorted((tmp_path / "labels" / "train").glob("*.txt"))
    row = labels[0].read_text()
    labels[0].unlink()  # no label file
    labels[1].write_text("0 0.5 0.5 0.2 0.2\n")  # a box alone
    labels[2].write_text("0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n")  # a segment
    labels[3].write_text(row.replace(row.split()[5], "1.2"))  # beyond the image
    labels[4].write_text(" ".join(str(float(word) * 500) for word in row.split()))  # pixels
    image = tmp_path / "images" / "train" / f"{labels[5].stem}.png"
    image.write_bytes(b"")  # of size zero
    (tmp_path / "labels" / "train" / "nobody.txt").write_text(row)
    reading = read_annotations(tmp_path)
    assert len(reading.people) == 8 + 2 - 5
    (faults,) = reading.faults.values()
    named = [f"labels/train/{labels[number].name}" for number in (1, 2, 4, 5)]
    assert [fault.partition(": ")[0].rpartition(":")[0] for fault in faults] == named
    for fault, part in zip(faults, ("a box without", "9 columns", "no shares", "0 bytes"), strict=True):
        assert part in fault
    notes = {what[:12]: who for what, who in reading.notes.items()}
    assert notes["images witho"] == [f"images/train/{labels[0].stem}.png"]
    assert notes["people with "] == [f"labels/train/{labels[3].name}:1"]
    assert notes["label files "] == ["labels/train/nobody.txt"]
