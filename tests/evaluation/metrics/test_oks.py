"""OKS AP against its formula, and against what pycocotools prints for COCO's files."""

from dataclasses import replace

import numpy as np
import pytest

from checkpoints.errors import PoseError
from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.oks import oks_scores
from mpii_tools.skeletons import SKELETONS

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
    assert found.values["AR"] == pytest.approx(100 * np.mean(recall))
    # With the misses ranked last, precision is 1 up to that recall: the share of the 101 recall thresholds below it.
    points = [np.mean(np.linspace(0, 1, 101) <= share + 1e-9) for share in recall]
    assert found.values["AP"] == pytest.approx(100 * np.mean(points)) and 0 < found.values["AP"] < 100
    assert found.values["APM"] is None and found.values["APL"] == pytest.approx(found.values["AP"])
    assert (found.people, found.without_area, found.area_by_box) == (6, 0, 0)


def test_areas_that_are_not_known_come_from_the_box():
    gt = people()
    area = np.array([1e4, np.nan, np.nan, np.nan, 1e4, 1e4])
    gt = replace(gt, scale=np.array([1, 1, 1, np.nan, np.nan, 1]), size=None)
    found = oks_scores(gt.joints, gt, ["a.jpg"] * 6, area)
    assert (found.people, found.without_area, found.area_by_box) == (5, 1, 2)
    assert found.values["AP"] == pytest.approx(100)  # six in one image, each finds the own


def test_without_sigmas_or_anybody_to_score():
    gt = people()
    bare = replace(gt, skeleton=replace(COCO, sigmas=()))
    for wrong, says in ((bare, "a sigma per joint"), (replace(gt, scale=np.full(6, np.nan)), "nobody has")):
        with pytest.raises(PoseError, match=says):
            oks_scores(gt.joints, wrong, ["a.jpg"] * 6, np.full(6, np.nan))
