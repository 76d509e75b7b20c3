"""Which images to predict, and which people of them: image files, folders, and files of boxes."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, takewhile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import distinct_names, read_text, require_file
from ief.inference.boxes import intersect_over_union, person_box, person_boxes, to_corners
from ief.inference.pixels import read_bytes
from ief.inference.stream import ImagePeople
from mpii_tools.formats import coco_images as coco
from mpii_tools.formats.lines import split_line
from mpii_tools.images.header import read_header
from mpii_tools.images.index import SUFFIXES, ImageIndex, index_numbers, list_passed, walk_files
from mpii_tools.prepared.write import compare_sizes

EXPECTED = "expected 'image x1 y1 x2 y2', with a score after it or not, or 'image x y scale'"
CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".mov": "mp4v", ".m4v": "mp4v"}  # of videos that are read and written
VIDEOS = (*CODECS, ".mkv", ".webm")
SAME = 0.9  # intersection over union of two boxes above which they are one person's, given twice
HEADER = re.compile(r"#|\ufeff?(image|file|name|path)\w*[\s,]", re.IGNORECASE)


def find_inputs(paths: Iterable[Path]) -> tuple[list[Path], list[Path], list[str]]:
    """The images and the videos of `paths`, each once; a folder means those in it and in the folders inside it.

    A file with another ending than theirs is what its content is. One line on stderr says what a folder holds besides.

    Returns:
        The images, the videos, and a line for each folder that cannot be read or holds neither.

    Raises:
        PoseError: folders without any.
    """
    asked, left_out, kinds = [], [], f"images ({', '.join(SUFFIXES)}) and videos ({', '.join(VIDEOS)})"
    for path in paths:
        passed, before = Counter(), len(left_out)
        walk = walk_files(path, (*SUFFIXES, *VIDEOS), passed, left_out)
        inside = list(walk) if path.is_dir() else [path]  # a file that is missing is told when it is read
        if not inside and len(left_out) == before:
            left_out.append(f"{path}: holds {list_passed(passed) or 'nothing'}; give {kinds}")
        elif passed:
            print(f"{path}: {list_passed(passed)} passed over; {kinds} are read", file=sys.stderr)
        asked += inside
    if left_out and not asked:
        raise PoseError(left_out[0])
    files = {path: is_video(path) for path in drop_repeated(asked)}
    return [path for path in files if not files[path]], [path for path in files if files[path]], left_out


def is_video(path: Path) -> bool:
    """Whether a file is a video by its ending, or, with an ending of neither kind, OpenCV finds frames in it."""
    if path.suffix.lower() in (*VIDEOS, *SUFFIXES) or not path.is_file():
        return path.suffix.lower() in VIDEOS
    return cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT) > 1  # an image has one, if any


def drop_repeated(files: Sequence[Path]) -> list[Path]:
    """Each file once, at its first place; one line on stderr says what was given again, by another path too."""
    kept: dict[str, Path] = {}
    again = [file for file in files if kept.setdefault(os.path.realpath(file), file) is not file]
    if again:
        print(f"{len(again):,} INPUT given before, first {again[0]}; each is predicted once", file=sys.stderr)
    return list(kept.values())


def whole_images(files: Sequence[Path]) -> list[ImagePeople]:
    """The images without boxes, under names that tell them apart."""
    return [ImagePeople(path, name=name) for path, name in zip(files, distinct_names(files), strict=True)]


def name_videos(files: Sequence[Path]) -> list[tuple[str, str]]:
    """For each video its name in the results, and that of its annotated copy; both tell the videos apart.

    `clip.mp4` becomes `clip.pose.mp4`; if there is a `clip.MP4` too, they become `clip.mp4.pose.mp4` and so on. What
    OpenCV reads and does not write becomes an .mp4.
    """
    names = distinct_names(files)
    endings = [end if (end := file.suffix.lower()) in CODECS else ".mp4" for file in files]
    copies = [f"{Path(name).with_suffix('').as_posix()}.pose{end}" for name, end in zip(names, endings, strict=True)]
    longer = [f"{name}.pose{end}" for name, end in zip(names, endings, strict=True)]
    return [(name, copy if copies.count(copy) == 1 else long)
            for name, copy, long in zip(names, copies, longer, strict=True)]  # fmt: skip


def place_person(image: ImagePeople, center: Sequence[float] | None, scale: float | None) -> ImagePeople:
    """The image with one person at MPII's center (x, y) and scale; None takes those of one who fills the image."""
    try:
        width, height = read_header(read_bytes(image.image), str(image.image)).upright_size
    except PoseError:  # which is told when it is predicted
        return image
    return replace(image, boxes=person_box(width, height, center, scale))


