"""Anybody's poses, corrected by the last stage: arrays and files, people of images and of a prepared split."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from commands import run_ief
from pictures import smooth_image
from untrained import save_run

from checkpoints.errors import PoseError
from ief import PosePredictor
from ief.cli import main
from ief.inference.boxes import box_matrices, pose_boxes
from ief.inference.stream import ImagePeople
from mpii_tools.crops import apply_affine, invert_affine
from mpii_tools.images.decode import cut_crops
from mpii_tools.prepared.read import load_prepared
from mpii_tools.results.predictions import Predictions, read_predictions, save_predictions

IMAGE = smooth_image(90, 70)
START = ("--limit", "inf", "--start")
BOXES = np.array([[10.0, 12, 60, 70], [20, 5, 85, 64.5]])


@pytest.fixture(scope="module")
def predictor(run):
    return PosePredictor.load(run, "cpu", batch_size=3, limit=np.inf)


def predict(capsys, *words, status=0):
    """What the command says on stderr."""
    run_ief("predict", "--device", "cpu", *words, status=status)
    return capsys.readouterr().err


def first_poses(predictor, image, boxes):
    """(P, K, 2) the poses of stage 0 in image pixels, by hand."""
    matrices = box_matrices(boxes, predictor.size)
    (crops,) = cut_crops(image, matrices, predictor.size, len(boxes))
    return apply_affine(invert_affine(matrices), predictor.network(crops)[0][1])


def test_its_own_first_pose_gives_its_own_second(predictor):
    wanted = predictor(IMAGE, BOXES).joints
    start = first_poses(predictor, IMAGE, BOXES)
    np.testing.assert_allclose(predictor.refine(IMAGE, start, BOXES).joints, wanted, atol=1e-3)
    start[0, 3], start[1, 5:] = np.nan, np.nan  # what nobody placed is its own
    np.testing.assert_allclose(predictor.refine(IMAGE, start, BOXES).joints, wanted, atol=1e-3)


def test_twice_is_once_and_once_more(predictor):
    start = first_poses(predictor, IMAGE, BOXES) + np.array([3.0, -2])
    once = predictor.refine(IMAGE, start, BOXES)
    assert np.abs(once.joints - predictor(IMAGE, BOXES).joints).max() > 0.1  # it looks at the pose
    again = predictor.refine(IMAGE, once, BOXES)
    np.testing.assert_allclose(predictor.refine(IMAGE, start, BOXES, times=2).joints, again.joints, atol=1e-3)
    around = predictor.refine(IMAGE, start)
    np.testing.assert_allclose(around.boxes, pose_boxes(start))


def test_a_limit_shortens_what_moves_further(predictor, run):
    start = first_poses(predictor, IMAGE, BOXES) + 2.0
    limited, least = PosePredictor.load(run, "cpu", limit=1 / 4), PosePredictor.load(run, "cpu")
    whole, moved = (each.refine(IMAGE, start, BOXES).joints - start for each in (predictor, limited))
    longest = 1.25 / 4 * (BOXES[:, 2:] - BOXES[:, :2]).max(axis=1)[:, None]
    lengths = np.linalg.norm(whole, axis=-1)
    assert (lengths > longest).any() and (lengths < longest).any()
    np.testing.assert_allclose(moved, whole * np.minimum(1, longest / lengths)[..., None], atol=1e-3)
    often = least.refine(IMAGE, start, BOXES, times=5).joints - start  # from where they were given, not each time
    assert (np.linalg.norm(often, axis=-1) < longest / 16 + 1e-3).all()
    for limit in (0, math.nan, "0.1", [0.1]):
        with pytest.raises(PoseError, match=r"limit .*: must be a number above 0"):
            PosePredictor.load(run, "cpu", limit=limit)


def test_given_and_own_poses_share_a_batch(predictor):
    start = first_poses(predictor, IMAGE, BOXES) + 2.0
    people = [ImagePeople(IMAGE, BOXES), ImagePeople(IMAGE, BOXES, start=start), ImagePeople(IMAGE, BOXES[:1])]
    first, second, third = (outcome.poses.joints for outcome in predictor.stream(people))
    np.testing.assert_allclose(first, predictor(IMAGE, BOXES).joints, atol=1e-3)
    np.testing.assert_allclose(second, predictor.refine(IMAGE, start, BOXES).joints, atol=1e-3)
    np.testing.assert_allclose(third, first[:1], atol=1e-3)


@pytest.mark.parametrize(("poses", "says"), [
    (np.zeros((2, 5, 2)), r"poses of shape \(2, 5, 2\); give \(P, 16, 2\)"),
    ("text", "no array of numbers"),
    (np.ma.masked_less(np.zeros((1, 16, 2)), 1), "masked numbers"),
    (np.full((1, 16, 2), np.nan), "person 1: .*not finite"),
])  # fmt: skip
def test_what_is_no_pose_is_a_line(predictor, poses, says):
    with pytest.raises(PoseError, match=says):
        predictor.refine(IMAGE, poses)


def test_one_stage_corrects_nobodys_pose(tmp_path):
    with pytest.raises(PoseError, match="corrects no given pose"):
        PosePredictor.load(save_run(tmp_path, 1), "cpu").refine(IMAGE, np.ones((1, 16, 2)))


def test_poses_of_files_place_their_people(predictor, run, tmp_path, capsys):
    """Of COCO's results and of an .npz with other names and another order of joints."""
    images = [tmp_path / f"{name}.png" for name in ("a", "b")]
    for path in images:
        cv2.imwrite(str(path), IMAGE[..., ::-1])
    start = np.round(first_poses(predictor, IMAGE, BOXES) + 1.0, 3)
    keypoints = np.dstack([start, np.full((2, 16), 0.5)]).reshape(2, -1).tolist()
    results = [{"file_name": "a.png", "category_id": 1, "keypoints": points, "score": 0.9} for points in keypoints]
    (tmp_path / "start.json").write_text(json.dumps(results))
    ids, names = np.array(["a.png#1", "a.png#2"]), predictor.skeleton.names[:0:-1]  # r_ankle is nobody's
    save_predictions(tmp_path / "start.npz", Predictions(start[:, :0:-1], ids, names))
    lacking = start.copy()
    lacking[:, 0] = np.nan
    for file, given in (("start.json", start), ("start.npz", lacking)):
        out = tmp_path / file.replace(".", "-")
        said = predict(capsys, "--run", run, *images, *START, tmp_path / file, "--out", out, status=3)
        assert "b.png" in said  # which has no pose to start from
        found = read_predictions(out / "predictions-images.npz").joints
        np.testing.assert_allclose(found, predictor.refine(IMAGE, given).joints, atol=2e-3)


