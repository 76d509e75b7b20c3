"""Suspect labels in the report: a table, a CSV for spreadsheets, and COCO's JSON for tools that relabel."""

import csv
import io
import json
from collections.abc import Sequence

import numpy as np

from evaluation.metrics import GroundTruth
from evaluation.metrics.oks import to_coco
from evaluation.metrics.suspects import Suspects, rank_suspects
from evaluation.report.material import Run, Section, View
from evaluation.report.tables import Cell, Table

SHOWN, RELABELED = 24, 100  # people in the table, and in the JSON


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
