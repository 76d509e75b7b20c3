"""Suspect labels: people on whom several networks agree with each other and not with the annotation.

In the report they are a table, a CSV for spreadsheets, and COCO's JSON for tools that relabel.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike

from checkpoints.errors import PoseError
from evaluation.metrics import GroundTruth, has_size, nan_mean
from evaluation.metrics.oks import to_coco
from evaluation.report.material import Run, Section, View
from evaluation.report.tables import Cell, Table

REPAIRED = 0.5  # of its score, at most, is what a repaired label may have left to tell what the fault was
SHOWN, RELABELED = 24, 100  # people in the table, and in the JSON


@dataclass(frozen=True, eq=False)
class Suspects:
    """How suspect the labels of N people are.

    Attributes:
        scores: (N,) 0 to 1, the mean over a person's annotated joints of how far a label is from where the networks
            agree, beyond how far they are from it themselves, at most 1: a head size in PCKh, else twice the main
            threshold. NaN without an annotated joint or a size.
        kinds: (N,) which repair leaves at most half of the score: 'mirrored' exchanges left and right, 'neighbor' takes
            the label of another person of the image, 'displaced' moves all joints alike; else 'other'.
        joints: (N, K, 2) where the networks agree, the median of x and of y in image pixels; NaN if not annotated.
    """

    scores: np.ndarray
    kinds: np.ndarray
    joints: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """The rows of the people with a score above 0, the most suspect first."""
        return np.argsort(-np.nan_to_num(self.scores), kind="stable")[: (self.scores > 0).sum()]


def rank_suspects(predictions: Sequence[ArrayLike], gt: GroundTruth, images: Sequence[str]) -> Suspects:
    """How far each person's label is from where several networks agree, and which fault would explain it.

    Args:
        predictions: of two or more networks, (N, K, D) each, x and y in image pixels.
        gt: of the same people.
        images: N names.

    Raises:
        PoseError: fewer than two networks; shapes that do not match; an annotated joint without a finite position.
    """
    if len(predictions) < 2:
        raise PoseError("suspect labels: one network cannot agree with itself; give the predictions of two or more")
    poses = np.stack([gt.check(pred)[..., :2] for pred in predictions])
    agreed, known = np.median(poses, axis=0), gt.known[..., :2]
    apart = np.linalg.norm(poses - agreed, axis=-1).max(axis=0)
    unit = 2 * gt.measure.main * np.where(has_size(gt.size), gt.size, np.nan)[:, None]

    def rate(labels: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        beyond = np.linalg.norm(agreed[rows] - labels, axis=-1) - apart[rows]
        return nan_mean(np.clip(beyond / unit[rows], 0, 1), axis=1)

    here: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        here.setdefault(image, []).append(row)
    pairs = [pair for rows in here.values() for pair in permutations(rows, 2)]
    person, other = np.array(pairs, dtype=int).reshape(-1, 2).T
    neighbor = np.full(len(gt), np.inf)
    np.fmin.at(neighbor, person, rate(known[other], person))
    shift, scores = nan_mean(agreed - known, axis=1)[:, None], rate(known)
    mirrored = rate(known[:, list(gt.skeleton.flip_permutation)])
    repairs = {"mirrored": mirrored, "neighbor": neighbor, "displaced": rate(known + shift)}
    left = np.nan_to_num(np.stack(list(repairs.values())), nan=np.inf)
    kinds = np.where(left.min(axis=0) <= REPAIRED * scores, np.array(list(repairs))[left.argmin(axis=0)], "other")
    return Suspects(scores, kinds, agreed)


def make_section(runs: Sequence[Run], view: View, people: Sequence[str], images: Sequence[str]) -> Section | None:
    """The section, of the last stages of the runs that have predictions; None for fewer than two.

    Args:
        people, images: N person_ids and names of images.
    """
    posed = [run for run in runs if run.last in run.poses]
    if len(posed) < 2:
        return None
    gt, poses = view(2, *(run.poses[run.last] for run in posed))
    suspects = rank_suspects(poses, gt, images)
    head = "Person", "Image", "Kind", "Score"
    rows = [
        (people[row], images[row], suspects.kinds[row], Cell(suspects.scores[row], digits=3)) for row in suspects.order
    ]
    csv.writer(sheet := io.StringIO(), lineterminator="\n").writerows([head, *rows])
    text = (
        f"People on whom {', '.join(run.name for run in posed)} agree with each other and not with the label. The "
        "score is 0 to 1, the mean over joints; the kind is the repair that explains it. suspects.csv has everybody, "
        f"suspects.json the labels of the first {RELABELED} in COCO's form."
    )
    tables = {"suspects": Table("Suspect labels, the most suspect first", head, tuple(rows[:SHOWN]))}
    files = {"suspects.csv": sheet.getvalue().encode(), "suspects.json": label_coco(suspects, gt, people, images)}
    return Section("Suspect labels", [text], tables, folded=frozenset(tables), files=files)


def label_coco(suspects: Suspects, gt: GroundTruth, people: Sequence[str], images: Sequence[str]) -> bytes:
    """COCO keypoints of the labels as they are, with person_id, kind and score as `attributes`."""
    rows = suspects.order[:RELABELED]
    known, annotated, low = gt.known[rows, :, :2], gt.annotated[rows], np.nanmin(gt.known[rows, :, :2], axis=1)
    number = {image: index for index, image in enumerate(dict.fromkeys(images[row] for row in rows), 1)}
    size = np.nanmax(known, axis=1) - low
    told = [
        {"person_id": str(people[row]), "kind": suspects.kinds[row], "score": suspects.scores[row].round(4)}
        for row in rows
    ]
    columns = {
        "id": np.arange(1, len(rows) + 1),
        "category_id": np.ones(len(rows), int),
        "iscrowd": np.zeros(len(rows), int),
        "num_keypoints": annotated.sum(axis=1),
        "bbox": np.hstack([low, size]),
        "area": size.prod(axis=1),
        "attributes": np.array(told),
    }
    annotations = to_coco([number[images[row]] for row in rows], np.nan_to_num(known), 2 * annotated, **columns)
    edges = [[child + 1, parent + 1] for child, parent in enumerate(gt.skeleton.parents) if parent >= 0]
    tree = {
        "images": [{"id": index, "file_name": str(image)} for image, index in number.items()],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(gt.skeleton.names), "skeleton": edges}],
    }
    return json.dumps(tree, indent=1).encode()
