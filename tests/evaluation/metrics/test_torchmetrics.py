"""The classes of torchmetrics are the functions to the last digit: in batches, on two ranks, and of one alone."""

import numpy as np
import pytest
from detected import draw_detections

from evaluation import GroundTruth, mpjpe, oks_scores, p_mpjpe, pckh
from evaluation.metrics.conventions import BOX, TORSO
from heads.skeleton import COCO17

pytest.importorskip("torchmetrics")
import torch
from two_ranks import compute_on_rank

from evaluation.metrics import torchmetrics

PEOPLE = 37


@pytest.fixture(scope="module")
def drawn():
    """name -> class, options, batches, and the function's value."""
    rng = np.random.default_rng(0)
    true = rng.uniform(1, 400, (PEOPLE, 16, 2))
    true[rng.uniform(size=true.shape[:2]) < 0.2] = np.nan
    pred, size = np.nan_to_num(true) + rng.normal(0, 20, true.shape), rng.uniform(20, 60, PEOPLE)
    size[3] = np.nan
    deep = rng.normal(0, 300, (PEOPLE, 16, 3))
    near = deep + rng.normal(0, 40, deep.shape)
    deep[rng.uniform(size=deep.shape[:2]) < 0.1] = np.nan
    parts = np.split(np.arange(PEOPLE), [5, 6, 20])

    def batch(*arrays):
        return [tuple(torch.from_numpy(each[rows]) for each in arrays) for rows in parts]

    torso, boxed = GroundTruth(true, measure=TORSO), GroundTruth(true, measure=BOX, size=4 * size)
    options = {"convention": "pytorch-pose"}
    found, tree = draw_images()
    return {
        "PCKh": ("PCKh", {}, batch(pred, true, size), pckh(pred, GroundTruth(true, size)).mean_pckh.value),
        "strict": ("PCKh", {"threshold": 0.1, **options}, batch(pred, true, size),
                   pckh(pred, GroundTruth(true, size), thresholds=[0.1], **options)["pckh@0.1"].overall.value),
        "torso": ("PCK", {}, batch(pred, true), pckh(pred, torso).mean_pckh.value),
        "box": ("PCK", {"measure": "box"}, batch(pred, true, 4 * size), pckh(pred, boxed).mean_pckh.value),
        "MPJPE": ("MPJPE", {}, batch(near, deep), mpjpe(near, deep)),
        "here": ("MPJPE", {"root": None}, batch(near, deep), mpjpe(near, deep, root=None)),
        "PAMPJPE": ("PAMPJPE", {}, batch(near, deep), p_mpjpe(near, deep)),
        "scaled": ("PAMPJPE", {"scale": True}, batch(near, deep), p_mpjpe(near, deep, scale=True)),
        "OKS": ("OKS", {}, found, tree),
    }  # fmt: skip


def draw_images():
    """Batches of a detector's images, and what `oks_scores` gives of all of them."""
    pytest.importorskip("pycocotools")
    tree, results = draw_detections(24)
    images = sorted(image["id"] for image in tree["images"])
    names, preds, target, people = [str(image) for image in images], [], [], []
    for image in images:
        poses = [one for one in results if one["image_id"] == image]
        here = [one for one in tree["annotations"] if one["image_id"] == image]
        points = np.array([one["keypoints"] for one in here]).reshape(-1, 17, 3)
        joints = np.where(points[..., 2:] > 0, points[..., :2], np.nan)
        preds.append({"keypoints": torch.tensor([one["keypoints"] for one in poses]).reshape(-1, 17, 3)[..., :2],
                      "scores": torch.tensor([one["score"] for one in poses], dtype=torch.float64)})  # fmt: skip
        target.append({
            "keypoints": torch.from_numpy(joints), "area": torch.tensor([one["area"] for one in here]),
            "iscrowd": torch.tensor([one["iscrowd"] for one in here]),
            "boxes": torch.tensor([one["bbox"] for one in here]).reshape(-1, 4),
        })  # fmt: skip
        people += [(str(image), *each) for each in zip(joints, here, strict=True)]
    scored = [one for one in people if not one[2]["iscrowd"] and one[2]["num_keypoints"]]
    exempt = [{**entry, "image": image} for image, _, entry in people if entry["iscrowd"] or not entry["num_keypoints"]]
    assert len(scored) > 10 and len(exempt) > 3
    gt = GroundTruth(np.array([joints for _, joints, _ in scored]), skeleton=COCO17)
    pred = np.concatenate([one["keypoints"].double().numpy() for one in preds])
    of_poses = np.repeat(names, [len(one["scores"]) for one in preds])
    area = np.array([entry["area"] for *_, entry in scored], dtype=np.float32).astype(float)
    ranks = np.concatenate([one["scores"].numpy() for one in preds])
    exempt = [{**one, "area": float(np.float32(one["area"]))} for one in exempt]
    oks = oks_scores(pred, gt, [one[0] for one in scored], area, ranks, of_poses, all_images=names, exempt=exempt)
    return [(preds[:7], target[:7]), (preds[7:9], target[7:9]), (preds[9:], target[9:])], oks.values


def plain(value):
    return {name: each.item() for name, each in value.items()} if isinstance(value, dict) else value.item()


def equal(value, wanted):
    """Every digit, in float64."""
    values = value.values() if isinstance(value, dict) else [value]
    return plain(value) == wanted and {each.dtype for each in values} == {torch.float64}


@pytest.mark.parametrize("name", ["PCKh", "strict", "torso", "box", "MPJPE", "here", "PAMPJPE", "scaled", "OKS"])
def test_batches_give_the_function(drawn, name):
    kind, options, batches, wanted = drawn[name]
    metric = getattr(torchmetrics, kind)(**options)
    for _ in range(2):  # as new after a reset
        for batch in batches:
            metric.update(*batch)
        assert equal(metric.compute(), wanted)
        metric.reset()
    first, second = (getattr(torchmetrics, kind)(**options) for _ in range(2))
    first.update(*batches[0])
    assert equal(first.compute(), plain(second(*batches[0])))  # `forward`, the value of a batch


@pytest.mark.slow
def test_two_ranks_give_the_function(drawn, tmp_path):
    split = {name: (*drawn[name][:2], drawn[name][2][:2], drawn[name][2][2:]) for name in ("PCKh", "PAMPJPE", "OKS")}
    alone = {f"{name} on one": (*drawn[name][:3], []) for name in ("torso", "OKS")}
    torch.multiprocessing.spawn(compute_on_rank, (str(tmp_path), {**split, **alone}), nprocs=2)
    values = torch.load(tmp_path / "values.pt", weights_only=True)
    assert len(values) == 5
    for name, value in values.items():
        assert equal(value, drawn[name.removesuffix(" on one")][3]), name