class NamedBox(NamedTuple):
    """A line of a file of boxes: an image's name, the box (4,) or None for the whole image, its score; ids.

    `sized` says that the file had the box as x y width height, `size` what the image is of, width and height, or NaN.
    """

    image: str
    box: np.ndarray | None
    score: float = float("nan")
    image_id: int | str | None = None
    category_id: int | str = coco.PERSON
    sized: bool = False
    size: tuple[float, float] = (np.nan, np.nan)


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
    named: dict[str, list[NamedBox]] = {}
    left_out = []
    if path.is_dir():
        files = files or sorted(item for item in path.iterdir() if item.suffix.lower() in SUFFIXES)
        entries = read_label_files(path, files)
    else:
        text = read_boxes_text(require_file(path))
        entries = (read_coco_boxes if text.lstrip()[:1] in ("[", "{") else read_listed_boxes)(path, text)
    for entry in entries:
        if isinstance(entry, str):
            left_out.append(entry)
        else:
            boxes = named.setdefault(entry.image.replace("\\", "/").removeprefix("./"), [])
            boxes += [] if entry.score < min_score else [entry]
    least = f" with a score of {min_score:g} or more" if min_score > 0 else ""
    if not any(named.values()):
        raise PoseError(left_out[0] if left_out else f"{path}: names no image{least}")
    names_of, ambiguous = match_names(named, path.parent, files)
    left_out += [f"{path}: {line}" for line in ambiguous.values()]
    ours = {*ambiguous, *chain(*names_of.values())}
    others = {name: len(boxes) for name, boxes in named.items() if boxes and name not in ours}
    boxes_of = {image: list(chain(*map(named.get, names))) for image, names in names_of.items()}
    resized = find_resized(boxes_of, path)
    left_out += resized.values()
    boxes_of = {image: boxes for image, boxes in boxes_of.items() if image not in resized}
    if files:
        if others:
            count = f"{sum(others.values()):,} boxes passed over, of {len(others):,} images that are no INPUT"
            number = next(filter(str.isdigit, others), None)
            advice = f"; for names instead of numbers ({number}) give file_name or `images`" if number else ""
            print(f"{path}: {count}{advice}", file=sys.stderr)
        unclear = {image for image, names in names_of.items() if len(names) > 1}
        boxes_of = {image: boxes for image, boxes in boxes_of.items() if image not in unclear}
        left_out += [
            f"{file}: {path.name} has {' and '.join(names_of[file][:2])}, and it could be either"
            if file in unclear
            else f"{file}: {path.name} has no box of it{least}"
            for file in files
            if not boxes_of.get(file) and file not in resized
        ]
    elif others:
        left_out.append(
            f"{path}: {sum(others.values()):,} of its boxes name an image by a number that none or several have, first "
            f"{next(iter(others))}; give file_name, or annotations with their `images`"
        )
    if not any(boxes_of.values()):
        raise PoseError(left_out[0])
    single = {image: drop_same(boxes) for image, boxes in boxes_of.items()}
    if again := sum(map(len, boxes_of.values())) - sum(map(len, single.values())):
        print(f"{path}: {again:,} boxes passed over that are nearly another one's (IoU above {SAME})", file=sys.stderr)
    images = []
    for image in whole_images([image for image, boxes in single.items() if boxes]):
        _, boxes, scores, ids, categories, sized, _ = zip(*single[image.image], strict=True)
        if not any(box is None for box in boxes):  # else one of its lines means the whole image
            image = replace(image, boxes=np.array(boxes), box_scores=np.array(scores), sized=all(sized))
        images.append(replace(image, image_id=ids[0], category_id=categories[0]))
    return images, left_out


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


