"""COCO results and CSV: what is written comes back, and pycocotools ranks and scores it."""

import csv
import io
import json

import numpy as np
import pytest
from coco_files import coco_tree
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.people import People, box_squares, place_squares
from mpii_tools.results.coco import number_images, person_scores, to_coco, to_csv, write_coco, write_csv
from mpii_tools.results.predictions import Predictions, read_predictions

PEOPLE, IMAGES = 24, 9
SIGMAS = np.linspace(0.03, 0.1, 16)


@pytest.fixture(scope="module")
def crowd():
    """Joints (N, K, 2) of several people per image, which are annotated, image names and boxes."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(80, 900, (PEOPLE, 1, 2)) + rng.normal(0, 40, (PEOPLE, 16, 2))
    annotated = rng.random((PEOPLE, 16)) < 0.8
    images = [f"street {row % IMAGES}.jpg" for row in range(PEOPLE)]
    return joints, annotated, images, np.concatenate([joints.min(axis=1), joints.max(axis=1)], axis=1)


def predictions(joints, images, **columns):
    """Predictions of people of images, each called by its row."""
    ids = np.array([f"{name}#{row}" for row, name in enumerate(images)], dtype=np.str_)
    names = MPII.names[: joints.shape[1]]
    return Predictions(joints, ids, names, images=np.array(images, dtype=np.str_), **columns)


def coco_ground_truth(joints, annotated, images, boxes):
    """The same people as COCO has its ground truth."""
    squares = place_squares(*box_squares(boxes))
    truth = COCO()
    truth.dataset = coco_tree(People(images, np.where(annotated[..., None], joints, np.nan), None, *squares))
    truth.createIndex()
    return truth, {image["file_name"]: image["id"] for image in truth.dataset["images"]}


def average_precision(path, truth):
    """AP of a results file by pycocotools."""
    judge = COCOeval(truth, truth.loadRes(str(path)), "keypoints")
    judge.params.kpt_oks_sigmas = SIGMAS
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.stats[0]


def test_pycocotools_scores_what_is_written(tmp_path, crowd):
    joints, _, images, boxes = crowd
    truth, ids = coco_ground_truth(*crowd)
    rng = np.random.default_rng(1)
    spread = rng.uniform(0, 40, PEOPLE)  # px: some people are placed well, others badly
    shifted = joints + rng.normal(0, 1, joints.shape) * spread[:, None, None]
    good = np.clip(1 - spread / 50, 0.01, 1)[:, None] * np.ones((1, 16))  # scores that know how well
    ap = {}
    for name, people in {
        "perfect": predictions(joints, images),
        "unranked": predictions(shifted, images, boxes=boxes),
        "ranked": predictions(shifted, images, scores=good, boxes=boxes),
        "ranked wrongly": predictions(shifted, images, scores=1 - good),
    }.items():
        ap[name] = average_precision(write_coco(tmp_path / f"{name}.json", people, image_ids=ids), truth)
    assert ap["perfect"] == pytest.approx(1)
    assert 0 < ap["ranked wrongly"] < ap["unranked"] < ap["ranked"] < 0.95


@pytest.mark.parametrize("dimensions", [2, 3])
def test_coco_results_come_back(tmp_path, crowd, dimensions):
    joints, _, images, boxes = crowd
    joints = np.dstack([joints, np.ones((PEOPLE, 16, 1))])[..., :dimensions]
    rng = np.random.default_rng(2)
    scores, box_scores = rng.random((PEOPLE, 16)), rng.random(PEOPLE)
    scores[3, 5] = scores[4] = np.nan
    people = predictions(joints, images, scores=scores, boxes=boxes, box_scores=box_scores)
    path = write_coco(tmp_path / "r.json", people)
    back = json.loads(path.read_text(encoding="utf-8"))
    assert len(back) == PEOPLE and [person["file_name"] for person in back] == images
    assert all(set(p) == {"image_id", "file_name", "category_id", "keypoints", "bbox", "score"} for p in back)
    keypoints = np.array([person["keypoints"] for person in back]).reshape(PEOPLE, 16, 3)
    np.testing.assert_allclose(keypoints[..., :2], joints[..., :2], atol=5.1e-4)
    np.testing.assert_allclose(keypoints[..., 2], np.where(np.isnan(scores), 2, scores), atol=5.1e-7)
    sides = np.array([person["bbox"] for person in back])
    np.testing.assert_allclose(sides[:, :2] + sides[:, 2:], boxes[:, 2:], atol=2e-3)
    of_joints = [1.0 if np.isnan(row).all() else np.nanmean(row) for row in scores]
    assert [person["score"] for person in back] == pytest.approx(box_scores * of_joints, abs=1e-6)
    assert {person["image_id"] for person in back} == set(range(1, IMAGES + 1))
    np.testing.assert_allclose(read_predictions(path).scores, scores, atol=5.1e-7)


def test_without_scores_people_are_ranked_alike(crowd):
    joints, _, images, _ = crowd
    assert {(person["score"], "bbox" in person) for person in to_coco(predictions(joints, images))} == {(1.0, False)}
    assert all(np.isnan(person_scores(scores, None, 3)).all() for scores in (None, np.full((3, 2), np.nan)))
    assert to_coco(predictions(np.zeros((0, 16, 2)), [])) == []


@pytest.mark.parametrize("known", ["none", "some", "all"])
def test_joints_are_seen_by_what_draws_and_come_back(tmp_path, crowd, known):
    """A joint is drawn where v is above 0; a score is what was one, and nothing else."""
    joints, _, images, boxes = crowd
    joints = joints.copy()
    joints[:, 6], joints[0, 3] = np.nan, 0  # nobody had it in training; and a place like others
    scores = np.random.default_rng(5).uniform(0.1, 1, (PEOPLE, 16)).round(6)
    scores[:, 6] = np.nan
    if known == "some":
        scores[::2, ::3] = np.nan
    people = predictions(joints, images, scores=None if known == "none" else scores, boxes=boxes)
    path = write_coco(tmp_path / "r.json", people)
    marked = np.array([person["keypoints"] for person in json.loads(path.read_text())]).reshape(PEOPLE, 16, 3)
    assert ((marked[..., 2] > 0) == (np.arange(16) != 6)).all() and (marked[:, 6] == 0).all()
    back = read_predictions(path)
    np.testing.assert_allclose(back.joints, joints, atol=5.1e-4)
    assert back.scores is None if known == "none" else np.array_equal(back.scores, scores, equal_nan=True)


@pytest.mark.parametrize(("values", "expected"), [
    ([1, 1, 1], None),  # what COCO advises
    ([2, 1, 0], None),  # flags of annotations
    ([2.0, 1.0, 0.0], None),
    ([0.0, 0.0, 0.0], None),  # our own files of earlier versions
    ([1.0, 1.0, 1.0], [1, 1, 1]),  # AlphaPose's
    ([1, 0.5, 0], [1, 0.5, 0]),
    ([0.9, 2, 0.0], [0.9, np.nan, 0]),
    ([0.9, 3.5, 0.2], None),  # a heatmap's
])  # fmt: skip
def test_flags_are_no_scores(tmp_path, values, expected):
    keypoints = [number for row, value in enumerate(values) for number in (10 + row, 20, value)]
    (tmp_path / "r.json").write_text(json.dumps([{"image_id": 1, "keypoints": keypoints}]))
    found = read_predictions(tmp_path / "r.json", ("a", "b", "c")).scores
    assert found is None if expected is None else np.array_equal(found[0], expected, equal_nan=True)


def test_images_that_are_numbers_keep_them():
    known = {"000000000139.jpg": 139, "a/000000000285.png": 285}
    assert number_images(["000000000139.jpg", "a/000000000285.png", "000000000139.jpg"]) == known
    for names in (["a/7.jpg", "b/7.jpg"], ["7.jpg", "seven.jpg"], ["7.jpg", "\u0667.jpg"]):
        assert number_images(names) == {names[0]: 1, names[1]: 2}


def read_csv(path, names, parts):
    """The rows of a CSV, and of each its joints' parts (N, K, P), NaN where a cell is empty."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [[[float(row[f"{name}_{part}"] or "nan") for part in parts] for name in names] for row in rows]
    return rows, np.array(cells)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("known", [True, False])
