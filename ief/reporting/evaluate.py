"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from evaluation import OksScores, load_angle_limits, oks_scores, sequence_errors
from evaluation.metrics.json_format import Json
from evaluation.report.tables import breakdown_tables, groups_table, joints_table, summary_table
from ief.reporting.scoring import KEY, ScoresByDimension, ground_truth, print_summary, score_poses, to_tree, view_poses
from mpii_tools.annotations.placement import require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import table
from mpii_tools.people import People
from mpii_tools.results.matching import align, align_annotated, name_images
from mpii_tools.results.predictions import person_scores, predicted_joints, read_predictions
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
    notes = [table(f"faults of {annotations}", reading.faults)]
    try:
        aligned, people = align_annotated(read, people)
    except PoseError as error:
        if not oks or (images := name_images(read, people)) is None or read.joint_names != people.joint_names:
            raise
        average_precision = score_oks(read.joints, people, read.scores, read.box_scores, images)
        if elsewhere := len(read) - int(np.isin(images, people.images).sum()):
            notes.append(f"{elsewhere:,} predictions are in images of nobody in {annotations} and do not count")
        notes.append(f"COCO's OKS alone, which needs no pairs: {error}")
        print(*filter(None, notes), sep="\n", file=sys.stderr)
        print_oks(average_precision)
        return {"oks": asdict(average_precision)}
    joints = aligned.joints
    if len(read) > len(people):
        notes.append(f"{len(read) - len(people):,} predictions are of nobody in {annotations} and do not count")
    if unplaced := people.joint_names_where(people.annotated.any(axis=0) & ~predicted_joints(joints)):
        notes.append(f"joints that are NaN in {predictions} and do not count: {', '.join(unplaced)}")
    other = align(read_predictions(against, people.joint_names, first_pixel), people).joints if against else None
    average_precision = score_oks(joints, people, aligned.scores, aligned.box_scores) if oks else None
    print(*filter(None, notes), sep="\n", end="\n" * any(notes), file=sys.stderr)
    options = {"convention": convention, "metric": metric, "limits": limits}
    scores = score_poses(joints, people, intervals=intervals, **options)
    if limits and 3 not in scores:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {annotations}")
    warn(predictions, joints, people)
    print_tables(scores)
    result = to_tree(scores)
    if average_precision:
        print_oks(average_precision)
        result["oks"] = asdict(average_precision)
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = sequence_errors(*view[1], view[0])
    if against:
        warn(against, other, people)
        difference = score_poses(joints, people, minus=other, **options)
        print_summary({f"minus {against}": difference}, signed=True)
        result["difference"] = to_tree(difference, differences=True)
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
    images: list[str] | None = None,
) -> OksScores:  # fmt: skip
    """COCO's AP of poses (P, K, D), ranked by the scores of joints (P, K) and boxes (P,) as `person_scores` does.

    Args:
        images: P names, of poses that are not one for each of the people in their order.
    """
    gt, ranks = ground_truth(people, joints), person_scores(scores, box_scores, len(joints))
    return oks_scores(joints[..., :2], gt, people.images.tolist(), people.area, ranks, images)


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


def print_oks(oks: OksScores) -> None:
    """COCO's figures on a line, with whose area is not the annotations' own."""
    values = "  ".join(f"{name} {'-' if value is None else f'{value:.1f}'}" for name, value in oks.values.items())
    print(f"COCO's OKS in % over {oks.people:,} people\n{values}")
    if oks.area_by_box or oks.without_area:
        print(f"area by the box, 0.53 of its side squared: {oks.area_by_box:,} people; none: {oks.without_area:,}")
