"""`pred_keypoints_mpii.mat`, which MPII's toolkit scores: the test part of annolist, with a pose for every rect."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from heads.skeleton import MPII
from mpii_tools.annotations.mpii_mat import image_names, points
from mpii_tools.annotations.release import read_rects, unpack_release
from mpii_tools.formats.mat_file import load_mat
from mpii_tools.formats.mat_struct import EMPTY, get, number, records, save_mat, struct
from mpii_tools.people import People
from mpii_tools.results.matching import match, name_of
from mpii_tools.results.predictions import Predictions


def write_submission(
    annotations: str | os.PathLike, predictions: Predictions, path: str | os.PathLike
) -> dict[str, int]:
    """Writes variable `pred`: one entry per test image, in annolist's order, for MPII's toolkit.

    An entry keeps its image name, and each of its rects keeps scale and objpos. A predicted rect has
    annopoints.point(1..16) with x, y in 1-based pixels and the 0-based id; the others have none.

    Args:
        annotations: MPII's .mat with `RELEASE`.
        predictions: (N, 16, 2) of test rects, matched as by `matching.match`; every scored rect must be among them.
        path: the .mat file to write.

    Returns:
        What it holds: `images`, all test images; `rects`, theirs; `predicted`, those with a pose; `scored`, those that
        MPII scores (single_person), all of which have one; `unplaced`, those without objpos or scale, which have none.

    Raises:
        PoseError: no RELEASE, predictions of other joints or with a NaN, a scored rect that is not predicted, or a
            prediction that belongs to no test rect.
    """
    if "RELEASE" not in (stored := load_mat(annotations := Path(annotations))):
        raise PoseError(f"{annotations}: no variable 'RELEASE'; give MPII's full mpii_human_pose_v1_u12_1.mat")
    release = unpack_release(annotations, stored)
    rects = read_rects(annotations, release.annorects, release.images)
    test, placed = ~release.train[rects.entry], rects.placed
    scored = test & placed & release.is_single(rects)
    people = replace(rects.people, joints=np.full_like(rects.people.joints, np.nan), scored=scored)
    pose_of = _poses(predictions, people.select(test & placed), annotations)

    entries = [
        {"image": struct([{"name": image}], ["name"]), "annorect": _predicted_rects(annorect, image, pose_of)}
        for image, annorect, train in zip(release.images, release.annorects, release.train, strict=True)
        if not train
    ]
    save_mat(path, {"pred": struct(entries, ["image", "annorect"])})
    rects, left = int(test.sum()), int((test & ~placed).sum())
    return dict(images=len(entries), rects=rects, predicted=len(pose_of), scored=int(scored.sum()), unplaced=left)


def read_submission(path: str | os.PathLike) -> Predictions:
    """The predicted poses of a submission, in its order, with person_ids `image#rect` if it names its images.

    Without names the ids are `test1#1`, ... with the 1-based entry. Rects without annopoints are skipped.

    Raises:
        PoseError: no variable `pred` of MPII's nesting, or a predicted rect without all 16 points.
    """
    try:
        entries = records(load_mat(path := Path(path)).get("pred", EMPTY))
    except ValueError:
        entries = []
    if not entries:
        raise PoseError(f"{path}: no struct array 'pred'; give a submission to MPII, such as `ief submit` writes")
    names = image_names(path, entries)
    if len(names) != len(entries):
        names = [f"test{index + 1}" for index in range(len(entries))]
    rects = read_rects(path, [get(entry, "annorect") for entry in entries], names)
    if rects.malformed:
        raise PoseError(f"{path}: {next(iter(rects.malformed.values()))}; write the submission again")
    joints, ids, placed = rects.people.joints, rects.people.person_ids, rects.people.annotated
    predicted = placed.any(axis=1)
    if (partial := predicted & ~placed.all(axis=1)).any():
        first = f"{partial.sum():,} rects have some but not all 16 points, first {ids[partial][0]}"
        raise PoseError(f"{path}: {first}; a prediction must place every joint")
    return Predictions(joints[predicted], ids[predicted])


def _poses(predictions: Predictions, people: People, annotations: Path) -> dict[str, np.ndarray]:
    """person_id -> (16, 2) of the test people, checked to be of nobody else and of all who are scored."""
    if predictions.joint_names != MPII.names or predictions.joints.shape[2] != 2:
        raise PoseError("predictions for a submission need MPII's 16 joints in 2D; use those of `ief predict`")
    if not np.isfinite(predictions.joints).all():
        raise PoseError(
            "a submission must place all 16 joints, and one is NaN for everybody; train on people who have it"
        )
    rows, _ = match(predictions, people, people.scored)
    has = rows >= 0
    if len(foreign := np.setdiff1d(np.arange(len(predictions)), rows[has])):
        first = name_of(predictions, foreign[0])
        raise PoseError(
            f"{len(foreign):,} predictions, first {first}, are not of {annotations}; predict its test split"
        )
    if len(missing := people.person_ids[people.scored & ~has]):
        count = f"{len(missing):,} of {int(people.scored.sum()):,} scored test rects"
        raise PoseError(f"{count} have no prediction, first {missing[0]}; MPII scores them all, so predict all of them")
    return dict(zip(people.person_ids[has].tolist(), predictions.joints[rows[has]], strict=True))


def _predicted_rects(annorect: object, image: str, pose_of: dict[str, np.ndarray]) -> np.ndarray:
    """An image's rects with scale and objpos as they were, and the pose of those that have one."""
    rows = []
    for place, rect in enumerate(records(annorect), start=1):
        objpos = [{"x": number(center["x"]), "y": number(center["y"])} for center in records(get(rect, "objpos"))]
        rows.append({"scale": get(rect, "scale"), "objpos": struct(objpos, ["x", "y"]) if objpos else EMPTY})
        if (pose := pose_of.get(f"{image}#{place}")) is not None:
            rows[-1]["annopoints"] = struct([{"point": points(pose, np.arange(len(MPII)))}], ["point"])
    return struct(rows, ["annopoints", "scale", "objpos"]) if rows else EMPTY
