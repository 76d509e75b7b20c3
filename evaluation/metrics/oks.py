"""COCO's average precision by object keypoint similarity (OKS), counted by hotcoco, as pycocotools counts."""

import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError, import_extra
from evaluation.metrics.bootstrap import FEWEST, Bootstrap, Estimate, estimates
from evaluation.metrics.ground_truth import GroundTruth, has_size
from heads.skeleton import BOX_PER_SCALE, Skeleton

AREA_PER_BOX = 0.53  # of a person's area to the square of the box's side, where no area is known: mmpose's factor
NAMES = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


@dataclass(frozen=True, eq=False)
class OksScores:
    """COCO's ten figures of keypoints, or the differences of two predictions'.

    AP is the mean over OKS 0.5, 0.55, ..., 0.95; AP50, AP75; APM and APL, of areas of 32^2 to 96^2 square pixels, and
    above; and the same recalls.

    Attributes:
        samples: (1 + R, 10) percent, in row 0 of the dataset, below it of R resamples of its images; NaN where no
            person is of that size.
        people: people with an annotated joint and an area.
        without_area: people left out because neither area nor scale is known.
        area_by_box: people whose area is 0.53 of the square of their box's longer side, as they have no other.
    """

    samples: np.ndarray
    people: int
    without_area: int
    area_by_box: int

    @property
    def scores(self) -> dict[str, Estimate]:
        """The figures by name, with confidence intervals over images if there are resamples."""
        return dict(zip(NAMES, estimates(self.samples), strict=True))

    def subtract(self, other: "OksScores") -> "OksScores":
        """The paired difference to other predictions for the same people, resampled with the same seed."""
        return replace(self, samples=self.samples - other.samples)


def oks_scores(
    pred: ArrayLike,
    gt: GroundTruth,
    images: Sequence[str],
    area: np.ndarray,
    scores: np.ndarray | None = None,
    pred_images: Sequence[str] | None = None,
    *,
    all_images: Sequence[str] = (),
    exempt: Sequence[Mapping[str, Any]] = (),
    bootstrap: Bootstrap | None = None,
) -> OksScores:
    """OKS AP of N people: each with one predicted pose, or with whatever poses a detector has in their images.

    Args:
        pred: (P, K, D) predicted joints, image pixels.
        gt: of the people; its skeleton has sigmas.
        images: N image names: a pose may match any person of its image.
        area: (N,) square image pixels, NaN where it is unknown.
        scores: (P,) that rank the poses; None ranks all the same.
        pred_images: P image names, of which those of `images` count; None: a pose per person, in their order.
        all_images: names of those with and without people, whose poses count too, in the order of COCO's ids, which
            ranks poses of the same score.
        exempt: crowds and people without a joint, whose poses do not count: COCO's annotations, with the name of the
            image as 'image' in place of ids.
        bootstrap: how to draw 95 % confidence intervals over images; None, or under ten images: without.

    Raises:
        PoseError: hotcoco is not installed, the skeleton has no sigmas, nobody can be scored, no
            pose is in an image of somebody.
    """
    if not gt.skeleton.sigmas:
        raise PoseError("COCO's AP needs a sigma per joint, and the skeleton has none; add `sigmas` to its file")
    if pred_images is None:
        gt.check(pred)
    pred, known, present = np.asarray(pred, dtype=np.float64), has_size(area), gt.annotated.any(axis=1)
    area = fill_areas(area, gt.scale)
    counted = present & has_size(area)
    if not counted.any():
        raise PoseError("COCO's AP: nobody has an annotated joint and an area or a box; give annotations that do")
    images = np.asarray(images, dtype=str)[counted].tolist()
    number = {image: index for index, image in enumerate(dict.fromkeys([*all_images, *images]), 1)}
    kept, places = counted, images
    if pred_images is not None:
        kept = np.isin(pred_images, list(number))
        places = np.asarray(pred_images, dtype=str)[kept].tolist()
        if not kept.any():
            raise PoseError("COCO's AP: no prediction is in an image of the annotations; check the images' names")
    joints, placed = gt.annotated[counted], np.nan_to_num(pred[kept, :, :2])
    ranks = np.ones(len(pred)) if scores is None else np.nan_to_num(scores, nan=1.0)

    facts = {"area": area[counted], "num_keypoints": joints.sum(axis=1), "iscrowd": np.zeros(len(joints), int)}
    facts |= {"bbox": np.zeros((len(joints), 4))}  # of no use where a joint is annotated
    people = to_coco([number[image] for image in images], np.nan_to_num(gt.known[counted, :, :2]), 2 * joints, **facts)
    people += [{**row, "image_id": number[row["image"]]} for row in exempt if row["image"] in number]
    poses = to_coco([number[image] for image in places], placed, np.ones(placed.shape[:2]), score=ranks[kept])
    samples = score_entries(list(number.values()), people, poses, gt.skeleton, bootstrap)
    return OksScores(samples, len(images), int((present & ~counted).sum()), int((counted & ~known).sum()))