def test_poses_of_a_split_are_matched_to_its_people(predictor, run, tiny_data, tmp_path, capsys):
    data = load_prepared(tiny_data, "valid")
    poses = predictor.predict_split(data)[0]
    theirs = Predictions(poses[1][::-1], data.people.person_ids[::-1])
    save_predictions(tmp_path / "theirs.npz", theirs)
    before = sorted(path.name for path in run.iterdir())
    words = ["--run", run, "--data", tiny_data, "--out", tmp_path / "out", *START]
    predict(capsys, *words, tmp_path / "theirs.npz")
    assert sorted(path.name for path in run.iterdir()) == before
    found = read_predictions(tmp_path / "out" / "predictions-valid.npz")
    np.testing.assert_allclose(found.joints, poses[2], atol=1e-2)
    wrong = replace(theirs, joint_names=tuple(f"joint {row}" for row in range(16)))
    save_predictions(tmp_path / "wrong.npz", wrong)
    assert "joint 0" in predict(capsys, *words, tmp_path / "wrong.npz", status=2)


def test_a_kept_head_is_said_to_look_elsewhere(tmp_path, capsys):
    run = save_run(tmp_path / "run", absolute=True)
    save_predictions(tmp_path / "a.npz", Predictions(np.ones((1, 16, 2)), np.array(["x.jpg#1"])))
    main([str(word) for word in ("predict", "--run", run, "--start", tmp_path / "a.npz", "--out", tmp_path / "out")])
    assert "--start-errors" in capsys.readouterr().err
