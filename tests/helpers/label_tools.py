"""One set of drawn people as six programs' users label and export them: keys, order and units as those write them.

Each function writes a dataset's annotations to `folder`, beside its images in `folder/images`, and returns what
`ief prepare` takes. Of COCO's joints some take twelve, `LIMBS`, and some call them by numbers.
"""

import json
from pathlib import Path

import cv2
import numpy as np
from coco_files import write_tree
from other_people import draw_coco

from heads.skeleton import COCO17
from mpii_tools.people import People

LIMBS = COCO17.names[5:]
EDGES = [[6, 7], [6, 8], [8, 10], [7, 9], [9, 11], [12, 13], [6, 12], [7, 13], [12, 14], [14, 16], [13, 15], [15, 17]]
LIMB_EDGES = [[end - 5 for end in edge] for edge in EDGES]  # among the twelve, from 1


def draw_labeled(folder: Path, train: int, valid: int) -> People:
    """Drawn people with COCO's 17 joints, a fifth of them hidden; images in `images/train` and `images/valid`."""
    people = {}
    for split, count in (("train", train), ("valid", valid)):
        (folder / "images" / split).mkdir(parents=True)
        people[split] = draw_coco(folder / "images" / split, count, seed=len(people))
        for name in people[split].images.tolist():
            (folder / "images" / split / name).rename(folder / "images" / split / f"{split}{name}")
    names = [f"{split}/{split}{name}" for split, part in people.items() for name in part.images.tolist()]
    joints = np.concatenate([part.joints for part in people.values()])
    hidden = np.random.default_rng(0).random(joints.shape[:2]) < 0.2
    columns = {name: np.concatenate([getattr(part, name) for part in people.values()]) for name in ("center", "scale")}
    split = np.repeat([*people], [len(part) for part in people.values()])
    sizes = [cv2.imread(str(folder / "images" / name)).shape[1::-1] for name in names]
    return People(names, joints, split=split, visible=~hidden, image_size=np.array(sizes), skeleton=COCO17, **columns)


