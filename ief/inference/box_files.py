"""Files that say where the people of images are: COCO's JSON, lines of text, and folders of YOLO's labels."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from checkpoints import PoseError, log, read_text, require_file
from checkpoints.files import distinct_names, real_path
from heads.skeleton import Skeleton
from ief.inference.boxes import drop_overlapping, person_boxes, pose_boxes, to_corners
from ief.inference.pixels import read_bytes
from ief.inference.stream import ImagePeople
from mpii_tools.formats import coco_images as coco
from mpii_tools.formats.lines import split_line
from mpii_tools.images.header import compare_sizes, read_header
from mpii_tools.images.index import SUFFIXES, ImageIndex, index_numbers
from mpii_tools.results.predictions import name_poses, read_predictions

EXPECTED = "'image x1 y1 x2 y2', with a score after it or not, or 'image x y scale', finite and with a scale above 0"
LABEL = "'class cx cy w h' in 0..1, with a score or not"
MOST = 1e9  # pixels; a number beyond overflows what is computed from it
SAME = 0.9  # intersection over union of two boxes above which they are one person's, given twice
HEADER = re.compile(r"#|\ufeff?(image|file|name|path)\w*[\s,]", re.IGNORECASE)


class NamedBox(NamedTuple):
    """A line of a file of boxes: an image's name, the box (4,) or None for the whole image, its score; ids.

    `sized` says that the file had the box as x y width height, `size` what the image is of, width and height, or NaN;
    `start` is a pose (K, D) to correct, in image pixels.
    """

    image: str
    box: np.ndarray | None
    score: float = float("nan")
    image_id: int | str | None = None
    category_id: int | str = coco.PERSON
    sized: bool = False
    size: tuple[float, float] = (np.nan, np.nan)
    start: np.ndarray | None = None

    @property
    def largest(self) -> float:
        """Of the numbers of box and score, by magnitude."""
        return np.nanmax(np.abs([0.0, self.score, *(() if self.box is None else self.box)]))


def read_boxes(path: Path, files: Sequence[Path], min_score: float = 0.0) -> tuple[list[ImagePeople], list[str]]:
    """The images and boxes of a file: COCO JSON, or text with one person per line; or of a folder of YOLO's labels.

    JSON: what `read_coco_boxes` takes. Text: `image x1 y1 x2 y2`, with a score after it or not, `image x y scale` with
    MPII's center and scale, or an image alone; separated by tabs, commas or spaces; a `#` begins a comment. A folder:
    what `read_label_files` takes. A box that is nearly another's is passed over, and counted in one line on stderr.

    Args:
        files: the images to predict; boxes of others are passed over, and counted in one line on stderr. Without any,
            names are relative to the file's folder, and all its images are predicted.
        min_score: boxes with a lower score are passed over.

    Returns:
        The images in the order of the file, and a line for each entry that cannot be used and for each of `files` that
        has no box.

    Raises:
        PoseError: when the file is missing, or nothing in it can be used.
    """
    if path.is_dir():
        files = files or list_images(path)
        return gather_people(path, read_label_files(path, files), files, min_score)
    text = read_boxes_text(require_file(path))
    read = read_coco_boxes if text.lstrip()[:1] in ("[", "{") else read_listed_boxes
    return gather_people(path, read(path, text), files, min_score)


def read_starts(
    path: Path, files: Sequence[Path], skeleton: Skeleton, dimensions: int
) -> tuple[list[ImagePeople], list[str]]:
    """The images and poses of a file of predictions, whatever `ief evaluate` reads, to be corrected: as `read_boxes`.

    Raises:
        PoseError: when the file holds no poses, none of the skeleton's joints, or does not tell their images.
    """
    predictions = read_predictions(path, skeleton.names)
    ids, names = predictions.person_ids, predictions.images
    if ids is None and names is None:
        raise PoseError(f"{path}: does not tell whose image each pose is of; give person_ids, or COCO's results")
    names = names.tolist() if ids is None else [person.rpartition("#")[0] for person in ids.tolist()]
    poses = name_poses(predictions, skeleton.names, dimensions, path)
    rows = zip(names, pose_boxes(poses), poses, strict=True)
    return gather_people(path, (NamedBox(name, box, start=pose) for name, box, pose in rows), files)


def gather_people(
    path: Path, found: Iterable[NamedBox | str], files: Sequence[Path], min_score: float = 0.0
) -> tuple[list[ImagePeople], list[str]]:
    """The images of the entries of a file, as `read_boxes` gives them.

    Args:
        path: the file, for messages and names.
        found: its entries; what is wrong with one instead of it.
    """
    entries = [
        f"{path}: a box of {entry.image} has a number beyond {MOST:g}; give pixels and a score"
        if isinstance(entry, NamedBox) and entry.largest > MOST else entry
        for entry in found
    ]  # fmt: skip
    left_out = [entry for entry in entries if isinstance(entry, str)]
    named: dict[str, list[NamedBox]] = {}  # names whose boxes are passed over are no other image's
    for entry in entries:
        if isinstance(entry, NamedBox):
            boxes = named.setdefault(entry.image.replace("\\", "/").removeprefix("./"), [])
            boxes += [] if entry.score < min_score else [entry]
    least = f" with a score of {min_score:g} or more" if min_score > 0 else ""
    if not any(named.values()):
        raise PoseError(left_out[0] if left_out else f"{path}: names no image{least}")
    names_of, ambiguous = match_names(named, path.parent, files)
    boxes_of = {image: list(chain(*map(named.get, names))) for image, names in names_of.items()}
    reasons = find_resized(boxes_of, path)
    for file in files:
        names = names_of.get(file, ())
        if file not in reasons and (len(names) > 1 or not boxes_of.get(file)):
            either = f"{' and '.join(names[:2])}, and it could be either"
            reasons[file] = f"{file}: {path.name} has {either if len(names) > 1 else f'no box of it{least}'}"
    left_out += [f"{path}: {line}" for line in ambiguous.values()]
    left_out += [reasons[image] for image in files or reasons if image in reasons]
    ours = {*ambiguous, *chain(*names_of.values())}
    others = {name: len(boxes) for name, boxes in named.items() if boxes and name not in ours}
    if others:
        number = next(filter(str.isdigit, others), None)
        advice = f"; for names instead of numbers ({number}) give file_name or `images`" if number else ""
        count = f"{sum(others.values()):,} boxes passed over, of {len(others):,} images that are not to be predicted"
        if files:
            log.warning(f"{path}: {count}{advice}")
        else:  # all the images of the file's folder are to be predicted
            left_out.append(f"{path}: {count}{advice}")
    boxes_of = {image: boxes for image, boxes in boxes_of.items() if boxes and image not in reasons}
    if not boxes_of:
        raise PoseError(left_out[0])
    return place_people(boxes_of, path), left_out


def place_people(boxes_of: dict[Path, list[NamedBox]], path: Path) -> list[ImagePeople]:
    """Images with their boxes, of the file at `path`; what is nearly a better one is passed over, and counted."""
    images, again = [], 0
    for image, name in zip(boxes_of, distinct_names([*boxes_of]), strict=True):
        boxes, columns = boxes_of[image], {}
        if not any(box.box is None for box in boxes):  # else one of its lines means the whole image
            corners, scores = np.array([box.box for box in boxes]), np.array([box.score for box in boxes])
            poses = [box.start for box in boxes if box.start is not None]
            rows = np.arange(len(boxes)) if poses else np.sort(drop_overlapping(corners, np.nan_to_num(scores), SAME))
            columns = {"boxes": corners[rows], "box_scores": scores[rows], "sized": all(box.sized for box in boxes)}
            columns |= {"start": np.stack(poses)} if poses else {}
            again += len(boxes) - len(rows)
        ids = {"image_id": boxes[0].image_id, "category_id": boxes[0].category_id}
        images.append(ImagePeople(image, name=name, **ids, **columns))
    if again:
        log.warning(f"{path}: {again:,} boxes passed over that are nearly another one's (IoU above {SAME})")
    return images


def find_resized(boxes_of: dict[Path, list[NamedBox]], path: Path) -> dict[Path, str]:
    """A line for each image whose boxes, by the file at `path`, are of another size than it is seen in."""
    lines = {}
    for image, boxes in boxes_of.items():
        sizes = np.array([box.size for box in boxes if np.isfinite(box.size).all()])
        with suppress(PoseError):  # of an image that cannot be read, which is told when it is predicted
            header = len(sizes) and read_header(read_bytes(image), str(image))
            upright, differs = compare_sizes(sizes, header, False) if header else (True, "")
            if not (differs or upright or header.upright_size == (header.width, header.height)):
                differs = f"labeled at {header.width} x {header.height} pixels, which EXIF asks to turn by 90 degrees"
            lines |= {image: f"{image}: {len(boxes):,} boxes of {path.name} left out: {differs}"} if differs else {}
    return lines


def read_boxes_text(path: Path) -> str:
    """A file's text. Raises PoseError for what is none."""
    try:
        return read_text(path)
    except (OSError, UnicodeError) as error:
        raise PoseError(f"{path}: cannot be read as text ({error})") from error


