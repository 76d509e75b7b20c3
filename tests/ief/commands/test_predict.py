import csv
import json
import os
import shutil
import signal
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from commands import run_ief, said_by
from pictures import smooth_image
from processes import IEF, start
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from untrained import save_run

from ief import PosePredictor
from ief.inference.outputs import JOURNAL
from mpii_tools.results.predictions import read_predictions

BROKEN = ("007.jpg", "050.jpg", "093.jpg")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return save_run(tmp_path_factory.mktemp("run"), likelihood=True)


@pytest.fixture(scope="module")
def hundred(tmp_path_factory):
    """100 images, three of them broken in three ways."""
    folder = tmp_path_factory.mktemp("hundred")
    for number in range(100):
        cv2.imwrite(str(folder / f"{number:03}.jpg"), smooth_image(64, 48, number, (5, 5)))
    cut = (folder / BROKEN[0]).read_bytes()[:300]
    for name, data in zip(BROKEN, (cut, b"", b"no image at all"), strict=True):
        (folder / name).write_bytes(data)
    return folder


def predict(*words, status=0):
    run_ief("predict", "--device", "cpu", *words, status=status)


def test_empty_text_is_no_input(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "empty text" in said_by("predict", "--run", run, "") and not list(tmp_path.iterdir())


def read_outputs(folder):
    """The predictions and COCO's results."""
    results = folder / "predictions-images.json"
    return read_predictions(results.with_suffix(".npz")), json.loads(results.read_text())


def test_three_broken_images_of_a_hundred_leave_97(run, hundred, tmp_path):
    error = said_by("predict", "--device", "cpu", "--run", run, hundred, "--out", tmp_path, status=3)
    assert "3 left out, everything else is written" in error and all(f"{name}: " in error for name in BROKEN)
    found, coco = read_outputs(tmp_path)
    whole = [f"{number:03}.jpg" for number in range(100) if f"{number:03}.jpg" not in BROKEN]
    assert found.person_ids.tolist() == [f"{name}#1" for name in whole]
    assert len(list(tmp_path.glob("*.pose.jpg"))) == 97 and not (tmp_path / JOURNAL).exists()
    with (tmp_path / "predictions-images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [entry["file_name"] for entry in coco] == [row["image"] for row in rows] == whole
    joints = np.reshape([entry["keypoints"] for entry in coco], (97, 16, 3))
    np.testing.assert_allclose(joints[..., :2], found.joints, atol=1e-3)
    np.testing.assert_allclose(joints[..., 2], found.scores, atol=1e-6)
    assert float(rows[5]["pelvis_y"]) == pytest.approx(found.joints[5, 6, 1], abs=1e-3)
    by_hand = PosePredictor.load(run, "cpu")(hundred / "003.jpg")
    np.testing.assert_allclose(found.joints[3], by_hand.joints[0], atol=1e-3)


def test_our_own_coco_results_are_boxes_too(run, hundred, tmp_path):
    good, again = [hundred / "001.jpg", hundred / "002.jpg"], tmp_path / "again"
    predict("--run", run, *good, "--out", tmp_path, "--draw", "1")
    assert len(list(tmp_path.glob("*.pose.jpg"))) == 1
    boxes = tmp_path / "predictions-images.json"
    predict("--run", run, *good, "--boxes", boxes, "--out", again, "--draw", "0")
    np.testing.assert_allclose(*(read_outputs(folder)[0].joints for folder in (tmp_path, again)), atol=1e-3)
    assert not list(again.glob("*.jpg"))


def count_images(monkeypatch):
    """How many images each prediction gives to the network."""
    counts, stream = [], PosePredictor.stream

    def counting(self, images, *options):
        counts.append(len(images))
        return stream(self, images, *options)

    monkeypatch.setattr(PosePredictor, "stream", counting)
    return counts


def test_a_killed_prediction_resumes_to_the_same_files(run, hundred, tmp_path, monkeypatch):
    """Killed by SIGKILL once some images are in the journal: what they hold is not predicted again."""
    words = ["--run", str(run), str(hundred), "--batch-size", "4"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    journal = killed / JOURNAL
    predict(*words, "--out", whole, status=3)
    process, deadline = start([*IEF, "predict", "--device", "cpu", *words, "--out", str(killed)]), time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > 30:
            process.kill()
            break
    process.communicate()
    if process.returncode != -signal.SIGKILL:  # a fast machine may have been done already
        pytest.skip("the prediction ended before it could be killed")
    kept = journal.read_bytes().count(b"\n") - 1
    with journal.open("ab") as file:
        file.write(b'\n{"key": "cut o')  # a line that the kill cut off
    (killed / ".099.jpg.pose.part1.jpg").write_bytes(b"a picture that it cut off")
    counts = count_images(monkeypatch)
    predict(*words, "--out", killed, status=3)
    assert 0 < counts.pop() <= 100 - kept and {*os.listdir(killed)} == {*os.listdir(whole)}
    first, second = (read_outputs(folder)[0] for folder in (killed, whole))
    assert first.person_ids.tolist() == second.person_ids.tolist()
    np.testing.assert_allclose(first.joints, second.joints, atol=1e-3)


def test_a_journal_of_other_weights_or_images_is_not_used(run, hundred, tmp_path, monkeypatch):
    image, counts = shutil.copy(hundred / "001.jpg", tmp_path), count_images(monkeypatch)
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # the journal stays, as a kill leaves it
    for options in ([], [], ["--flip"], []):
        predict("--run", run, image, "--out", tmp_path, *options)
    os.utime(image, ns=(1, 1))
    predict("--run", run, image, "--out", tmp_path)
    assert counts == [1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "change", ["[1]", "[" * 9999, {"left_out": 5}, {"joints": [1, 2]}, {"rows": ["x"]}, {"key": []}]
)
def test_a_line_of_a_journal_that_is_none_counts_for_nothing(run, hundred, tmp_path, monkeypatch, change):
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
    counts, words = count_images(monkeypatch), ["--run", run, hundred / "001.jpg", "--out", tmp_path]
    predict(*words)
    line = json.loads((tmp_path / JOURNAL).read_text())
    (tmp_path / JOURNAL).write_text(change if isinstance(change, str) else json.dumps({**line, **change}))
    predict(*words)
    assert counts == [1, 1]


def test_the_people_of_an_image_are_found_by_a_detector(run, hundred, tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    with torch.no_grad():  # untrained, but it takes most of what it sees for people
        for module in network.head.classification_head.modules():
            if isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                module.bias.view(-1, 91)[:, 1] += 5
    weights, detect = tmp_path / "detector.pth", ["--device", "cpu", "--run", run, hundred / "001.jpg", "--detect"]
    torch.save(network.state_dict(), weights)
    given = [*detect, "--detector-weights", weights]
    run_ief("predict", *given, "--min-score", "0", "--out", tmp_path / "all")
    _, found = read_outputs(tmp_path / "all")
    assert len(found) > 1 and len({tuple(person["bbox"]) for person in found}) == len(found)
    said = said_by("predict", *given, "--min-score", "1", "--out", tmp_path / "none")
    assert "001.jpg: the detector finds nobody in it" in said
    torch.save({"conv1.weight": torch.zeros(1)}, weights)
    assert "no weights of torchvision's ssdlite320_mobilenet_v3_large" in said_by("predict", *given)

    def offline(*_, **__):
        raise OSError("no network")

    for module in ("torch.hub", "torchvision.models._api"):
        monkeypatch.setattr(f"{module}.load_state_dict_from_url", offline)
    assert "(no network); give its --detector-weights" in said_by("predict", *detect)


def test_a_video_that_cannot_be_decoded_is_told(run, tmp_path):
    (tmp_path / "clip.avi").write_bytes(b"RIFF")
    inputs = [tmp_path / "clip.avi", tmp_path / "none.mov"]
    said = said_by("predict", "--run", run, *inputs, "--device", "cpu", "--out", tmp_path / "bad")
    assert "clip.avi: no video that OpenCV can decode" in said


def test_a_box_follows_the_previous_frames_pose(run):
    from ief.inference.boxes import follow_poses
    from ief.inference.video import predict_frames

    predictor = PosePredictor.load(run, "cpu")
    frames = [np.random.default_rng(number).integers(0, 255, (64, 96, 3), dtype=np.uint8) for number in range(4)]
    boxes = np.array([[10.0, 5, 50, 60], [40.0, 5, 90, 60]])
    found = [poses for _, poses in predict_frames(predictor, frames, "clip", boxes)]
    np.testing.assert_array_equal(found[0].boxes, boxes)
    for before, after in pairwise(found):
        np.testing.assert_allclose(after.boxes, follow_poses(before.joints, boxes, 96, 64))
        low, high = before.joints.min(axis=1) + 0.5, before.joints.max(axis=1) + 0.5
        kept = (after.boxes != boxes).any(axis=1)
        assert (after.boxes[kept, :2] <= low[kept]).all() and (after.boxes[kept, 2:] >= high[kept]).all()


@pytest.mark.parametrize(("boxes", "invented", "scores"), [
    ("", 2, [1.0, 1.0]), ("000.jpg 0 0 60 40\n001.jpg 5 5 50 40 0.5\n", 1, [1.0, 0.5]),
])  # fmt: skip
def test_coco_results_say_what_is_not_known(hundred, tmp_path, boxes, invented, scores):
    """Of a run without scores every joint is one that programs draw, and whose score is invented is counted."""
    run, out = save_run(tmp_path / "run"), tmp_path / "out"
    (tmp_path / "boxes.txt").write_text(boxes)
    words = ["--run", run, hundred / "000.jpg", hundred / "001.jpg", "--device", "cpu", "--out", out]
    error = said_by("predict", *words, *(["--boxes", tmp_path / "boxes.txt"] if boxes else []), status=0)
    assert error.count("\n") == 2 and f"{invented} of 2 people" in error
    exact, people = read_outputs(out)
    assert [person["score"] for person in people] == scores
    assert all(person["keypoints"][2::3] == [2.0] * 16 for person in people)
    found = read_predictions(out / "predictions-images.json")
    assert found.scores is None and exact.scores is None
    np.testing.assert_allclose(found.joints, exact.joints, atol=5.1e-4)
