"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import write_bytes
from evaluation import KINDS, GroundTruth, OksScores, classify_errors, load_angle_limits, sequence_errors
from evaluation.metrics.bootstrap import FEWEST, split_rows
from evaluation.metrics.json_format import Json, to_block
from evaluation.metrics.origin import origin_warning
from evaluation.report.tables import cell
from ief.reporting.scoring import KEY, ground_truth, print_tables, score_coco, score_poses, to_tree, view_poses
from mpii_tools.annotations.placement import require_pixels
from mpii_tools.annotations.read import read_annotations
from mpii_tools.annotations.reading import Reading, table
from mpii_tools.people import People
from mpii_tools.results.coco import format_columns
from mpii_tools.results.matching import align, align_annotated, name_images
from mpii_tools.results.predictions import Predictions, predicted_joints, read_predictions
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
        oks: COCO's AP as well, and kinds of error by OKS.
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
    everybody, people = reading.people, select_split(annotations, reading.people, split)
    require_pixels(annotations, people)
    paths = [predictions, *[against][: against is not None]]
    reads = [read_predictions(path, people.joint_names, first_pixel) for path in paths]
    notes, whole = [table(f"faults of {annotations}", reading.faults)], len(people) == len(everybody)
    reading = replace(reading, people=people, image_ids=reading.image_ids if whole else {})
    drawn = intervals or against is not None
    try:
        aligned, people = align_annotated(reads[0], people)
    except PoseError as error:
        if not oks:
            raise
        scored = score_detections(reads, reading, drawn, error)
        print_notes([*notes, f"COCO's OKS alone, which needs no pairs: {error}"])
        return report_oks(scored, against)
    notes += list_gaps(predictions, aligned.joints, people, len(reads[0]) - len(people))
    if drawn and len(people) < FEWEST:
        notes.append(f"{len(people)} people, under {FEWEST}: too few for confidence intervals")
    pairs = [(reads[0], aligned), *((read, align(read, people)) for read in reads[1:])]
    scored = [score_coco(*pair, replace(reading, people=people), drawn) for pair in pairs if oks]
    others, poses = select_others(everybody, people), {}
    for path, (_, each) in zip(paths, pairs, strict=True):
        poses[path], note = (each.joints, "") if keep_fillers else drop_fillers(path, each.joints, people)
        notes.append(note)
    del everybody, reading, reads, pairs  # half a million people take half a gigabyte
    joints = poses[predictions]
    print_notes(notes)
    options = {"metric": metric, "others": others, "oks": oks}
    counted = {"convention": convention, "limits": limits, **options}
    scores = {str(path): score_poses(pose, people, intervals=intervals, **counted) for path, pose in poses.items()}
    result = to_tree(scores[str(predictions)])
    if limits and KEY not in result:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {annotations}")
    doubts = [f"{path}: {doubt}" for path, pose in poses.items() for doubt in list_doubts(pose, people)]
    print_notes([f"ief evaluate: warning: {doubt}" for doubt in doubts])
    if against:
        print_tables(scores)
    else:
        print(*scores[str(predictions)].values(), sep="\n")
    average_precision = report_oks(scored, against)
    result |= average_precision
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = sequence_errors(*view[1], view[0])
    if against:
        difference = score_poses(joints, people, minus=poses[against], **counted)
        print_tables({f"minus {against}": difference}, signed=True)
        result["against"] = to_tree(scores[str(against)])
        result["difference"] = to_tree(difference, differences=True) | average_precision.get("difference", {})
    if people_csv:
        gt = ground_truth(people, joints, **options)
        kinds = classify_errors(joints[..., :2], gt, convention=convention)
        write_people(people_csv, joints, people, gt, kinds, aligned.scores)
    return result


def score_detections(
    reads: Sequence[Predictions], reading: Reading, intervals: bool, error: PoseError
) -> list[OksScores]:
    """COCO's AP of poses that are not one for each person, as `error` says; raises it where their images are not known.

    On stderr goes how many are in images of nobody.
    """
    people = reading.people
    images = name_images(reads[0], people, reading.image_ids)
    if images is None or any(each.joint_names != people.joint_names for each in reads):
        raise error
    if elsewhere := len(images) - int(np.isin(images, [*reading.image_ids, *people.images.tolist()]).sum()):
        print_notes([f"{elsewhere:,} predictions are in images of nobody in the annotations and do not count"])
    if not reading.image_ids:
        print_notes(["images without people and crowds are not known; COCO's protocol needs its own JSON, whole"])
    return [score_coco(each, None, reading, intervals) for each in reads]


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


def list_doubts(joints: np.ndarray, people: People) -> list[str]:
    """What makes predictions (N, K, D) doubtful."""
    checks = unit_warning, origin_warning, order_warning, filler_warning
    return [doubt for check in checks if (doubt := check(joints, people))]


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
