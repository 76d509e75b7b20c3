"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from evaluation import load_angle_limits, sequence_errors
from evaluation.metrics.bootstrap import FEWEST
from evaluation.metrics.json_format import Json
from evaluation.report.tables import breakdown_tables, groups_table, joints_table, summary_table
from ief.reporting.oks import report_oks, score_coco
from ief.reporting.scoring import KEY, ScoresByDimension, print_summary, score_poses, to_tree, view_poses
from mpii_tools.annotations.placement import require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import table
from mpii_tools.people import People
from mpii_tools.results.matching import align, align_annotated, name_images
from mpii_tools.results.predictions import predicted_joints, read_predictions
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
        if not oks or images is None or any(each.joint_names != people.joint_names for each in (read, *rivals)):
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
