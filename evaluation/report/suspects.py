"""Suspect labels in the report: a table, a CSV for spreadsheets, and COCO's JSON for tools that relabel."""

import csv
import io
import json
from collections.abc import Sequence

import numpy as np

from evaluation.metrics.ground_truth import GroundTruth
from evaluation.metrics.suspects import Suspects, rank_suspects
from evaluation.report.material import Run, View
from evaluation.report.page import Section
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
    rows = [(people[row], suspects.kinds[row], Cell(suspects.scores[row], digits=2)) for row in suspects.order[:SHOWN]]
    table = Table("Suspect labels, the most suspect first", ("Person", "Kind", "Score"), tuple(rows))
    text = (
        f"People on whom {', '.join(run.name for run in posed)} agree with each other and not with the label. The "
        "score is 0 to 1, the mean over joints; the kind is the repair that explains it. suspects.csv has everybody, "
        f"suspects.json the labels of the first {RELABELED} in COCO's form."
    )
    files = {"suspects.csv": to_csv(suspects, people, images), "suspects.json": to_coco(suspects, gt, people, images)}
    return Section("Suspect labels", [text], {"suspects": table}, folded=frozenset({"suspects"}), files=files)


def to_csv(suspects: Suspects, people: Sequence[str], images: Sequence[str]) -> bytes:
    """A row per person, the most suspect first."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("rank", "person_id", "image", "kind", "score"))
    for rank, row in enumerate(suspects.order, 1):
        rows.writerow((rank, people[row], images[row], suspects.kinds[row], f"{suspects.scores[row]:.4f}"))
    return text.getvalue().encode()


def to_coco(suspects: Suspects, gt: GroundTruth, people: Sequence[str], images: Sequence[str]) -> bytes:
    """COCO keypoints of the labels as they are, with person_id, kind and score as `attributes`."""
    rows = suspects.order[:RELABELED]
    number = {image: index for index, image in enumerate(dict.fromkeys(images[row] for row in rows), 1)}
    annotations = []
    for index, row in enumerate(rows, 1):
        joints, labeled = gt.known[row, :, :2], gt.annotated[row]
        low, high = np.nanmin(joints, axis=0), np.nanmax(joints, axis=0)
        annotations.append({
            "id": index, "image_id": number[images[row]], "category_id": 1, "iscrowd": 0,
            "num_keypoints": int(labeled.sum()), "area": float(np.prod(high - low)),
            "keypoints": np.nan_to_num(np.column_stack([joints, 2 * labeled])).ravel().tolist(),
            "bbox": [*low.tolist(), *(high - low).tolist()],
            "attributes": {"person_id": str(people[row]), "kind": str(suspects.kinds[row]),
                           "score": round(float(suspects.scores[row]), 4)},
        })  # fmt: skip
    edges = [[child + 1, parent + 1] for child, parent in enumerate(gt.skeleton.parents) if parent >= 0]
    tree = {
        "images": [{"id": index, "file_name": str(image)} for image, index in number.items()],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(gt.skeleton.names), "skeleton": edges}],
    }
    return json.dumps(tree, indent=1).encode()