def test_csv_comes_back(tmp_path, crowd, dimensions, known):
    joints, _, images, boxes = crowd
    joints = np.dstack([joints, -joints[..., :1]])[..., :dimensions]
    images = ['a, "b".jpg', "Łódź.png", *images[2:]]
    scores = np.random.default_rng(3).random((PEOPLE, 16))
    scores[0, 0] = np.nan
    points = np.random.default_rng(4).normal(0, 900, (PEOPLE, 16, 3))
    points[1] = np.nan  # of somebody whose camera is not known
    given = {"scores": scores, "boxes": boxes, "box_scores": np.linspace(0, 1, PEOPLE), "camera_joints": points}
    people, axes = predictions(joints, images, **(given if known else {})), "xyz"[:dimensions]
    parts = (*axes, "score", *(("X_mm", "Y_mm", "Z_mm") if known else ()))
    rows, back = read_csv(write_csv(tmp_path / "r.csv", people), MPII.names, parts)
    corners = ["x1", "y1", "x2", "y2"]
    columns = [f"{name}_{part}" for name in MPII.names for part in parts]
    assert list(rows[0]) == ["image", "person_id", *corners, "score", *columns]
    assert [(row["image"], row["person_id"]) for row in rows] == [*zip(images, people.person_ids.tolist(), strict=True)]
    np.testing.assert_allclose(back[..., :dimensions], joints, atol=5.1e-4)
    if not known:
        assert np.isnan(back[..., -1]).all() and {row[name] for row in rows for name in (*corners, "score")} == {""}
        return
    np.testing.assert_allclose(back[..., dimensions:], np.dstack([scores, points]), atol=5.1e-4)
    np.testing.assert_allclose([[float(row[name]) for name in corners] for row in rows], boxes, atol=5.1e-4)
    whole = given["box_scores"] * np.nanmean(scores, axis=1)
    np.testing.assert_allclose([float(row["score"]) for row in rows], whole, atol=1e-6)


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path):
    people = Predictions(np.zeros((1, 1, 2)), np.array(["1"]), ("nose",), images=np.array(["caf\udce9.jpg"]))
    assert r"caf\udce9.jpg" in write_csv(tmp_path / "r.csv", people).read_text(encoding="utf-8")
    assert json.loads(write_coco(tmp_path / "r.json", people).read_text("utf-8"))[0]["file_name"] == "caf\udce9.jpg"


