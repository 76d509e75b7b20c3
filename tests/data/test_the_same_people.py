"""One set of people in every form: the same joints, the same boxes, the same PCKh."""

import json

import numpy as np
import pytest
from coco_files import coco_tree, write_tree

from ief.reporting.scoring import score
from mpii_tools.annotations.read import read_annotations
from mpii_tools.results.matching import align
from mpii_tools.results.predictions import read_predictions


def as_hrnet_json(people, path):
    """The people as HRNet and mmpose write them: 1-based, -1 for what is missing."""
    rows = zip(people.images, people.center + 1, people.scale, people.joints + 1, people.annotated, strict=True)
    entries = [
        {"image": str(image), "center": center.tolist(), "scale": float(scale),
         "joints": np.where(known[:, None], joints, -1).tolist(), "joints_vis": known.astype(int).tolist()}
        for image, center, scale, joints, known in rows
    ]  # fmt: skip
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def as_coco_json(people, path):
    """The people as COCO has them, with head boxes of their head sizes."""
    tree = coco_tree(people)
    for entry, size in zip(tree["annotations"], people.head_size.tolist(), strict=True):
        if np.isfinite(size):
            entry["headbox"] = [10, 20, 10 + 0.6 * size / 0.6, 20 + 0.8 * size / 0.6]
    return write_tree(path, tree)


def means(joints, people):
    """Mean PCKh at both thresholds."""
    scores = score(joints, people)
    return [scores[f"pckh@{threshold}"].overall.value for threshold in (0.5, 0.1)]


@pytest.mark.parametrize(
    ("form", "apart", "pckh"),
    [
        (lambda people, folder, shared: as_hrnet_json(people, folder / "valid.json"), 1e-9, 1e-3),
        (lambda people, folder, shared: as_coco_json(people, folder / "valid.json"), 1e-9, 1e-3),
        (lambda people, folder, shared: shared / "mpii/detections_our_format.mat", 1e-4, 0.05),  # 13 joints are zeroed
        (lambda people, folder, shared: shared / "mpii/valid.h5", 1.0, 0.5),  # cut to integers
    ],
    ids=["HRNet's JSON", "COCO JSON", "gt_valid.mat", "Newell's .h5"],
)
def test_mpii_s_validation_people(form, apart, pckh, tmp_path, shared, read_shared):
    """Tolerances above 1e-3 are the file's own rounding (its README), not the reader's."""
    gt = read_shared("mpii/valid_annolist.mat").people
    again = read_annotations(form(gt, tmp_path, shared)).people
    assert again.images.tolist() == gt.images.tolist()
    same = np.isfinite(again.joints) == np.isfinite(gt.joints)
    assert (~same).sum() <= 26
    both = np.isfinite(again.joints) & np.isfinite(gt.joints)
    difference = np.abs(again.joints - gt.joints)[both]
    assert (difference > apart + 1e-9).sum() <= 26  # of 90,000 coordinates
    if np.isfinite(again.scale).any():
        np.testing.assert_allclose(again.crop_center, gt.crop_center, atol=1)
        np.testing.assert_allclose(again.crop_side, gt.crop_side, atol=1)
    joints = align(read_predictions(shared / "mpii/newell.h5"), gt).joints
    np.testing.assert_allclose(means(joints, again), means(joints, gt), atol=pckh)


@pytest.mark.parametrize("write", [as_hrnet_json, as_coco_json])
def test_lsp_extended(write, tmp_path, shared, read_shared):
    gt = read_shared("lspet").people
    again = read_annotations(write(gt, tmp_path / "valid.json")).people
    assert again.images.tolist() == gt.images.tolist() and len(gt) > 7900
    np.testing.assert_allclose(again.joints, gt.joints, atol=1e-9)
    np.testing.assert_allclose(again.crop_center, gt.crop_center, atol=1)
    np.testing.assert_allclose(again.crop_side, gt.crop_side, atol=1)
    if write is as_hrnet_json:  # which makes the head size from the scale, as MPII's is
        return
    noise = np.random.default_rng(0).normal(0, 6, gt.joints.shape)
    joints = np.nan_to_num(gt.joints) + noise
    np.testing.assert_allclose(means(joints, again), means(joints, gt), atol=1e-3)
