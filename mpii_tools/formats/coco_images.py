"""What entries of COCO's JSON, annotations, results and detections, and of Ultralytics' say: image, box, person."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

PERSON = 1  # COCO's category


def plain_id(value: object) -> int | str | None:
    """An id, 139.0 as 139; None for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) and value != "" else None


def image_key(image_id: object) -> str | None:
    """An image's id as text, so that 139, 139.0, "139" and "139.0" are one; None for what is no id."""
    if isinstance(plain := plain_id(image_id), str):
        return re.sub(r"^(-?\d+)\.0+$", r"\1", plain)
    return None if plain is None else str(plain)


def image_names(images: Iterable[object]) -> dict[str, list[str]]:
    """`image_key` -> the file names of COCO's `images` of that id: one; none; or several, in joined files."""
    names: dict[str, list[str]] = {}
    for image in images:
        if isinstance(image, dict) and (key := image_key(image.get("id"))) is not None:
            named, name = names.setdefault(key, []), image.get("file_name")
            named += [name] if isinstance(name, str) and name not in ("", *named) else []
    return names


def index_images(images: Iterable[object]) -> dict[str, Mapping[str, Any]]:
    """Each of COCO's `images` by its file name, and by its `image_key` unless files of other names share it."""
    usable, names = [image for image in images if isinstance(image, dict)], image_names(images)
    by_key = {key: image for image in usable if len(names.get(key := image_key(image.get("id")), "no")) < 2}
    return {str(image.get("file_name")): image for image in usable} | by_key


def as_ids(values: Sequence[int | str | None]) -> np.ndarray | None:
    """Ids as a column of `People`: int64, or text unless all are whole numbers; None if one is missing or strange."""
    if not all(str(value).isprintable() for value in values) or None in values:
        return None
    whole = all(isinstance(value, int) and abs(value) < 2**63 for value in values)
    return np.array(values, dtype=np.int64 if whole else np.str_)


def image_of(entry: Mapping[str, Any], names: Mapping[str, Sequence[str]] | None) -> str:
    """The image of an entry: its `file_name`, else the name that `names` has for its `image_id`, else that id as text.

    Args:
        entry: an annotation, result or detection.
        names: as `image_names` of the entry's own file; None if the file has no `images`.

    Raises:
        ValueError: neither field, or an id that `names` has no name or several names for.
    """
    name, key = entry.get("file_name"), image_key(entry.get("image_id"))
    if isinstance(name, str) and name:
        return name
    if key is None:
        raise ValueError("neither image_id nor file_name says which image it is of")
    if names is None:  # text may be a name without its ending
        return str(plain_id(entry["image_id"]))
    if len(named := names.get(key, ())) != 1:
        fault = "an image without file_name" if key in names else "no image of the file"
        fault = f"{' and '.join(named[:2])}; make ids differ" if named else fault
        raise ValueError(f"its image_id {key[:40]} is {fault}")
    return named[0]


def id_of(entry: Mapping[str, Any], image: Mapping[str, Any]) -> int | str | None:
    """The id of an entry's image, as COCO's `images` have it in the row `image`, else the entry's; None without."""
    own = plain_id(image.get("id"))
    return plain_id(entry.get("image_id")) if own is None else own


def entry_box(entry: Mapping[str, Any]) -> np.ndarray | None:
    """(4,) x1 y1 x2 y2 of COCO's `bbox` (x y width height) or Ultralytics' `box`; None without either.

    Raises:
        ValueError, TypeError or KeyError: a box of another form.
    """
    if isinstance(entry.get("box"), dict):
        return np.array([float(entry["box"][edge]) for edge in ("x1", "y1", "x2", "y2")])
    if entry.get("bbox") is None:
        return None
    x, y, width, height = map(float, entry["bbox"])
    return np.array([x, y, x + width, y + height])


def person_categories(categories: Iterable[Mapping[str, Any]]) -> list[int | str]:
    """The ids of people's `categories`: those called person, or with keypoints, if there are none; COCO's without."""
    named = [entry["id"] for entry in categories if str(entry.get("name")).lower() == "person"]
    return named or [entry["id"] for entry in categories if entry.get("keypoints")] or [PERSON]


def is_person(entry: Mapping[str, Any], categories: Sequence[int | str] = (PERSON,)) -> bool:
    """Whether an entry is a person's, by COCO's `category_id` or the `name` of Ultralytics' `class`, if it has any."""
    if "class" in entry and entry.get("name") != "person":
        return False
    return "category_id" not in entry or image_key(entry["category_id"]) in map(image_key, categories)
