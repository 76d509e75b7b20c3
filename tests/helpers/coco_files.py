"""People's files: COCO's by the rules of its own page (pixels from 0, boxes on pixel edges), HRNet's, and images."""

import json
import zlib
from pathlib import Path

import cv2
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


def hrnet_json(people) -> list[dict]:
    """The people as HRNet's and mmpose's files have them: from 1, -1 if missing; they count people and not rects."""
    joints = np.where(people.annotated[..., None], people.joints + 1, -1)
    rows = zip(people.images, people.center + 1, people.scale, joints, people.annotated.astype(int), strict=True)
    return [
        {"image": str(image), "center": center.tolist(), "scale": float(scale), "joints": joints.tolist(),
         "joints_vis": known.tolist()}
        for image, center, scale, joints, known in rows
    ]  # fmt: skip


def write_tree(path: Path, tree: object) -> Path:
    """JSON to a file; returns its path."""
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def write_images(folder: Path, *names: str, grays: tuple[int, ...] = ()) -> None:
    """Images of 80 x 60 pixels, each of a color of its own: the name's, or a gray."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        color = grays[number] if grays else list(zlib.crc32(name.encode()).to_bytes(4, "big")[:3])
        pixels = np.full((60, 80, 3), color, np.uint8)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, pixels)[1].tobytes())
