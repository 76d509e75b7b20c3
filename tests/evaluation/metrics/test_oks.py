"""OKS AP against its formula, and against what pycocotools prints for COCO's files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from coco_files import write_tree
from detected import draw_detections, judge

from checkpoints.errors import PoseError
from evaluation.metrics.bootstrap import Bootstrap
from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.oks import oks_scores
from ief.cli import main
from ief.reporting.scoring import score_coco
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.predictions import read_predictions
from mpii_tools.skeletons import SKELETONS

pytest.importorskip("hotcoco")
pytest.importorskip("pycocotools")
COCO = SKELETONS["coco17"]


def people(count=6):
    joints = np.random.default_rng(0).uniform(0, 200, (count, 17, 2))
    return GroundTruth(joints, scale=np.full(count, 1.0), skeleton=COCO)


def similarity(pred, gt, area):
    """OKS of each person with the own ground truth, by COCO's page."""
    squared = ((pred - gt.joints) ** 2).sum(axis=-1)
    terms = np.exp(-squared / (2 * area[:, None] * (2 * np.array(COCO.sigmas)) ** 2))
    return np.where(gt.annotated, terms, 0).sum(axis=1) / gt.annotated.sum(axis=1)


def test_ap_is_the_share_of_people_that_pass_ten_thresholds():
    """One person per image, all ranked alike: precision is 1 - misses, up to a recall of its own."""
    gt, area = people(), np.full(6, 150.0**2)
    pred = gt.joints + np.linspace(0, 40, 6)[:, None, None]
    oks = similarity(pred, gt, area)
    images = [f"{row}.jpg" for row in range(6)]
    found = oks_scores(pred, gt, images, area, scores=oks)  # ranked by quality: no miss first
    recall = [np.mean(oks >= threshold) for threshold in np.arange(0.5, 0.96, 0.05)]
    assert found.scores["AR"].value == pytest.approx(100 * np.mean(recall))
    # With the misses ranked last, precision is 1 up to that recall: the share of the 101 recall thresholds below it.
    points = [np.mean(np.linspace(0, 1, 101) <= share + 1e-9) for share in recall]
    assert found.scores["AP"].value == pytest.approx(100 * np.mean(points)) and 0 < found.scores["AP"].value < 100
    assert found.scores["APM"].value is None and found.scores["APL"].value == pytest.approx(found.scores["AP"].value)
    assert (found.people, found.without_area, found.area_by_box) == (6, 0, 0)


def test_areas_that_are_not_known_come_from_the_box():
    gt = people()
    area = np.array([1e4, np.nan, np.nan, np.nan, 1e4, 1e4])
    gt = replace(gt, scale=np.array([1, 1, 1, np.nan, np.nan, 1]), size=None)
    found = oks_scores(gt.joints, gt, ["a.jpg"] * 6, area)
    assert (found.people, found.without_area, found.area_by_box) == (5, 1, 2)
    assert found.scores["AP"].value == pytest.approx(100)  # six in one image, each finds the own


def test_without_sigmas_or_anybody_to_score():
    gt = people()
    bare = replace(gt, skeleton=replace(COCO, sigmas=()))
    for wrong, says in ((bare, "a sigma per joint"), (replace(gt, scale=np.full(6, np.nan)), "nobody has")):
        with pytest.raises(PoseError, match=says):
            oks_scores(gt.joints, wrong, ["a.jpg"] * 6, np.full(6, np.nan))


@pytest.fixture
def files(tmp_path):
    """A tree, results, and the two as files."""
    tree, poses = draw_detections(60)
    tree["images"].sort(key=lambda image: image["id"])  # as COCOeval has them
    annotations, results = write_tree(tmp_path / "gt.json", tree), write_tree(tmp_path / "dt.json", poses)
    return tree, poses, annotations, results


def test_noisy_detections_score_as_by_pycocotools(files):
    """Crowds, people without a joint, images without people, equal scores."""
    tree, poses, annotations, results = files
    kinds = [(one["iscrowd"], one["num_keypoints"] > 0) for one in tree["annotations"]]
    assert len(set(kinds)) == 4 and len({one["image_id"] for one in tree["annotations"]}) < 60
    scored = score_coco(read_predictions(results, COCO.names), None, read_annotations(annotations), intervals=False)
    np.testing.assert_allclose(scored.samples[0], 100 * judge(tree, poses), rtol=0, atol=1e-12)
    alone = [one for one, kind in zip(tree["annotations"], kinds, strict=True) if kind == (0, True)]
    assert abs(judge({**tree, "annotations": alone}, poses) - judge(tree, poses)).max() > 0.01  # crowds matter here


def test_a_resample_scores_its_images_as_often_as_drawn(files):
    """Without ties, which several copies of an image break in an order of their own."""
    tree, poses, annotations, results = files
    poses = [{**one, "score": (one["score"] + at / 1e4) / 2} for at, one in enumerate(poses)]
    write_tree(results, poses)
    read, reading = read_predictions(results, COCO.names), read_annotations(annotations)
    images = [image["file_name"] for image in tree["images"]]
    scored = oks_scores(
        read.joints, GroundTruth(reading.people.joints, skeleton=COCO), reading.people.images, reading.people.area,
        read.box_scores, [f"{int(one):05d}.jpg" for one in read.images], all_images=images, exempt=reading.exempt,
        bootstrap=Bootstrap(resamples=4, seed=1),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for row in scored.samples[1:]:
        drawn = np.repeat([image["id"] for image in tree["images"]], rng.multinomial(60, np.full(60, 1 / 60)))
        np.testing.assert_allclose(row, 100 * judge(tree, poses, drawn.tolist()), rtol=0, atol=1e-12)


def test_two_detectors_are_compared_on_the_same_images(files, tmp_path, capsys):
    tree, poses, annotations, results = files
    rng, out = np.random.default_rng(0), tmp_path / "out.json"
    worse = [{**one, "keypoints": (np.array(one["keypoints"]) + rng.normal(0, 4, 51)).tolist()} for one in poses]
    other = write_tree(tmp_path / "worse.json", worse)
    command = f"evaluate --annotations {annotations} --oks --json {out} --predictions {results} --against".split()
    for against, wanted in ((other, lambda low, high: low > 0), (results, lambda low, high: low == high == 0)):
        assert main([*command, str(against)]) == 0
        said, tree = capsys.readouterr().out, json.loads(out.read_text())
        values, difference = tree["oks"]["values"], tree["difference"]["oks"]["values"]
        assert wanted(*difference["interval"]["AP"]) and f"minus {against}" in said
        low, high = values["interval"]["AP"]
        assert 0 < low < values["AP"] < high < 100 and difference["AP"] <= high - low
