"""YOLO-pose: a `data.yaml`, images, and for each image a text file of labels, as Ultralytics and Roboflow have them."""

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints import PoseError, escape_name, name_fault, read_text
from heads.skeleton import COCO17, Skeleton
from mpii_tools.annotations.coco import arrange_joints, build_marked, select_category
from mpii_tools.annotations.reading import NOT_AS, Reading, merge
from mpii_tools.formats.coco_images import as_ids
from mpii_tools.images.index import SUFFIXES, walk_files

SPLITS = {"train": "train", "val": "valid", "test": "test"}  # Ultralytics' names -> ours
MALFORMED = f"{NOT_AS} Ultralytics has them (label files, their lines counted from 1)"
UNLABELED = "images without a label file: nobody is labeled there"
ABSENT = "images of a list that are not there"
EMPTY = "folders and lists without an image"
SHARED = "images of two splits, which only the later one of train, val and test has"
SPARE = "label files without an image of theirs"
BEYOND = "people with a joint beyond 0..1, outside their image (label files and lines)"
ROUNDED = 1e-3  # by which a joint on the border may be beyond 0..1
FAR = 2.0  # images away: coordinates are not shares of the image
FOREIGN = "coordinates that are no shares of the image; divide x by its width and y by its height"
FLAGS = "a flag of a keypoint that is not from 0 to 2"
MOST = 1000  # keypoints
LONGEST = 80  # letters of a name in a message


def read_yolo(path: Path, stored: Any, skeleton: Skeleton | None = None, category: str | None = None) -> Reading:
    """The people of a `data.yaml`: `kpt_shape`; `path`, `train`, `val`, `test`; `names`, and what else it may have.

    A row of a label file is a class, the box's center and size and the keypoints x y or x y v, all but class and v as
    shares of the image as viewers show it. They become COCO's, in pixels (`coco.build_marked`). Names
    are those of `kpt_names`; without them `skeleton`'s if it has as many joints, COCO's for 17, else their numbers from
    0. `flip_idx` gives the pairs of names without sides, but if it exchanges nothing, as Roboflow writes it, it tells
    nothing. `kpt_oks_sigmas` are those of OKS; edges are taken from `skeleton`, if there is one.

    Args:
        path: the file, for messages.
        stored: its contents.
        skeleton, category: as of `read_coco`.

    Raises:
        PoseError: not of poses, no image, or nobody labeled as Ultralytics has it; the message has the first fault.
    """
    shape = stored.get("kpt_shape") if isinstance(stored, dict) else None
    if not (
        isinstance(shape, list) and [*map(type, shape)] == [int, int] and 0 < shape[0] < MOST and shape[1] in (2, 3)
    ):
        raise PoseError(
            f"{path}: no kpt_shape of joints and 2 or 3, so no poses; export as YOLO pose, or COCO keypoints"
        )
    root, split_of, lists, notes = _list_images(path, stored)
    (image_of, who, values, faults, sizes), of_files = _read_labels(root, split_of, lists, shape)
    shares, flags, far, beyond = _split_rows(values, shape)
    strange = ~((flags >= 0) & (flags <= 2)).all(axis=1) & ~far
    faults, far = np.where(strange, FLAGS, faults), far | strange
    malformed = [f"{row}: {fault or FOREIGN}" for row, fault in zip(who[far], faults[far], strict=True)]
    if far.all():
        first = f", first {malformed[0]}" if malformed else ""
        raise PoseError(f"{path}: nobody is labeled in its {len(split_of):,} images{first}; give YOLO pose's labels")
    classes = [int(number) for number in values[~far, 0].tolist()]
    category, kept = select_category(path, _list_categories(path, stored, shape[0], skeleton), category, classes)
    rows = np.flatnonzero(~far)[kept]
    if not len(rows):
        raise PoseError(f"{path}: nobody is labeled as --category says; choose another, or give YOLO pose's labels")
    boxes, image_of = values[rows, 1:5].reshape(-1, 2, 2) * sizes[rows], image_of[rows]
    boxes[:, 0] -= boxes[:, 1] / 2
    marked = np.dstack([shares[rows] * sizes[rows], flags[rows]])
    skeleton, order, guessed = arrange_joints(path, category, category.get("keypoints", []), marked, skeleton or COCO17)
    names = [_name_in(root, image) for image in split_of]
    columns = {
        "skeleton": skeleton,
        "split": np.array([*split_of.values()])[image_of],
        "image_ids": image_of + 1,
        "category_ids": as_ids([number for number, keep in zip(classes, kept, strict=True) if keep]),
    }
    notes |= {**of_files, BEYOND: who[~far & beyond].tolist()}
    images, findings = [names[number] for number in image_of.tolist()], ({MALFORMED: malformed}, merge(notes, guessed))
    reading = build_marked(images, marked, order, boxes.reshape(-1, 4), sizes[rows, 0], *findings, **columns)
    image_ids = {escape_name(name): number for number, name in enumerate(names, 1)}
    return replace(reading, format="YOLO-pose", image_ids=image_ids, folder=root)


