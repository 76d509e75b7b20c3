"""COCO's AP of files: whose poses count in which images, and how the figures are told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation import Bootstrap, OksScores, oks_scores
from evaluation.metrics.json_format import Json, to_block
from evaluation.report.tables import cell
from ief.reporting.scoring import ground_truth
from mpii_tools.annotations.reading import Reading
from mpii_tools.people import People
from mpii_tools.results.matching import name_images
from mpii_tools.results.predictions import Predictions, person_scores


def score_oks(
    joints: np.ndarray, people: People, scores: np.ndarray | None, box_scores: np.ndarray | None,
    images: list[str] | None = None, **options: Any,
) -> OksScores:  # fmt: skip
    """COCO's AP of poses (P, K, D), ranked by the scores of joints (P, K) and boxes (P,) as `person_scores` does.

    Args:
        images: P names, of poses that are not one for each of the people in their order.
        options: further ones of `oks_scores`.
    """
    gt, ranks = ground_truth(people, joints), person_scores(scores, box_scores, len(joints))
    return oks_scores(joints[..., :2], gt, people.images.tolist(), people.area, ranks, images, **options)


def score_coco(read: Predictions, aligned: Predictions | None, reading: Reading, intervals: object) -> OksScores:
    """COCO's AP of a file's poses in all images, where these are known; else of `aligned`, one for each person.

    Args:
        aligned: None for a detector's poses, of any number.
        intervals: confidence intervals over images, unless it is empty.
    """
    people, ids = reading.people, reading.image_ids
    images = name_images(read, people, ids) if ids or aligned is None else None
    poses = aligned if images is None else read
    options = {"all_images": list(ids), "exempt": reading.exempt, "bootstrap": Bootstrap() if intervals else None}
    return score_oks(poses.joints, people, poses.scores, poses.box_scores, images, **options)


def report_oks(scored: Sequence[OksScores], against: Path | None) -> Json:
    """Print COCO's figures, whose area is not the annotations' own, and the difference of two; all of it as JSON."""
    if not scored:
        return {}
    oks, bounds = scored[0], len(scored[0].samples) > 1
    print(f"COCO's OKS in % over {oks.people:,} people", *list_oks(oks), sep="\n")
    if oks.area_by_box or oks.without_area:
        print(f"area by the box, 0.53 of its side squared: {oks.area_by_box:,} people; none: {oks.without_area:,}")
    counts = {name: getattr(oks, name) for name in ("people", "without_area", "area_by_box")}
    tree = {"oks": {"values": to_block(oks.scores, bounds), **counts}}
    if len(scored) > 1:
        difference = oks.subtract(scored[1])
        print(f"minus {against}", *list_oks(difference, signed=True), sep="\n")
        tree["difference"] = {"oks": {"values": to_block(difference.scores, bounds)}}
    return tree


def list_oks(oks: OksScores, signed: bool = False) -> list[str]:
    """A line of the precisions, and one of the recalls."""
    cells = [f"{name} {cell(score, signed=signed)}" for name, score in oks.scores.items()]
    return ["  ".join(cells[:5]), "  ".join(cells[5:])]