def list_images(folder: Path) -> list[Path]:
    """The images at the first level of a folder."""
    return sorted(item for item in folder.iterdir() if item.suffix.lower() in SUFFIXES)


def match_names(
    names: Iterable[str], folder: Path, files: Sequence[Path]
) -> tuple[dict[Path, list[str]], dict[str, str]]:
    """The images that names in a file of boxes mean, each with its names; and what is wrong with names of several.

    A name means an image by its path from the folder of them all, else by its path's end (`ImageIndex`), else by its
    file's name alone, else by the number that it is or ends with, as COCO's do. Several names may fit one of `files`,
    as `seq1/1.jpg` and `seq2/1.jpg` fit `seq2/1.jpg` by their last part: those count that share the longest end with
    its path. More than one is left if that tells no difference.

    Args:
        names: with slashes.
        folder: what names are relative to if there are no `files`; one that is no file there means one of its images.
        files: the images that names can mean; what else is named is in neither result.
    """
    by_path = {image.absolute().as_posix(): image for image in files or list_images(folder)}
    index, by_number = ImageIndex(tuple(by_path)), index_numbers(by_path)
    base = os.path.commonprefix([*by_path]).rpartition("/")[0]  # noqa: RUF071  (of letters, cut back to a folder)
    names_of: dict[str, tuple[Path, list[str]]] = {}
    ambiguous = {}
    for name in names:
        last = name.rpartition("/")[2] if files else name
        try:
            known = next((each for each in (f"{base}/{name}".lstrip("/"), name, last) if each in index), name)
            if not files and os.path.exists(folder / name):
                image = folder / name
            elif index.candidates(known):
                image = by_path[index.find(known)]
            else:
                image = by_path.get(by_number.get(coco.image_key(last)))
                image = image or (None if files or name.isdigit() else folder / name)
            if image is not None:
                names_of.setdefault(real_path(image), (image, []))[1].append(name)
        except PoseError as error:
            ambiguous[name] = str(error)
        except ValueError as error:  # a NUL, or half a letter
            ambiguous[name] = f"{name!r} is no name of a file ({error})"
    if not files:
        return dict(names_of.values()), ambiguous
    return {image: closest_names(image, several) for image, several in names_of.values()}, ambiguous


