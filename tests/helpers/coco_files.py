"""COCO keypoints files, written from people by the rules of COCO's own page: pixels from 0, boxes on pixel edges."""

import json
from pathlib import Path

import numpy as np

from mpii_tools.people import People


def coco_tree(people: People) -> dict:
    """The people as COCO's JSON: flag 2 for a joint, 0 0 0 for none; the box is the one of their center and scale."""
    numbers = {name: index for index, name in enumerate(dict.fromkeys(people.images.tolist()), 1)}
    annotations = []
    for row, image in enumerate(people.images.tolist()):
        flags = 2 * people.annotated[row]
        points = np.where(flags[:, None] > 0, people.joints[row], 0)
        side = 200 * people.scale[row]
        corner = people.crop_center[row] + 0.5 - side / 2
        annotations.append({
            "id": row + 1, "image_id": numbers[image], "category_id": 1, "iscrowd": 0,
            "num_keypoints": int((flags > 0).sum()), "area": float(side**2 / 2), "bbox": [*corner.tolist(), side, side],
            "keypoints": np.column_stack([points, flags]).ravel().tolist(),
        })  # fmt: skip
    return {
        "images": [{"id": index, "file_name": name} for name, index in numbers.items()],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(people.joint_names)}],
    }


def write_tree(path: Path, tree: object) -> Path:
    """JSON to a file; returns its path."""
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path