def _take(people: People, joints: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(N, J, 2) places and (N, J) COCO's flags of some joints."""
    places = [COCO17.index(joint) for joint in joints]
    return people.joints[:, places], people.visible[:, places] + 1


def _boxes(people: People) -> np.ndarray:
    """(N, 4) x y width height of squares that hold the people."""
    side = 200 * people.scale[:, None]
    return np.hstack([people.crop_center + 0.5 - side / 2, side, side])


def write_cvat(folder: Path, people: People, names: tuple[str, ...] = LIMBS) -> list[str]:
    """CVAT's "COCO Keypoints 1.0", a file per split: the skeleton among other labels, outside points with v = 0."""
    arguments = []
    for split in ("train", "valid"):
        part = people.select(people.split == split)
        (points, flags), boxes, images, annotations = _take(part, LIMBS), _boxes(part), [], []
        for row, name in enumerate(part.images.tolist(), 1):
            width, height = part.image_size[row - 1].astype(int).tolist()
            images.append({"id": row, "width": width, "height": height, "file_name": Path(name).name, "license": 0,
                           "flickr_url": "", "coco_url": "", "date_captured": 0})  # fmt: skip
            annotations.append({
                "id": row, "image_id": row, "category_id": 2, "segmentation": [], "area": boxes[row - 1, 2] ** 2,
                "bbox": boxes[row - 1].tolist(), "iscrowd": 0,
                "attributes": {"occluded": False, "track_id": 0, "keyframe": True},
                "keypoints": np.column_stack([points[row - 1], flags[row - 1]]).ravel().tolist(),
                "num_keypoints": len(LIMBS),
            })  # fmt: skip
        annotations[0]["keypoints"][:3] = [12.0, 34.0, 0]  # outside: with coordinates
        annotations.append(annotations[0] | {"id": 0, "keypoints": [], "num_keypoints": 0, "bbox": [0, 0, 0, 0]})
        categories = [{"id": 1, "name": "car", "supercategory": "", "keypoints": [], "skeleton": []},
                      {"id": 2, "name": "body", "supercategory": "", "keypoints": [*names],
                       "skeleton": LIMB_EDGES}]  # fmt: skip
        tree = {"licenses": [{"name": "", "id": 0, "url": ""}], "info": {"contributor": "", "version": ""},
                "categories": categories, "images": images, "annotations": annotations}  # fmt: skip
        (folder / f"annotations_{split}").mkdir()
        path = write_tree(folder / f"annotations_{split}" / "person_keypoints_default.json", tree)
        arguments.append(f"{split}={path}")
    return arguments


def write_cvat_numbers(folder: Path, people: People) -> list[str]:
    """The same with the names that a skeleton has whose joints nobody named."""
    return write_cvat(folder, people, tuple(map(str, range(1, len(LIMBS) + 1))))


def write_yolo_text(folder: Path, people: People, joints: tuple[str, ...], about: str) -> list[str]:
    """Ultralytics' data.yaml, images and labels."""
    (points, flags), boxes = _take(people, joints), _boxes(people)
    for row, name in enumerate(people.images.tolist()):
        size = people.image_size[row]
        corner, side = boxes[row, :2], boxes[row, 2:]
        numbers = [*((corner + side / 2) / size), *(side / size)]
        for point, flag in zip(points[row] / size, flags[row], strict=True):
            numbers += [*point, flag] if flag else [0, 0, 0]
        label = folder / "labels" / Path(name).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("0 " + " ".join(f"{number:.6g}" for number in numbers) + "\n")
    (folder / "data.yaml").write_text(f"path: .  # dataset root\ntrain: images/train\nval: images/valid\n{about}")
    return [str(folder / "data.yaml")]


def write_yolo12(folder: Path, people: People) -> list[str]:
    """Twelve joints without names, whose pairs `flip_idx` tells."""
    about = f"kpt_shape: [12, 3]\nflip_idx: {[joint ^ 1 for joint in range(12)]}\nnames:\n  0: person\n"
    return write_yolo_text(folder, people, LIMBS, about)


def write_yolo17(folder: Path, people: People) -> list[str]:
    """COCO's joints as coco-pose.yaml names them."""
    names = "".join(f"    - {name}\n" for name in COCO17.names)
    flip = list(COCO17.flip_permutation)
    about = f"kpt_shape: [17, 3]  # x, y, visible\nflip_idx: {flip}\nnames:\n  0: person\nkpt_names:\n  0:\n{names}"
    return write_yolo_text(folder, people, COCO17.names, about)


def labelme_trees(people: People) -> list[dict]:
    """A JSON for each image, of points and a rectangle of one group."""
    (points, flags), boxes, trees = _take(people, LIMBS), _boxes(people), []
    for row, name in enumerate(people.images.tolist()):
        width, height = people.image_size[row].astype(int).tolist()
        common = {"group_id": 1, "description": "", "mask": None}
        x, y, side, _ = boxes[row].tolist()
        shapes = [{"label": "person", "points": [[x + side, y], [x, y + side]], "shape_type": "rectangle",
                   "flags": {}, **common}]  # fmt: skip
        shapes += [common | {"label": joint, "points": [point], "shape_type": "point",
                             "flags": {"occluded": bool(flag == 1)}}
                   for joint, point, flag in zip(LIMBS, points[row].tolist(), flags[row], strict=True)]  # fmt: skip
        trees.append({"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": Path(name).name,
                      "imageData": None, "imageHeight": height, "imageWidth": width})  # fmt: skip
    return trees


def write_labelme(folder: Path, people: People) -> list[str]:
    """Beside the images."""
    for name, tree in zip(people.images.tolist(), labelme_trees(people), strict=True):
        (folder / "images" / name).with_suffix(".json").write_text(json.dumps(tree))
    return [f"{split}={folder / 'images' / split}" for split in ("train", "valid")]


def label_studio_tasks(people: People) -> list[dict]:
    """Percent of the image, uploaded files, points joined to boxes in either way."""
    (points, _), boxes, tasks = _take(people, LIMBS), _boxes(people), []
    for row, name in enumerate(people.images.tolist()):
        width, height = people.image_size[row].astype(int).tolist()
        about = {"original_width": width, "original_height": height, "image_rotation": 0, "to_name": "img",
                 "origin": "manual"}  # fmt: skip
        x, y, side, _ = boxes[row].tolist()
        value = {"x": 100 * x / width, "y": 100 * y / height, "width": 100 * side / width,
                 "height": 100 * side / height, "rotation": 0, "rectanglelabels": ["person"]}  # fmt: skip
        result = [about | {"value": value, "id": "box1", "from_name": "box", "type": "rectanglelabels"}]
        for place, (joint, point) in enumerate(zip(LIMBS, points[row].tolist(), strict=True)):
            value = {"x": 100 * point[0] / width, "y": 100 * point[1] / height, "width": 0.4, "keypointlabels": [joint]}
            parent = {"parentID": "box1"} if row % 2 else {}
            one = about | {"value": value, "id": f"p{place}", "from_name": "kp", "type": "keypointlabels"} | parent
            relation = {"from_id": f"p{place}", "to_id": "box1", "type": "relation", "direction": "right"}
            result += [one] if parent else [one, relation]
        annotation = {"id": row, "completed_by": 1, "result": result, "was_cancelled": False, "ground_truth": False}
        tasks.append({"id": row + 7, "annotations": [annotation], "file_upload": f"0123abcd-{Path(name).name}",
                             "data": {"img": f"/data/upload/1/0123abcd-{Path(name).name}"}, "predictions": [],
                             "project": 1})  # fmt: skip
    return tasks


def write_label_studio(folder: Path, people: People) -> list[str]:
    """A file per split."""
    arguments = []
    for split in ("train", "valid"):
        path = write_tree(folder / f"project_{split}.json", label_studio_tasks(people.select(people.split == split)))
        arguments.append(f"{split}={path}")
    return arguments


PROGRAMS = {
    "CVAT": write_cvat,
    "CVAT numbers": write_cvat_numbers,
    "YOLO 12": write_yolo12,
    "YOLO 17": write_yolo17,
    "labelme": write_labelme,
    "Label Studio": write_label_studio,
}
