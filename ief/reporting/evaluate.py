"""What `ief evaluate` does: predictions of a file against annotations, as tables on the terminal and as JSON."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints import PoseError, log, write_bytes
from evaluation import KINDS, GroundTruth, OksScores, classify_errors, load_angle_limits, sequence_errors
from evaluation.metrics import Json, to_block
from evaluation.metrics.bootstrap import FEWEST, split_rows
from evaluation.metrics.origin import origin_warning
from evaluation.report.tables import cell
from ief.reporting.scoring import KEY, ground_truth, log_tables, score_coco, score_poses, to_tree, view_poses
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
    """Read, align and score files; log the tables and, as warnings, what does not count or looks doubtful.

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
    paths, drawn = [predictions, *filter(None, [against])], intervals or against is not None
    scored, people, aligned, others = read_files(paths, annotations, split, first_pixel, oks, drawn, keep_fillers)
    if not aligned:
        return report_oks(scored, against)
    poses = {str(path): each.joints for path, each in zip(paths, aligned, strict=True)}
    joints, options = aligned[0].joints, {"metric": metric, "others": others, "oks": oks}
    counted = {"convention": convention, "limits": limits, **options}
    scores = {path: score_poses(pose, people, intervals=intervals, **counted) for path, pose in poses.items()}
    result = to_tree(scores[str(predictions)])
    if limits and KEY not in result:
        raise PoseError(f"--angle-limits: needs 3D predictions, and depth and cameras in {annotations}")
    log_notes(
        [f"ief evaluate: warning: {path}: {doubt}" for path in poses for doubt in list_doubts(poses[path], people)]
    )
    if against:
        log_tables(scores)
    else:
        log.info("\n".join(map(str, scores[str(predictions)].values())))
    average_precision = report_oks(scored, against)
    result |= average_precision
    if view := view_poses(people, 3, joints):
        result[KEY]["per_sequence"] = sequence_errors(*view[1], view[0])
    if against:
        difference = score_poses(joints, people, minus=poses[str(against)], **counted)
        log_tables({f"minus {against}": difference}, signed=True)
        result["against"] = to_tree(scores[str(against)])
        result["difference"] = to_tree(difference, differences=True) | average_precision.get("difference", {})
    if people_csv:
        gt = ground_truth(people, joints, **options)
        kinds = classify_errors(joints[..., :2], gt, convention=convention)
        write_people(people_csv, joints, people, gt, kinds, aligned[0].scores)
    return result


def read_files(
    paths: Sequence[Path],
    annotations: Path,
    split: str | None,
    first_pixel: int | None,
    oks: bool,
    drawn: bool,
    keep_fillers: bool,
) -> tuple[list[OksScores], People, list[Predictions], People | None]:
    """Annotated people and the predictions of each file for them; what does not count is logged.

    Args:
        drawn: whether scores get confidence intervals. The others: see `evaluate_predictions`.

    Returns:
        COCO's AP of each file if it is asked for; the people; of each file the predictions of them in their order,
        fillers as NaN, or none where poses are not one for each person; further annotated people of their images.
    """
    reading = read_annotations(annotations)
    everybody, people = reading.people, select_split(annotations, reading.people, split)
    require_pixels(annotations, people)
    reads = [read_predictions(path, people.joint_names, first_pixel) for path in paths]
    notes = [table(f"faults of {annotations}", reading.faults)]
    reading = replace(reading, people=people, image_ids=reading.image_ids if len(people) == len(everybody) else {})
    try:
        first, people = align_annotated(reads[0], people)
    except PoseError as error:
        if not oks:
            raise
        scored = score_detections(reads, reading, drawn, error)
        log_notes([*notes, f"COCO's OKS alone, which needs no pairs: {error}"])
        return scored, people, [], None
    spare = len(reads[0]) - len(people)
    unplaced = people.joint_names_where(people.annotated.any(axis=0) & ~predicted_joints(first.joints))
    told = {
        f"{spare:,} predictions are of nobody in the annotations and do not count": spare > 0,
        f"joints that are NaN in {paths[0]} and do not count: {', '.join(unplaced)}": len(unplaced) > 0,
        f"{len(people)} people, under {FEWEST}: too few for confidence intervals": drawn and len(people) < FEWEST,
    }
    notes += [note for note, holds in told.items() if holds]
    aligned = [first, *(align(read, people) for read in reads[1:])]
    reading = replace(reading, people=people)
    scored = [score_coco(*pair, reading, drawn) for pair in zip(reads, aligned, strict=True) if oks]
    for place, path in enumerate(() if keep_fillers else paths):
        joints, note = drop_fillers(path, aligned[place].joints, people)
        aligned[place] = replace(aligned[place], joints=joints)
        notes.append(note)
    log_notes(notes)
    return scored, people, aligned, select_others(everybody, people)


def score_detections(
    reads: Sequence[Predictions], reading: Reading, intervals: bool, error: PoseError
) -> list[OksScores]:
    """COCO's AP of poses that are not one for each person, as `error` says; raises it where their images are not known.

    How many are in images of nobody is logged.
    """
    people = reading.people
    images = name_images(reads[0], people, reading.image_ids)
    if images is None or any(each.joint_names != people.joint_names for each in reads):
        raise error
    if elsewhere := len(images) - int(np.isin(images, [*reading.image_ids, *people.images.tolist()]).sum()):
        log.warning(f"{elsewhere:,} predictions are in images of nobody in the annotations and do not count")
    if not reading.image_ids:
        log.warning("images without people and crowds are not known; COCO's protocol needs its own JSON, whole")
    return [score_coco(each, None, reading, intervals) for each in reads]


def log_notes(notes: Sequence[str]) -> None:
    """Those that are not empty, as warnings."""
    for note in filter(None, notes):
        log.warning(note)


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
    """Log COCO's values, whose area is not the annotations' own, and the difference of two; all of it as JSON."""
    if not scored:
        return {}
    oks, bounds = scored[0], len(scored[0].samples) > 1
    lines = [f"COCO's OKS in % over {oks.people:,} people", *list_oks(oks)]
    if oks.area_by_box or oks.without_area:
        lines.append(
            f"area by the box, 0.53 of its side squared: {oks.area_by_box:,} people; none: {oks.without_area:,}"
        )
    counts = {name: getattr(oks, name) for name in ("people", "without_area", "area_by_box")}
    tree = {"oks": {"values": to_block(oks.scores, bounds), **counts}}
    if len(scored) > 1:
        difference = oks.subtract(scored[1])
        lines += [f"minus {against}", *list_oks(difference, signed=True)]
        tree["difference"] = {"oks": {"values": to_block(difference.scores, bounds)}}
    log.info("\n".join(lines))
    return tree


def list_oks(oks: OksScores, signed: bool = False) -> list[str]:
    """A line of the precisions, and one of the recalls."""
    cells = [f"{name} {cell(score, signed=signed)}" for name, score in oks.scores.items()]
    return ["  ".join(cells[:5]), "  ".join(cells[5:])]