def drop_same(boxes: list[NamedBox]) -> list[NamedBox]:
    """An image's boxes, in order, without those nearly equal to one with a better score, or to one before."""
    if any(box.box is None for box in boxes):
        return boxes
    corners, kept = np.array([box.box for box in boxes]).reshape(-1, 4), []
    for row in np.argsort([-np.nan_to_num(box.score) for box in boxes], kind="stable").tolist():
        if not (intersect_over_union(corners[row], corners[kept]) > SAME).any():
            kept.append(row)
    return [boxes[row] for row in sorted(kept)]


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
    images = files or sorted(item for item in folder.iterdir() if item.suffix.lower() in SUFFIXES)
    by_path = {image.absolute().as_posix(): image for image in images}
    index, by_number = ImageIndex(tuple(by_path)), index_numbers(by_path)
    base = os.path.commonprefix([*by_path]).rpartition("/")[0]  # noqa: RUF071  (of letters, cut back to a folder)
    names_of: dict[str, tuple[Path, list[str]]] = {}
    ambiguous = {}
    for name in names:
        last = name.rpartition("/")[2] if files else name
        try:
            if not files and os.path.exists(folder / name):
                image = folder / name
            elif len(here := index.candidates(f"{base}/{name}".lstrip("/"))) == 1:
                image = by_path[here[0]]
            elif index.candidates(name):
                image = by_path[index.find(name)]
            elif len(namesakes := index.candidates(last)) == 1:
                image = by_path[namesakes[0]]
            else:
                image = by_path.get(by_number.get(coco.image_key(last)))
                image = image or (None if files or name.isdigit() else folder / name)
            if image is not None:
                names_of.setdefault(os.path.realpath(image), (image, []))[1].append(name)
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
        for token in reversed(tokens[1:]):  # the first is the image's name, which may be a number
            try:
                numbers.insert(0, float(token))
            except ValueError:
                break
        if not line.strip() or (HEADER.match(line.strip() + " ") and not numbers):
            continue
        name = " ".join(tokens[: len(tokens) - len(numbers)])
        if not name or len(numbers) not in (0, 3, 4, 5):
            yield f"{path}: line {number}: {EXPECTED}: {line.strip()[:60]}"
        elif len(numbers) == 3 and not (np.isfinite(numbers).all() and numbers[2] > 0):
            yield f"{path}: line {number}: {EXPECTED}, finite and scale above 0: {line.strip()[:60]}"
        elif len(numbers) == 3:
            yield NamedBox(name, person_boxes(np.array([numbers[:2]]), np.array(numbers[2:]))[0])
        else:
            yield NamedBox(name, np.array(numbers[:4]) if numbers else None, *numbers[4:])


def read_label_files(folder: Path, files: Sequence[Path]) -> Iterator[NamedBox | str]:
    """The people of YOLO's labels, a `NAME.txt` in the folder for each image; a line without use as what is wrong.

    A line is `class cx cy w h` in parts of the image, with a score or not, as Ultralytics writes it; class 0 is people.
    """
    stems = Counter(file.stem for file in files)
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
                yield f"{labels}: line {number}: expected 'class cx cy w h' in 0..1, with a score or not: {line[:60]}"
                continue
            if kind == 0:
                yield NamedBox(file.name, to_corners(np.array([values[:4]]))[0] * [*size, *size], *values[4:])


def read_coco_boxes(path: Path, text: str) -> Iterator[NamedBox | str]:
    """The people of COCO JSON; an entry without use as what is wrong with it.

    Results (a list with `image_id` or `file_name`, `bbox` x y width height, `score`), annotations (`images` and
    `annotations`), or what Ultralytics writes. Its `predictions.json` is COCO's results; its `to_json()` has a `box` of
    x1, y1, x2, y2 and `confidence`, but names no image: `image_id` or `file_name` has to be added.

    Raises:
        PoseError: another JSON, or nobody in it.
    """
    try:
        tree, names, rows, categories = json.loads(text), None, {}, [coco.PERSON]
        if isinstance(tree, dict):
            if "images" in tree:
                names, rows = coco.image_names(tree["images"]), coco.index_images(tree["images"])
            tree, categories = tree["annotations"], coco.person_categories(tree.get("categories") or [])
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
        print(f"{path}: {others}, {len(entries) - len(people):,} are crowds; passed over", file=sys.stderr)
    for number, entry in enumerate(people, start=1):
        try:
            score, box = entry.get("score", entry.get("confidence")), coco.entry_box(entry)
            if box is None:
                raise ValueError("bbox is missing")
            name, score = coco.image_of(entry, names), float("nan") if score is None else float(score)
            row = rows.get(coco.image_key(entry.get("image_id"))) or rows.get(name, {})
            sides = row.get("width"), row.get("height")
            size = tuple(side if isinstance(side, (int, float)) and side > 0 else np.nan for side in sides)
            known = (coco.id_of(entry, row), entry.get("category_id", categories[0]), "box" not in entry)
            yield NamedBox(name, box, score, *known, size)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            yield f"{path}: entry {number}: no image_id and bbox x y width height ({reason})"
