"""The classes of torchmetrics are the functions to the last digit: in batches, on two ranks, and of one alone."""

import numpy as np
import pytest
from detected import draw_detections

from evaluation import GroundTruth, mpjpe, p_mpjpe, pckh
from evaluation.metrics.conventions import BOX, TORSO
from evaluation.metrics.oks import NAMES, score_entries
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
    """Batches of a detector's images, and what `score_entries` gives of all of them."""
    pytest.importorskip("hotcoco")
    tree, results = draw_detections(24)
    images, batches = sorted(image["id"] for image in tree["images"]), []
    for some in (images[:7], images[7:9], images[9:]):
        people, poses = ([one for one in rows if one["image_id"] in some] for rows in (tree["annotations"], results))
        tensors = [{**one, "keypoints": torch.tensor(one["keypoints"], dtype=torch.float64)} for one in poses]
        batches.append((tensors, people, some))
    samples = score_entries(images, tree["annotations"], results, COCO17)
    return batches, dict(zip(NAMES, samples[0].tolist(), strict=True))


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
    for step in (1, -1 if "PCK" in kind else 1):  # as new after a reset; counts are the same in any order
        for batch in batches[::step]:
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
