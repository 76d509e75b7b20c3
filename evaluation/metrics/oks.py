"""COCO's average precision by object keypoint similarity (OKS), counted by pycocotools itself."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError, import_extra
from evaluation.metrics.ground_truth import GroundTruth, has_size
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
    pred: ArrayLike,
    gt: GroundTruth,
    images: Sequence[str],
    area: np.ndarray,
    scores: np.ndarray | None = None,
    pred_images: Sequence[str] | None = None,
) -> OksScores:
    """OKS AP of N people: each with one predicted pose, or with whatever poses a detector has in their images.

    Args:
        pred: (P, K, D) predicted joints, image pixels.
        gt: of the people; its skeleton has sigmas.
        images: N image names: a pose may match any person of its image.
        area: (N,) square image pixels, NaN where it is unknown.
        scores: (P,) that rank the poses; None ranks all the same.
        pred_images: P image names, of which those of `images` count; None: a pose per person, in their order.

    Raises:
        PoseError: pycocotools is not installed, the skeleton has no sigmas, nobody can be scored, no pose is in an
            image of somebody.
    """
    coco_api, cocoeval = (import_extra(f"pycocotools.{name}", "coco") for name in ("coco", "cocoeval"))
    if not gt.skeleton.sigmas:
        raise PoseError("COCO's AP needs a sigma per joint, and the skeleton has none; add `sigmas` to its file")
    pred = np.asarray(pred, dtype=np.float64) if pred_images is not None else gt.check(pred)
    known, present = has_size(area), gt.annotated.any(axis=1)
    area = np.where(known, area, AREA_PER_BOX * (BOX_PER_SCALE * gt.scale) ** 2)
    counted = present & has_size(area)
    if not counted.any():
        raise PoseError("COCO's AP: nobody has an annotated joint and an area or a box; give annotations that do")
    images = np.asarray(images, dtype=str)[counted].tolist()
    kept, places = counted, images
    if pred_images is not None:
        kept = np.isin(pred_images, images)
        places = np.asarray(pred_images, dtype=str)[kept].tolist()
        if not kept.any():
            raise PoseError("COCO's AP: no prediction is in an image of the annotations; check the images' names")
    number = {image: index for index, image in enumerate(dict.fromkeys(images), 1)}
    joints, true = gt.annotated[counted], gt.known[counted, :, :2]
    corner = np.nanmin(true, axis=1)
    facts = {
        "area": area[counted],
        "bbox": np.concatenate([corner, np.nanmax(true, axis=1) - corner], axis=1),
        "num_keypoints": joints.sum(axis=1),
        "keypoints": np.dstack([np.nan_to_num(true), 2 * joints]).reshape(len(joints), -1),
        "iscrowd": np.zeros(len(joints), int),
    }
    found = np.nan_to_num(pred[kept, :, :2])
    ranks = np.ones(len(pred)) if scores is None else np.nan_to_num(scores, nan=1.0)
    poses = {
        "keypoints": np.dstack([found, np.ones(found.shape[:2])]).reshape(len(found), -1),
        "score": ranks[kept],
    }

    def list_rows(names: list[str], columns: dict[str, np.ndarray]) -> list[dict]:
        rows = zip(names, *(column.tolist() for column in columns.values()), strict=True)
        return [
            {"id": row, "image_id": number[image], "category_id": 1, **dict(zip(columns, values, strict=True))}
            for row, (image, *values) in enumerate(rows, 1)
        ]

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        coco = coco_api.COCO()
        coco.dataset = {
            "images": [{"id": index} for index in number.values()],
            "annotations": list_rows(images, facts),
            "categories": [{"id": 1, "name": "person"}],
        }
        coco.createIndex()
        run = cocoeval.COCOeval(coco, coco.loadRes(list_rows(places, poses)), "keypoints")
        run.params.kpt_oks_sigmas = np.array(gt.skeleton.sigmas)
        run.evaluate()
        run.accumulate()
        run.summarize()
    values = {name: None if value < 0 else 100 * float(value) for name, value in zip(NAMES, run.stats, strict=True)}
    return OksScores(values, len(images), int((present & ~counted).sum()), int((counted & ~known).sum()))
