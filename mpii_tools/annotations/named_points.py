"""Points with names, image by image, as labelme and Label Studio write them; they are read as COCO's keypoints."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from checkpoints.errors import PoseError
from mpii_tools.annotations.coco import read_coco
from mpii_tools.annotations.labels import HIDDEN, name_entry, read_entries, read_numbers
from mpii_tools.annotations.reading import NOT_AS, Reading, merge
from mpii_tools.formats.content import load_json
from mpii_tools.images.index import SUFFIXES

MALFORMED = NOT_AS + " {} has them (its images)"
OTHERS = "images with other shapes than points and rectangles, which are not used"
LABELME = ("shapes", "imagePath", "imageWidth", "imageHeight")  # not `imageData`, which may hold the image

# Of an image: its name; width and height; points (group, name, x, y, flag); boxes (group, x1, y1, x2, y2); others.
Labels = tuple[str, list, list[tuple], list[tuple], int]


def read_labelme(path: Path, stored: Any = None) -> Reading:
    """The people of labelme's JSON of one image, or of all such in a folder.

    A shape of type `point` is the joint of its `label`, hidden if a flag of it is called so, and a `rectangle` a box.
    Those of one `group_id` are one person; without any, points are of the one rectangle around them, or of one person.

    Raises:
        PoseError: nobody labeled so; the message has the first fault.
    """
    entries, malformed, folder = [], [], path.is_dir()
    for file in sorted(path.rglob("*.json")) if folder else [path]:
        try:
            tree = load_json(file) if folder else stored
        except PoseError as error:
            malformed.append(str(error))
            continue
        if isinstance(tree, dict) and "shapes" in tree:
            inside = file.relative_to(path).parent.as_posix() if folder else ""
            entries.append({"id": file.name, "folder": inside} | {key: tree.get(key) for key in LABELME})
    return _read_images(path, "labelme", entries, _read_shapes, malformed)


def read_label_studio(path: Path, stored: list[Any]) -> Reading:
    """The people of Label Studio's JSON.

    Points (`keypointlabels`) are in percent of the image, as boxes (`rectanglelabels`) are. A point is of the box that
    is its parent or that a relation joins it to; else of the one box around it, or of the image's one person. Of an
    image that several people labeled the first labels count.

    Raises:
        PoseError: nobody labeled so; the message has the first fault.
    """
    return _read_images(path, "Label Studio", stored, _read_task, [])


def _read_images(
    path: Path, program: str, entries: list, read: Callable[[dict], Labels], malformed: list[str]
) -> Reading:
    """The people of the entries of images, as COCO's, of all names of points in their order, numbers as such."""
    entries = [{"id": place} | entry if isinstance(entry, dict) else entry for place, entry in enumerate(entries)]
    columns, faults = read_entries(path, entries, lambda one: (name_entry(0, one), *read(one)), program, "its JSON")
    names = sorted({name for points in columns[3] for _, name, *_ in points}, key=_split_numbers)
    tree = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person", "keypoints": names}]}
    for number, (entry, image, size, points, found, _) in enumerate(zip(*columns, strict=True)):
        tree["images"].append({"id": number, "file_name": image, "width": size[0], "height": size[1]})
        boxes = {str(group): corners for group, *corners in found}
        people: dict[str, dict] = {group: {} for group in boxes}
        for group, name, *point in points:
            around = [key for key, at in boxes.items() if at[0] <= point[0] <= at[2] and at[1] <= point[1] <= at[3]]
            joints = people.setdefault(around[0] if group is None and len(around) == 1 else str(group), {})
            if name in joints:
                faults.append(f"{entry}: two points {name} of one person; give each person a box or a group")
            joints[name] = point
        sides = {group: [x1, y1, x2 - x1, y2 - y1] for group, (x1, y1, x2, y2) in boxes.items()}
        for group, joints in people.items():
            marked = [value for name in names for value in joints.get(name, (0, 0, 0))]
            person = {"id": entry, "image_id": number, "keypoints": marked, "bbox": sides.get(group)}
            tree["annotations"].append(person)
    if not names:
        first = f", first {faults[0]}" if faults else ""
        raise PoseError(f"{path}: no point in {len(columns[0]):,} images of {program}{first}; label joints as points")
    reading = read_coco(path, tree)
    faults = merge({MALFORMED.format(program): malformed + faults}, reading.faults)
    notes = merge({OTHERS: [entry for entry, *_, other in zip(*columns, strict=True) if other]}, reading.notes)
    return replace(reading, format=program, faults=faults, notes=notes)


def _read_shapes(entry: dict) -> Labels:
    """The labels of labelme's JSON. The caller catches what a bad one raises."""
    points, boxes = [], []
    for place, shape in enumerate(entry["shapes"]):
        kind, group = shape.get("shape_type"), shape.get("group_id")
        if kind == "point":
            hidden = any(told and name.lower() in HIDDEN for name, told in (shape.get("flags") or {}).items())
            at = read_numbers(shape["points"], (1, 2), "points")[0]
            points.append((group, str(shape["label"]), *at.tolist(), 1 if hidden else 2))
        elif kind == "rectangle":
            ends = np.sort(read_numbers(shape["points"], (2, 2), "points"), axis=0)
            boxes.append((f"box {place}" if group is None else group, *ends.ravel().tolist()))
    image = posixpath.normpath(posixpath.join(entry["folder"], entry["imagePath"].replace("\\", "/")))
    others = len(entry["shapes"]) - len(points) - len(boxes)
    return image, [entry["imageWidth"], entry["imageHeight"]], points, boxes, others


def _read_task(entry: dict) -> Labels:
    """The labels of a task of Label Studio's JSON. The caller catches what a bad one raises."""
    image = next(filter(None, map(_name_image, entry["data"].values())), "")
    if not image:
        raise ValueError("no image in its 'data'")
    told = (one["result"] for one in entry["annotations"] if not one.get("was_cancelled"))
    results, points, boxes, size = next(filter(None, told), []), [], [], np.full(2, np.nan)
    joined = {str(one["from_id"]): one["to_id"] for one in results if one.get("type") == "relation"}
    for result in results:
        value = result.get("value", {})
        if not {"keypointlabels", "rectanglelabels"} & value.keys():
            continue
        if result.get("image_rotation"):
            raise ValueError("its image was rotated in Label Studio; label it as it is")
        size = np.array([float(result[f"original_{side}"]) for side in ("width", "height")])
        corner = np.array([value["x"], value["y"]], dtype=float) / 100 * size
        if "keypointlabels" in value:
            group = result.get("parentID", joined.get(str(result.get("id"))))
            points.append((group, str(value["keypointlabels"][0]), *corner.tolist(), 2))
        else:
            sides = np.array([value["width"], value["height"]], dtype=float) / 100 * size
            boxes.append((result["id"], *corner.tolist(), *(corner + sides).tolist()))
    return image, size.tolist(), points, boxes, len(results) - len(points) - len(boxes) - len(joined)


def _name_image(value: object) -> str:
    """An image's address without what is behind `?`, or the part after `?d=` of a local file; empty for no image."""
    name = unquote(re.sub(r"^.*[?&]d=|[?#].*$", "", value)) if isinstance(value, str) else ""
    return name if name.lower().endswith(SUFFIXES) else ""


def _split_numbers(name: str) -> list[str | int]:
    """Sorts names with numbers in them: joint 9 before joint 10."""
    return [int(part) if at % 2 else part for at, part in enumerate(re.split(r"(\d+)", name))]