def test_what_does_not_fit_is_named(tmp_path, crowd):
    joints, _, images, boxes = crowd
    lost, far = joints.copy(), boxes.copy()
    lost[7, 3], far[2] = np.nan, np.inf
    for points, names, columns, says in (
        (joints, images[1:], {}, r"person_ids of shape \(23,\)"), (joints[0], images, {}, "joints of shape"),
        (joints, images, {"scores": np.ones((PEOPLE, 3))}, r"scores of shape \(24, 3\)"),
        (joints, images, {"boxes": boxes[:, :3]}, r"boxes of shape \(24, 3\)"),
        (joints, images, {"box_scores": np.ones(3)}, r"box_scores of shape \(3,\)"),
        (lost, images, {}, "first row 7"), (joints, images, {"boxes": far}, "row 2 has a box"),
    ):  # fmt: skip
        with pytest.raises(PoseError, match=says):
            predictions(points, names, **columns)
    with pytest.raises(PoseError, match=r"image 'street 1\.jpg' has no image_id"):
        write_coco(tmp_path / "r.json", predictions(joints, images), image_ids={"street 0.jpg": 1})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "@SUM(1)", "-2+3", "+1", "\t=1", "\r=1"])
def test_no_cell_is_a_spreadsheets_formula(name):
    predictions = Predictions(np.ones((1, 16, 2)), np.array([name]), images=np.array([name]))
    (row,) = csv.reader(io.StringIO(to_csv(predictions, header=False).decode(), newline=""))
    assert row[0] == f"'{name}".replace("\r", "%r") and not row[1].startswith(name[0]) and row[7] == "1.0"