def closest_names(image: Path, names: list[str]) -> list[str]:
    """Those of the names that share the longest end with an image's path."""
    end = image.absolute().parts[::-1]
    shared = {name: sum(takewhile(bool, map(str.__eq__, end, name.split("/")[::-1]))) for name in names}
    return [name for name in names if shared[name] == max(shared.values())]


def read_listed_boxes(path: Path, text: str) -> Iterator[NamedBox | str]:
    """The lines of a text; one that cannot be used as what is wrong with it."""
    for number, line in enumerate(text.splitlines(), start=1):
        tokens, numbers = split_line(line), []
        with suppress(ValueError):
            for token in reversed(tokens[1:]):  # the first is the image's name, which may be a number
                numbers.insert(0, float(token))
        if not line.strip() or (HEADER.match(line.strip() + " ") and not numbers):
            continue
        name, count = " ".join(tokens[: len(tokens) - len(numbers)]), len(numbers)
        placed = count == 3 and np.max(np.abs(numbers)) < MOST and numbers[2] > 0
        if not name or not (placed or count in (0, 4, 5)):
            yield f"{path}: line {number}: expected {EXPECTED}: {line.strip()[:60]}"
        elif placed:
            yield NamedBox(name, person_boxes(np.array([numbers[:2]]), np.array(numbers[2:]))[0])
        else:
            yield NamedBox(name, np.array(numbers[:4]) if numbers else None, *numbers[4:])


