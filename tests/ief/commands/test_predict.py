import csv
import json
import os
import signal
import time
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from pictures import smooth_image
from processes import IEF, start
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from untrained import save_run

from ief import PosePredictor
from ief.cli import main
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
    first, second, third = (folder / name for name in BROKEN)
    first.write_bytes(first.read_bytes()[:300])
    second.write_bytes(b"")
    third.write_bytes(b"no image at all")
    return folder


def predict(*arguments):
    return main(["predict", "--device", "cpu", *map(str, arguments)])


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_empty_text_is_no_input(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predict("--run", run, "") == 2
    assert "empty text" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_three_broken_images_of_a_hundred_leave_97(run, hundred, tmp_path, capsys):
    assert predict("--run", run, hundred, "--out", tmp_path) == 3
    error = capsys.readouterr().err
    assert "3 left out, everything else is written" in error and all(f"{name}: " in error for name in BROKEN)
    found = read_predictions(tmp_path / "predictions-images.npz")
    whole = [f"{number:03}.jpg" for number in range(100) if f"{number:03}.jpg" not in BROKEN]
    assert found.person_ids.tolist() == [f"{name}#1" for name in whole]
    assert len(list(tmp_path.glob("*.pose.jpg"))) == 97
    coco = json.loads((tmp_path / "predictions-images.json").read_text())
    with (tmp_path / "predictions-images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [entry["file_name"] for entry in coco] == [row["image"] for row in rows] == whole
    joints = np.reshape([entry["keypoints"] for entry in coco], (97, 16, 3))
    np.testing.assert_allclose(joints[..., :2], found.joints, atol=1e-3)
    np.testing.assert_allclose(joints[..., 2], found.scores, atol=1e-6)
    assert float(rows[5]["pelvis_y"]) == pytest.approx(found.joints[5, 6, 1], abs=1e-3)
    predictor = PosePredictor.load(run, "cpu")
    np.testing.assert_allclose(found.joints[3], predictor(hundred / "003.jpg").joints[0], atol=1e-3)
    assert not (tmp_path / JOURNAL).exists()


def test_our_own_coco_results_are_boxes_too(run, hundred, tmp_path):
    good = [hundred / "001.jpg", hundred / "002.jpg"]
    assert predict("--run", run, *good, "--out", tmp_path, "--draw", "1") == 0
    assert len(list(tmp_path.glob("*.pose.jpg"))) == 1
    boxes = tmp_path / "predictions-images.json"
    assert predict("--run", run, *good, "--boxes", boxes, "--out", tmp_path / "again", "--draw", "0") == 0
    first, second = (read_predictions(folder / "predictions-images.npz") for folder in (tmp_path, tmp_path / "again"))
    np.testing.assert_allclose(first.joints, second.joints, atol=1e-3)
    assert not list((tmp_path / "again").glob("*.jpg"))


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
    arguments = ["--run", str(run), str(hundred), "--batch-size", "4", "--device", "cpu"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert predict(*arguments, "--out", whole) == 3
    process = start([*IEF, "predict", *arguments, "--out", str(killed)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (killed / JOURNAL).exists() and (killed / JOURNAL).read_bytes().count(b"\n") > 30:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    if process.returncode != -signal.SIGKILL:  # a fast machine may have been done already
        pytest.skip("the prediction ended before it could be killed")
    kept = (killed / JOURNAL).read_bytes().count(b"\n") - 1
    with (killed / JOURNAL).open("ab") as file:
        file.write(b'\n{"key": "cut o')  # a line that the kill cut off
    (killed / ".099.jpg.pose.part1.jpg").write_bytes(b"a picture that it cut off")
    counts = count_images(monkeypatch)
    assert predict(*arguments, "--out", killed) == 3
    assert 0 < counts.pop() <= 100 - kept
    ours, plain = files_of(killed), files_of(whole)
    assert ours.keys() == plain.keys()
    first, second = (read_predictions(folder / "predictions-images.npz") for folder in (killed, whole))
    assert first.person_ids.tolist() == second.person_ids.tolist()
    np.testing.assert_allclose(first.joints, second.joints, atol=1e-3)


def test_a_journal_of_other_weights_or_images_is_not_used(run, hundred, tmp_path, monkeypatch):
    image = tmp_path / "a.jpg"
    image.write_bytes((hundred / "001.jpg").read_bytes())
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # the journal stays, as a kill leaves it
    counts = count_images(monkeypatch)
    for expected, change in ((1, None), (0, None), (1, "flip"), (0, None), (1, "image")):
        if change == "image":
            os.utime(image, ns=(1, 1))
        assert predict("--run", run, image, "--out", tmp_path, *(["--flip"] if change == "flip" else [])) == 0
        assert counts.pop() == expected


@pytest.mark.parametrize(
    "change", ["[1]", "[" * 9999, {"left_out": 5}, {"joints": [1, 2]}, {"rows": ["x"]}, {"key": []}]
)
def test_a_line_of_a_journal_that_is_none_counts_for_nothing(run, hundred, tmp_path, monkeypatch, change):
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
    counts, command = count_images(monkeypatch), ["--run", run, hundred / "001.jpg", "--out", tmp_path]
    assert predict(*command) == 0
    line = json.loads((tmp_path / JOURNAL).read_text())
    (tmp_path / JOURNAL).write_text(change if isinstance(change, str) else json.dumps({**line, **change}))
    assert predict(*command) == 0 and counts == [1, 1]


def test_the_people_of_an_image_are_found_by_a_detector(run, hundred, tmp_path, capsys, monkeypatch):
    torch.manual_seed(0)
    network = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    with torch.no_grad():  # untrained, but it takes most of what it sees for people
        for module in network.head.classification_head.modules():
            if isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                module.bias.view(-1, 91)[:, 1] += 5
    weights = tmp_path / "detector.pth"
    torch.save(network.state_dict(), weights)
    image = hundred / "001.jpg"
    detect = ["--run", run, image, "--detect", "--detector-weights", weights]
    assert predict(*detect, "--min-score", "0", "--out", tmp_path / "all") == 0
    found = json.loads((tmp_path / "all" / "predictions-images.json").read_text())
    assert len(found) > 1 and len({tuple(person["bbox"]) for person in found}) == len(found)
    assert predict(*detect, "--min-score", "1", "--out", tmp_path / "none") == 2
    assert "001.jpg: the detector finds nobody in it" in capsys.readouterr().err
    torch.save({"conv1.weight": torch.zeros(1)}, weights)
    assert predict(*detect) == 2
    assert "no weights of torchvision's ssdlite320_mobilenet_v3_large" in capsys.readouterr().err

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    assert predict("--run", run, image, "--detect") == 2
    assert "(no network); give its --detector-weights" in capsys.readouterr().err


def test_a_video_that_cannot_be_decoded_is_told(run, tmp_path, capsys):
    (tmp_path / "clip.avi").write_bytes(b"RIFF")
    assert predict("--run", run, tmp_path / "clip.avi", tmp_path / "none.mov", "--out", tmp_path / "bad") == 2
    assert "clip.avi: no video that OpenCV can decode" in capsys.readouterr().err


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


@pytest.mark.parametrize("boxes", ["", "000.jpg 0 0 60 40\n001.jpg 5 5 50 40 0.5\n"])
def test_coco_results_say_what_is_not_known(hundred, tmp_path, capsys, boxes):
    """Of a run without scores every joint is one that programs draw, and whose score is invented is counted."""
    run = save_run(tmp_path / "run")
    (tmp_path / "boxes.txt").write_text(boxes)
    given = ["--boxes", tmp_path / "boxes.txt"] if boxes else []
    images = [hundred / "000.jpg", hundred / "001.jpg"]
    assert predict("--run", run, *images, *given, "--out", tmp_path / "out") == 0
    error = capsys.readouterr().err
    assert error.count("\n") == 2 and ("1 of 2 people" if boxes else "2 of 2 people") in error
    people = json.loads((tmp_path / "out" / "predictions-images.json").read_text())
    assert [person["score"] for person in people] == ([1.0, 0.5] if boxes else [1.0, 1.0])
    assert all(person["keypoints"][2::3] == [2.0] * 16 for person in people)
    found = read_predictions(tmp_path / "out" / "predictions-images.json")
    exact = read_predictions(tmp_path / "out" / "predictions-images.npz")
    assert found.scores is None and exact.scores is None
    np.testing.assert_allclose(found.joints, exact.joints, atol=5.1e-4)