def locate_labels(image: Path) -> Path:
    """The label file of an image: in the folder `labels` for the last `images` of its path, else beside it."""
    before, images, after = f"/{image.parent.as_posix()}/".rpartition("/images/")
    return Path(f"{before}/labels/{after}"[1:] if images else image.parent, f"{image.stem}.txt")


def _name_in(root: Path, file: Path) -> str:
    """The path of a file in a folder; the whole one if it is elsewhere."""
    return file.as_posix().removeprefix(f"{root.as_posix().rstrip('/')}/")


def _list_images(
    path: Path, stored: Mapping[str, Any]
) -> tuple[Path, dict[Path, str], list[Path], dict[str, list[str]]]:
    """The dataset's folder; its images -> split; the lists that name them; what was found on the way.

    A split is a folder or a list, or several. Roboflow's `../train/images` is a folder beside the file. An image of
    two splits is the later one's.

    Raises:
        PoseError: a split that is none or not there, a list that is no text, or no image at all.
    """
    base = path.parent / (stored["path"] if isinstance(stored.get("path"), str) else "")
    root, split_of = Path(os.path.normpath(base if os.path.isdir(base) else path.parent)), {}
    lists, notes = [], {EMPTY: [], SHARED: []}
    for key, split in SPLITS.items():
        entries = stored.get(key) if isinstance(stored.get(key), list) else [stored.get(key)]
        for entry in (entry for entry in entries if entry not in (None, "")):
            places = [root / str(entry), path.parent / str(entry).removeprefix("../")]
            place = Path(os.path.normpath(next(filter(os.path.exists, places), path)))
            if place.is_dir():
                images = [*walk_files(place, SUFFIXES, Counter())]
            elif place.suffix == ".txt":
                images = _read_list(place, root)
                lists.append(place)
            elif key == "test" and entry == "../test/images":  # Roboflow names it whether it is there or not
                continue
            else:
                named = str(entry)[:LONGEST]
                raise PoseError(f"{path}: {key}: no folder or list '{named}'; fix it, or path, or leave it out")
            notes[EMPTY] += [] if images else [f"{key}: {entry}"]
            notes[SHARED] += [_name_in(root, image) for image in images if split_of.get(image, split) != split]
            split_of |= dict.fromkeys(images, split)
    if not split_of:
        raise PoseError(f"{path}: no image in its train, val and test; check them and path")
    return root, split_of, lists, notes


def _read_list(file: Path, root: Path) -> list[Path]:
    """The images of a list, whose lines are relative to it, or to the dataset.

    Raises:
        PoseError: when it is no text.
    """
    with name_fault(file, "a list of images that is no UTF-8", "save it as such", ValueError):
        lines = [*filter(None, map(str.strip, read_text(file).splitlines()))]
    images = []
    for line in lines:
        name = line if os.path.exists(root / line) else line.replace("\\", "/")
        images.append(Path(os.path.normpath((file.parent if os.path.exists(file.parent / name) else root) / name)))
    return images


def _read_labels(
    root: Path, images: Iterable[Path], lists: Iterable[Path], shape: list[int]
) -> tuple[tuple[np.ndarray, ...], dict[str, list[str]]]:
    """All rows of the images' label files; images that are not there or have none, and label files without an image.

    Of R rows: the image's number; label file and line; numbers (R, columns), NaN if something is wrong; what that is;
    width and height of the image (R, 1, 2).
    """
    rows, labels = [], [*map(locate_labels, images)]
    notes = {UNLABELED: [], ABSENT: []}
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        if os.path.isfile(label):
            called = _name_in(root, label)
            rows += [(number, f"{called}:{line}", *row) for line, *row in _read_rows(label, image, shape)]
        else:
            notes[UNLABELED if os.path.isfile(image) else ABSENT].append(_name_in(root, image)[-LONGEST:])
    there = {file for folder in {label.parent for label in labels} for file in folder.glob("*.txt")}
    image_of, who, values, faults, sizes = map(np.array, zip(*rows, strict=True)) if rows else np.zeros((5, 0))
    columns = values.reshape(-1, 5 + shape[0] * shape[1]), faults, sizes.reshape(-1, 1, 2)
    notes[SPARE] = sorted(_name_in(root, label) for label in there - {*labels, *lists})
    return (image_of, who, *columns), notes