def read_label_files(folder: Path, files: Sequence[Path]) -> Iterator[NamedBox | str]:
    """The people of YOLO's labels, a `NAME.txt` in the folder for each image; a line without use as what is wrong.

    A line is `class cx cy w h` in parts of the image, with a score or not, as Ultralytics writes it; class 0 is people,
    and the others' boxes are counted in one line on stderr.
    """
    stems, others = Counter(file.stem for file in files), 0
    for file in files:
        labels = folder / f"{file.stem}.txt"
        if not labels.is_file():
            continue
        try:
            if stems[file.stem] > 1:
                raise PoseError(f"{labels}: {stems[file.stem]} images have that name, among them {file}; rename them")
            lines = read_boxes_text(labels).splitlines()
            size = read_header(read_bytes(file), str(file)).upright_size
        except PoseError as error:
            yield str(error)
            continue
        for number, line in enumerate(lines, start=1):
            try:
                kind, *values = map(float, line.split() or [-1])
                if kind == 0 and not (len(values) in (4, 5) and min(values) >= 0 and max(values) <= 1):
                    raise ValueError
            except ValueError:
                yield f"{labels}: line {number}: expected {LABEL}: {line[:60]}"
                continue
            others += kind > 0
            if kind == 0:
                yield NamedBox(file.name, to_corners(np.array([values[:4]]))[0] * [*size, *size], *values[4:])
    if others:
        log.warning(f"{folder}: {others:,} boxes of other classes than 0, people, passed over")


def read_coco_boxes(path: Path, text: str) -> Iterator[NamedBox | str]:
    """The people of COCO JSON; an entry without use as what is wrong with it.

    Results (a list with `image_id` or `file_name`, `bbox` x y width height, `score`), annotations (`images` and
    `annotations`), or what Ultralytics writes. Its `predictions.json` is COCO's results; its `to_json()` has a `box` of
    x1, y1, x2, y2 and `confidence`, but names no image: `image_id` or `file_name` has to be added.

    Raises:
        PoseError: another JSON, or nobody in it.
    """
    try:
        tree, images, categories = json.loads(text), None, [coco.PERSON]
        if isinstance(tree, dict):
            images, categories = tree.get("images"), coco.person_categories(tree.get("categories") or [])
            tree = tree["annotations"]
        names, rows = None if images is None else coco.image_names(images), coco.index_images(images or [])
        if tree and not any(isinstance(entry, dict) for entry in tree):
            raise TypeError("a list without an object")
        entries = [entry for entry in tree if not isinstance(entry, dict) or coco.is_person(entry, categories)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise PoseError(f"{path}: no COCO results or annotations ({type(error).__name__}: {error})") from error
    people = [entry for entry in entries if not (isinstance(entry, dict) and entry.get("iscrowd"))]
    kinds = ", ".join(map(str, categories))
    if tree and not people:
        of_people = f"category_id {kinds}, and iscrowd not 1"
        raise PoseError(f"{path}: none of its {len(tree):,} entries is a person ({of_people}); make it of people")
    if len(people) < len(tree):
        others = f"{len(tree) - len(entries):,} of {len(tree):,} boxes are of other categories than {kinds}"
        log.warning(f"{path}: {others}, {len(entries) - len(people):,} are crowds; passed over")
    for number, entry in enumerate(people, start=1):
        try:
            score, box = entry.get("score", entry.get("confidence")), coco.entry_box(entry)
            name = coco.image_of(entry, names)
            if box is None:
                raise ValueError("bbox is missing")
            row = rows.get(coco.image_key(entry.get("image_id"))) or rows.get(name, {})
            sides = (row.get("width"), row.get("height"))
            size = tuple(float(side) if isinstance(side, (int, float)) and side > 0 else np.nan for side in sides)
            known = (coco.id_of(entry, row), entry.get("category_id", categories[0]), "box" not in entry)
            yield NamedBox(name, box, float("nan") if score is None else float(score), *known, size)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            yield f"{path}: entry {number}: no image_id and bbox x y width height ({reason})"
