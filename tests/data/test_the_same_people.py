"""One set of people in every form: the same joints, the same boxes, the same PCKh."""

import numpy as np
import pytest
from coco_files import coco_tree, hrnet_json, write_tree

from ief.reporting.scoring import score_poses
from mpii_tools.annotations.read import read_annotations


def as_hrnet_json(people, path):
    """The people as HRNet and mmpose write them: 1-based, -1 for what is missing."""
    return write_tree(path, hrnet_json(people))


def as_coco_json(people, path):
    """The people as COCO has them, with head boxes of their head sizes."""
    tree = coco_tree(people)
    for entry, size in zip(tree["annotations"], people.head_size.tolist(), strict=True):
        if np.isfinite(size):
            entry["headbox"] = [10, 20, 10 + 0.6 * size / 0.6, 20 + 0.8 * size / 0.6]
    return write_tree(path, tree)


def means(joints, people):
    """Mean PCKh at both thresholds."""
    scores = score_poses(joints, people)[2]
    return [scores[f"pckh@{threshold}"].overall.value for threshold in (0.5, 0.1)]


@pytest.mark.parametrize("write", [as_hrnet_json, as_coco_json])
@pytest.mark.parametrize(("source", "count"), [("mpii/valid_annolist.mat", 2958), ("lspet", 8000)])
def test_the_same_people_in_json(source, count, write, tmp_path, read_shared):
    gt = read_shared(source).people
    assert len(gt) == count
    gt = gt.select(np.arange(0, count, 8))
    again = read_annotations(write(gt, tmp_path / "valid.json")).people
    assert again.images.tolist() == gt.images.tolist()
    np.testing.assert_allclose(again.joints, gt.joints, atol=1e-9)
    np.testing.assert_allclose(again.crop_center, gt.crop_center, atol=1)
    np.testing.assert_allclose(again.crop_side, gt.crop_side, atol=1)
    if source == "lspet" and write is as_hrnet_json:  # which makes the head size from the scale, as MPII's is
        return
    joints = np.nan_to_num(gt.joints) + np.random.default_rng(0).normal(0, 6, gt.joints.shape)
    np.testing.assert_allclose(means(joints, again), means(joints, gt), atol=1e-3)
