"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.errors import PoseError
from evaluation import Bootstrap, OksScores, load_angle_limits, oks_scores, sequence_errors
from evaluation.metrics.bootstrap import FEWEST
from evaluation.metrics.json_format import Json, to_block
from evaluation.report.tables import breakdown_tables, cell, groups_table, joints_table, summary_table
from ief.reporting.scoring import KEY, ScoresByDimension, ground_truth, print_summary, score_poses, to_tree, view_poses
from mpii_tools.annotations.placement import require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading, table
from mpii_tools.people import People
from mpii_tools.results.matching import align, align_annotated, name_images
from mpii_tools.results.predictions import Predictions, person_scores, predicted_joints, read_predictions
from mpii_tools.results.sanity import filler_warning, order_warning, origin_warning, unit_warning


def evaluate_predictions(
    predictions: Path,
    annotations: Path,
    *,
    split: str | None = None,
    first_pixel: int | None = None,
    convention: str = "official",
    metric: str | None = None,
    oks: bool = False,
    angle_limits: Path | None = None,
    against: Path | None = None,
    intervals: bool = False,
) -> Json:
    """Read, align, score and print; on stderr, what does not count or looks doubtful.

    Args:
        predictions: of any format that `read_predictions` takes.
        annotations: of any format that `read_annotations` takes.
        split: score only its people; None for everybody.
        first_pixel: what other programs' predictions call it, 0 or 1; None for the format's own.
        convention, metric: of PCK, see `evaluation.metrics.conventions`; no metric takes the annotations' first.
        oks: COCO's AP as well.
        angle_limits: folder of the joint-angle model, for Illegal Angle.
        against: other predictions of the same people, whose scores are subtracted as well.
        intervals: 95 % confidence intervals over people.

    Returns:
        The scores as `to_tree` has them; under "oks", "difference" and, in 3D, "per_sequence" what was asked for. Where
        an image has another number of predictions than people, as a detector gives them, "oks" alone.

    Raises:
        PoseError: files that cannot be read or do not go together.
    """
    limits = load_angle_limits(angle_limits) if angle_limits else None
    reading = read_annotations(annotations)
    people = select_split(annotations, reading.people, split)
    require_pixels(annotations, people)
    read = read_predictions(predictions, people.joint_names, first_pixel)
    rivals = [read_predictions(against, people.joint_names, first_pixel)] if against else []
    notes, whole = [table(f"faults of {annotations}", reading.faults)], len(people) == len(reading.people)
    reading = replace(reading, people=people, image_ids=reading.image_ids if whole else {})
    try:
        aligned, people = align_annotated(read, people)
    except PoseError as error:
        images = name_images(read, people, reading.image_ids)
        if not oks or images is None or read.joint_names != people.joint_names:
            raise
        scored = [score_coco(each, None, reading, intervals or rivals) for each in (read, *rivals)]
        if elsewhere := len(read) - int(np.isin(images, [*reading.image_ids, *people.images.tolist()]).sum()):
            notes.append(f"{elsewhere:,} predictions are in images of nobody in {annotations} and do not count")
        if not reading.image_ids:
            notes.append("images without people and crowds are not known; COCO's protocol needs its own JSON, whole")
        notes.append(f"COCO's OKS alone, which needs no pairs: {error}")
        print(*filter(None, notes), sep="\n", file=sys.stderr)
        return report_oks(scored, against)
    joints = aligned.joints
    if len(read) > len(people):
        notes.append(f"{len(read) - len(people):,} predictions are of nobody in {annotations} and do not count")
    if unplaced := people.joint_names_where(people.annotated.any(axis=0) & ~predicted_joints(joints)):
        notes.append(f"joints that are NaN in {predictions} and do not count: {', '.join(unplaced)}")
    if (intervals or against) and len(people) < FEWEST:
        notes.append(f"{len(people)} people, under {FEWEST}: too few for confidence intervals")
    others = [align(rival, people) for rival in rivals]
    pairs = zip((read, *rivals), (aligned, *others), strict=True) if oks else ()
    scored = [score_coco(*pair, replace(reading, people=people), intervals or rivals) for pair in pairs]
    del reading, read, rivals  # half a million people take half a gigabyte
    print(*filter(None, notes), sep="\n", end="\n" * any(notes), file=sys.stderr)
    options = {"convention": convention, "metric": metric, "limits": limits}
    scores = score_poses(joints, people, intervals=intervals, **options)
    if limits and 3 not in scores:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {annotations}")
    warn(predictions, joints, people)
    print_tables(scores)
    result = to_tree(scores)
    average_precision = report_oks(scored, against)
    result |= average_precision
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = sequence_errors(*view[1], view[0])
    for other in others:
        warn(against, other.joints, people)
        difference = score_poses(joints, people, minus=other.joints, **options)
        print_summary({f"minus {against}": difference}, signed=True)
        result["difference"] = to_tree(difference, differences=True) | average_precision.get("difference", {})
    return result


def select_split(path: Path, people: People, split: str | None) -> People:
    """The people of a split, all of them for None. Raises PoseError if the annotations have nobody in it."""
    if split is None:
        return people
    inside = people.split == ("" if split == "all" else split)
    if not inside.any():
        known = ", ".join(sorted({name or "all" for name in people.split.tolist()})) or "nobody"
        raise PoseError(f"--split {split}: nobody of {path} is in it; it has {known}")
    return people.select(inside)


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


def warn(path: Path, joints: np.ndarray, people: People) -> None:
    """A line on stderr for each thing that makes predictions (N, K, D) of a file doubtful."""
    for check in (unit_warning, origin_warning, order_warning, filler_warning):
        if warning := check(joints, people):
            print(f"ief evaluate: warning: {path}: {warning}", file=sys.stderr)


def print_tables(scores: ScoresByDimension) -> None:
    """Every table of one set of predictions."""
    flat = scores[2]
    named = {flat.convention: flat}
    tables = [summary_table(named), *(groups_table(named, one) for one in flat.thresholds), joints_table(flat)]
    if deep := scores.get(3):
        tables += [summary_table({"predictions": deep}), joints_table(deep), *breakdown_tables(deep)]
    print(*(table.text() for table in tables), sep="\n")


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