def fill_areas(area: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(N,) areas in square image pixels; where they are not known those by the box, of MPII's scale."""
    return np.where(has_size(area), area, AREA_PER_BOX * (BOX_PER_SCALE * scale) ** 2)


def to_coco(images: Sequence[int], points: np.ndarray, flags: np.ndarray, **columns: np.ndarray) -> list[dict]:
    """People in COCO's form: `image_id`, `keypoints` of points (P, K, 2) and flags (P, K), further columns (P, ...)."""
    columns |= {"keypoints": np.dstack([points, flags]).reshape(len(points), 3 * flags.shape[1])}
    rows = zip(images, *(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(("image_id", *columns), values, strict=True)) for values in rows]


def score_entries(
    images: Sequence[int],
    annotations: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    skeleton: Skeleton,
    bootstrap: Bootstrap | None = None,
) -> np.ndarray:
    """(1 + R, 10) percent, the `samples` of `OksScores`, of COCO's keypoints and results.

    Args:
        images: all ids.
        annotations, results: in COCO's form; their own ids and categories do not matter.
        skeleton: with sigmas.
        bootstrap: see `oks_scores`.

    Raises:
        PoseError: hotcoco is not installed.
    """
    hotcoco = import_extra("hotcoco", "coco")  # of pycocotools' digits, in a fifteenth of its time
    people, poses = (
        [{**row, "id": at, "category_id": 1} for at, row in enumerate(rows, 1)] for rows in (annotations, results)
    )
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():  # it prints
        warnings.simplefilter("ignore")  # that the skeleton's sigmas are not COCO's
        coco, categories = hotcoco.COCO(), [{"id": 1, "name": "person"}]
        coco.dataset = {"images": [{"id": each} for each in images], "annotations": people, "categories": categories}
        coco.createIndex()
        run = hotcoco.COCOeval(coco, coco.loadRes(poses), "keypoints")
        run.params.kpt_oks_sigmas = np.array(skeleton.sigmas)
        run.evaluate()
        run.accumulate()
        run.summarize()
    samples = np.where(np.array(run.stats) < 0, np.nan, run.stats)[None]
    if bootstrap and len(images) >= FEWEST:
        samples = np.concatenate([samples, _resample(run, sorted(images), bootstrap)])
    return 100 * samples


def _resample(run: Any, images: Sequence[int], bootstrap: Bootstrap) -> np.ndarray:
    """(R, 10) the figures, 0 to 1, of images drawn with replacement: `accumulate` and `summarize` with a weight each.

    Args:
        run: COCOeval, evaluated.
        images: its ids in order.
    """
    by_area: dict[tuple[float, ...], list[dict]] = {}
    for entry in filter(None, run.evalImgs):
        by_area.setdefault(tuple(entry["aRng"]), []).append(entry)
    entries = [by_area[bounds] for bounds in sorted(by_area)]  # all, medium, large
    image = np.searchsorted(images, [entry["image_id"] for entry in entries[0]])
    order = np.argsort(-np.concatenate([entry["dtScores"] for entry in entries[0]]), kind="mergesort")
    place = np.repeat(image, [len(entry["dtScores"]) for entry in entries[0]])[order]
    steps, people = len(run.params.iouThrs), np.zeros((len(entries), len(images)))
    people[:, image] = [[len(entry["gtIgnore"]) - np.sum(entry["gtIgnore"]) for entry in each] for each in entries]

    def join(area: list[dict], key: str) -> np.ndarray:
        """(T, P) bool of the poses, the highest score first."""
        return np.concatenate([np.reshape(entry[key], (steps, -1)) for entry in area], axis=1).astype(bool)[:, order]

    # Of each area and OKS the images of the poses that count, and which of these are correct.
    poses = [
        [(place[~ignored], np.flatnonzero(matched[~ignored])) for ignored, matched in zip(*columns, strict=True)]
        for columns in ((join(area, "dtIgnore"), join(area, "dtMatches")) for area in entries)
    ]
    recalls, rng, rows = np.asarray(run.params.recThrs), np.random.default_rng(bootstrap.seed), []
    for _ in range(bootstrap.resamples):
        weights = rng.multinomial(len(images), np.full(len(images), 1 / len(images)))
        average, reached = np.full((2, len(entries), steps), np.nan)
        for area, total in enumerate((people @ weights).tolist()):
            for step, (places, hits) in enumerate(poses[area] if total else ()):
                right = np.cumsum(weights[places[hits]])
                precision = right / (np.cumsum(weights[places])[hits] + np.spacing(1))
                precision = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)  # where a recall is not reached
                average[area, step] = precision[np.searchsorted(right / total, recalls)].mean()
                reached[area, step] = right[-1:].sum() / total
        rows.append([])
        for every, medium, large in (average, reached):
            rows[-1] += [every.mean(), every[0], every[5], medium.mean(), large.mean()]
    return np.array(rows)