def _read_rows(
    label: Path, image: Path, shape: list[int]
) -> Iterator[tuple[int, Sequence[float], str, tuple[float, float]]]:
    """Of each row of a label file: its line, its numbers, what is wrong with it, and the size of its image.

    The numbers of a wrong one are NaN; a file or an image that cannot be read is line 0.
    """
    none, size = [np.nan] * (5 + shape[0] * shape[1]), (np.nan, np.nan)
    try:
        rows = {line: fields for line, row in enumerate(read_text(label).splitlines(), 1) if (fields := row.split())}
        if rows:
            from mpii_tools.images.header import read_header  # Pillow, which scoring does without

            size = read_header(image.read_bytes(), image.name).upright_size
    except (OSError, ValueError) as error:
        yield 0, none, str(error), size
        return
    for line, fields in rows.items():
        numbers, fault = none, ""
        if len(fields) != len(none):
            kind = "a box without keypoints" if len(fields) == 5 else f"{len(fields)} columns"
            fault = f"{kind}, not class, box and {shape[0]} keypoints of {shape[1]} numbers: {len(none)} columns"
        else:
            try:
                numbers = array("d", map(float, fields))
                if numbers[0] < 0 or numbers[0] != int(numbers[0]):
                    raise ValueError(f"class {fields[0]}")
            except (ValueError, OverflowError) as error:
                numbers, fault = none, str(error)
        yield line, numbers, fault, size


def _split_rows(values: np.ndarray, shape: list[int]) -> tuple[np.ndarray, ...]:
    """Shares (N, K, 2) and flags (N, K) of rows of numbers (N, columns); whose coordinates are no shares of an image,
    (N,) bool; and whose joints are beyond theirs.

    Joints that are not labeled are at 0, 0.
    """
    points = values[:, 5:].reshape(-1, *shape)
    flags = points[..., 2] if shape[1] == 3 else 2.0 * (points != 0).any(axis=2)
    shares = np.where(flags[..., None] != 0, points[..., :2], 0)
    extent = np.abs(np.hstack([shares.reshape(-1, 2 * shape[0]), values[:, 1:5]])).max(axis=1)
    beyond = ((shares < -ROUNDED) | (shares > 1 + ROUNDED)).any(axis=(1, 2))
    return shares, flags, ~(extent <= FAR), beyond


def _list_categories(
    path: Path, stored: Mapping[str, Any], joints: int, skeleton: Skeleton | None
) -> list[dict[str, Any]]:
    """The classes as COCO's categories; without `keypoints` if these are COCO's 17, or the skeleton's, in their order.

    Raises:
        PoseError: a `flip_idx` that does not exchange pairs, or another number of names.
    """
    flip, numbers = stored.get("flip_idx") or [*range(joints)], [*range(joints)]
    if not isinstance(flip, list) or not {*map(type, flip)} <= {int} or sorted(flip) != numbers or (
            [flip[at] for at in flip] != numbers):  # fmt: skip
        raise PoseError(f"{path}: flip_idx does not pair its {joints} keypoints, counted from 0; fix it, or remove it")
    pairs = [(other, joint) for joint, other in enumerate(flip) if other > joint]
    named = stored.get("kpt_names") or [[*map(str, numbers)]]
    named = [named] if isinstance(named, list) and isinstance(named[0], str) else named
    classes = stored.get("names") or ["person"]
    classes, named = (dict(enumerate(of)) if isinstance(of, list) else of for of in (classes, named))
    if not isinstance(classes, dict) or not isinstance(named, dict):
        raise PoseError(f"{path}: its names or kpt_names are no list and not by class; fix them")
    categories = [{"id": number, "name": name} for number, name in classes.items()]
    as_coco = joints == len(skeleton or COCO17) and (skeleton or not pairs or {*pairs} == {*COCO17.flip_pairs})
    for category in [] if as_coco and not stored.get("kpt_names") else categories:
        keypoints = named.get(category["id"], named.get(0))
        if not isinstance(keypoints, list) or len(keypoints) != joints:
            raise PoseError(f"{path}: its kpt_names are not those of {joints} keypoints; name each one")
        category |= {"keypoints": keypoints, "flip_pairs": [[keypoints[at] for at in pair] for pair in pairs]}
        category |= {"sigmas": stored.get("kpt_oks_sigmas"), "skeleton": stored.get("skeleton")}
    return categories
