"""COCO's average precision by object keypoint similarity (OKS), counted by pycocotools itself."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics.ground_truth import GroundTruth
from heads.skeleton import BOX_PER_SCALE

AREA_PER_BOX = 0.53  # of a person's area to the square of the box's side, where no area is known: mmpose's factor
NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


@dataclass(frozen=True)
class OksScores:
    """COCO's ten figures of keypoints in percent, by name; None where no person is of that size.

    Attributes:
        values: AP (the mean over OKS 0.5, 0.55, ..., 0.95), AP50, AP75, APM and APL (areas of 32^2 to 96^2 square
            pixels, and above), and the same recalls.
        people: people with an annotated joint and an area.
        without_area: people left out because neither area nor scale is known.
        area_by_box: people whose area is 0.53 of the square of their box's longer side, as they have no other.
    """

    values: dict[str, float | None]
    people: int
    without_area: int
    area_by_box: int


def oks_scores(
    pred: ArrayLike, gt: GroundTruth, images: Sequence[str], area: np.ndarray, scores: np.ndarray | None = None
) -> OksScores:
    """OKS AP of N people, each with one predicted pose, so that nobody is missed and nobody is found twice.

    Args:
        pred: (N, K, D) predicted joints, image pixels.
        gt: of the same people; its skeleton has sigmas.
        images: N image names: a pose may match any person of its image.
        area: (N,) square image pixels, NaN where it is unknown.
        scores: (N,) that rank the poses; None ranks all the same.

    Raises:
        PoseError: pycocotools is not installed, the skeleton has no sigmas, nobody can be scored.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise PoseError("COCO's AP needs pycocotools, which is not installed: pip install '.[coco]'") from None
    if not gt.skeleton.sigmas:
        raise PoseError("COCO's AP needs a sigma per joint, and the skeleton has none; add `sigmas` to its file")
    pred = np.nan_to_num(gt.check(pred)[..., :2])
    by_box = AREA_PER_BOX * (BOX_PER_SCALE * gt.scale) ** 2
    known = np.isfinite(area) & (area > 0)
    area = np.where(known, area, by_box)
    counted = gt.annotated.any(axis=1) & np.isfinite(area) & (area > 0)
    if not counted.any():
        raise PoseError("COCO's AP: nobody has an annotated joint and an area or a box; give annotations that do")
    rows = np.flatnonzero(counted).tolist()
    number = {image: index for index, image in enumerate(dict.fromkeys(map(str, images)), 1)}
    places = [number[str(images[row])] for row in rows]
    truth = [_annotation(gt, row, place, float(area[row])) for row, place in zip(rows, places, strict=True)]
    ranks = np.ones(len(pred)) if scores is None else np.nan_to_num(scores, nan=1.0)
    keypoints = np.concatenate([pred, np.ones((*pred.shape[:2], 1))], axis=-1).reshape(len(pred), -1)
    results = [
        {"image_id": place, "category_id": 1, "keypoints": keypoints[row].tolist(), "score": float(ranks[row])}
        for row, place in zip(rows, places, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        coco = COCO()
        entries = [{"id": index} for index in number.values()]
        coco.dataset = {"images": entries, "annotations": truth, "categories": [{"id": 1, "name": "person"}]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(results), "keypoints")
        run.params.kpt_oks_sigmas = np.array(gt.skeleton.sigmas)
        run.evaluate()
        run.accumulate()
        run.summarize()
    values = {name: None if value < 0 else 100 * float(value) for name, value in zip(NAMES, run.stats, strict=True)}
    unknown = int((gt.annotated.any(axis=1) & ~counted).sum())
    return OksScores(values, len(rows), unknown, int((counted & ~known).sum()))


def _annotation(gt: GroundTruth, row: int, image: int, area: float) -> dict:
    """One person as COCO annotates it."""
    flags = np.where(gt.annotated[row], 2, 0)
    points = np.where(gt.annotated[row][:, None], gt.joints[row, :, :2], 0)
    low, high = (edge(gt.joints[row, gt.annotated[row], :2], axis=0) for edge in (np.min, np.max))
    person = {"id": row + 1, "image_id": image, "category_id": 1, "iscrowd": 0, "area": area}
    person["num_keypoints"] = int(flags.astype(bool).sum())
    person["bbox"] = [*low.tolist(), *(high - low).tolist()]
    return {**person, "keypoints": np.column_stack([points, flags]).ravel().tolist()}
