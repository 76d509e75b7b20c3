"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes
from evaluation import KINDS, GroundTruth, classify_errors, load_angle_limits, sequence_errors
from evaluation.metrics.bootstrap import FEWEST, split_rows
from evaluation.metrics.json_format import Json
from evaluation.metrics.origin import origin_warning
from evaluation.report.tables import format_scores
from ief.reporting.oks import report_oks, score_coco
from ief.reporting.scoring import KEY, ScoresByDimension, ground_truth, score_poses, to_tree, view_poses
from mpii_tools.annotations.placement import require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import table
from mpii_tools.people import People
from mpii_tools.results.coco import format_columns
from mpii_tools.results.matching import align, align_annotated, name_images
from mpii_tools.results.predictions import predicted_joints, read_predictions
from mpii_tools.results.sanity import filler_warning, find_constant_joints, order_warning, unit_warning


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
    keep_fillers: bool = False,
    people_csv: Path | None = None,
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
        keep_fillers: count joints that are 0, or at one place, for everybody.
        people_csv: file for a row per person and annotated joint.

    Returns:
        The scores as `to_tree` has them; under "oks", "against", "difference" and, in 3D, "per_sequence" what was asked
        for. Where an image has another number of predictions than people, as a detector gives them, "oks" alone.

    Raises:
        PoseError: files that cannot be read or do not go together.
    """
    limits = load_angle_limits(angle_limits) if angle_limits else None
    reading = read_annotations(annotations)
    everybody = reading.people
    people = select_split(annotations, everybody, split)
    require_pixels(annotations, people)
    read = read_predictions(predictions, people.joint_names, first_pixel)
    rivals = [read_predictions(against, people.joint_names, first_pixel)] if against else []
    notes, whole = [table(f"faults of {annotations}", reading.faults)], len(people) == len(everybody)
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
        print_notes([*notes, f"COCO's OKS alone, which needs no pairs: {error}"])
        return report_oks(scored, against)
    notes += list_gaps(predictions, aligned.joints, people, len(read) - len(people))
    if (intervals or against) and len(people) < FEWEST:
        notes.append(f"{len(people)} people, under {FEWEST}: too few for confidence intervals")
    paired = [aligned, *(align(rival, people) for rival in rivals)]
    pairs = zip((read, *rivals), paired, strict=True) if oks else ()
    scored = [score_coco(*pair, replace(reading, people=people), intervals or rivals) for pair in pairs]
    others = select_others(everybody, people)
    del everybody, reading, read, rivals  # half a million people take half a gigabyte
    poses = {path: each.joints for path, each in zip((predictions, against), paired, strict=False)}
    for path, pose in {} if keep_fillers else poses.items():
        poses[path], note = drop_fillers(path, pose, people)
        notes.append(note)
    joints = poses[predictions]
    print_notes(notes)
    options = {"convention": convention, "metric": metric, "limits": limits, "others": others}
    scores = {str(path): score_poses(pose, people, intervals=intervals, **options) for path, pose in poses.items()}
    result = to_tree(scores[str(predictions)])
    if limits and KEY not in result:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {annotations}")
    for path, pose in poses.items():
        warn(path, pose, people)
    print_tables(scores)
    average_precision = report_oks(scored, against)
    result |= average_precision
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = sequence_errors(*view[1], view[0])
    if against:
        difference = score_poses(joints, people, minus=poses[against], **options)
        print_tables({f"minus {against}": difference}, signed=True)
        result["against"] = to_tree(scores[str(against)])
        result["difference"] = to_tree(difference, differences=True) | average_precision.get("difference", {})
    if people_csv:
        gt = ground_truth(people, joints, metric=metric, others=others)
        write_people(
            people_csv, joints, people, gt, classify_errors(joints[..., :2], gt, convention=convention), aligned.scores
        )
    return result


def print_notes(notes: list[str]) -> None:
    """Those that are not empty, on stderr."""
    print(*filter(None, notes), sep="\n", end="\n" * any(notes), file=sys.stderr)


def list_gaps(path: Path, joints: np.ndarray, people: People, spare: int) -> list[str]:
    """What does not count of poses (N, K, D) of a file that has `spare` others: a line each."""
    unplaced = people.joint_names_where(people.annotated.any(axis=0) & ~predicted_joints(joints))
    return [
        *[f"{spare:,} predictions are of nobody in the annotations and do not count"][: spare > 0],
        *[f"joints that are NaN in {path} and do not count: {', '.join(unplaced)}"][: len(unplaced)],
    ]


def drop_fillers(path: Path, joints: np.ndarray, people: People) -> tuple[np.ndarray, str]:
    """Poses (N, K, D) of a file, NaN at joints that are fillers for everybody, and what these are in a line or ''."""
    fillers = find_constant_joints(joints, people)
    if not fillers.any():
        return joints, ""
    names = ", ".join(people.joint_names_where(fillers))
    note = f"fillers, at one place for everybody in {path}, do not count unless --keep-fillers is given: {names}"
    return np.where(fillers[:, None], np.nan, joints), note


def select_others(everybody: People, people: People) -> People | None:
    """Annotated people in the images of `people` who are not among them: their joints may be taken for these."""
    if everybody.joint_names != people.joint_names:
        return None
    beside = everybody.annotated.any(axis=1) & ~np.isin(everybody.person_ids, people.person_ids)
    return everybody.select(np.flatnonzero(beside)[np.isin(everybody.images[beside], people.images)])


def write_people(
    path: Path, joints: np.ndarray, people: People, gt: GroundTruth, kinds: np.ndarray, scores: np.ndarray | None
) -> None:
    """A CSV file with a row per person and joint that counts.

    Columns: `image`, `person_id`, `joint`, `error_px` in image pixels, `correct` (1 where the kind is good), `kind`,
    `score`. Without a size the person's kinds are empty.
    """
    names, kind_names, parts = np.array(people.joint_names), np.array([*KINDS, ""]), []
    scores = np.full(kinds.shape, np.nan) if scores is None else scores
    for rows in split_rows(len(people)):
        person, joint = np.nonzero(gt.annotated[rows])
        person += rows.start
        kind, offset = kinds[person, joint], joints[person, joint, :2] - people.joints[person, joint]
        columns = {
            "image": people.images[person], "person_id": people.person_ids[person], "joint": names[joint],
            "error_px": np.linalg.norm(offset, axis=-1), "correct": np.array([*"10000", ""])[kind],
            "kind": kind_names[kind], "score": scores[person, joint],
        }  # fmt: skip
        parts.append(format_columns(columns, header=not rows.start))
    write_bytes(path, b"".join(parts))


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
    for doubt in list_doubts(joints, people):
        print(f"ief evaluate: warning: {path}: {doubt}", file=sys.stderr)


def list_doubts(joints: np.ndarray, people: People) -> list[str]:
    """What makes predictions (N, K, D) doubtful."""
    checks = unit_warning, origin_warning, order_warning, filler_warning
    return [doubt for check in checks if (doubt := check(joints, people))]


def print_tables(scores: Mapping[str, ScoresByDimension], signed: bool = False) -> None:
    """Every table of one or more sets of predictions by name; signed: of differences."""
    for dimensions in (2, 3):
        if shown := {name: each[dimensions] for name, each in scores.items() if dimensions in each}:
            print(format_scores(shown, signed) if signed or len(scores) > 1 else next(iter(shown.values())))
