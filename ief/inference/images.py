"""Which persons of which photos to predict, and their poses: threads read, decode and crop while the network works."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from checkpoints.errors import BadInput
from heads.skeleton import MPII
from ief.inference.predictor import Network
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.header import PhotoHeader, read_header
from mpii_tools.images.sources import SUFFIXES
from mpii_tools.people import CENTRE_SHIFT, CROP_SIDE, People, make_people


@dataclass(frozen=True)
class PhotoBox:
    """A person in a photo.

    Attributes:
        path: the photo.
        centre: MPII's objpos, 0-based pixels; None for the photo's centre.
        scale: MPII's scale; None where the person fills the photo.
    """

    path: Path
    centre: tuple[float, float] | None = None
    scale: float | None = None

    def within(self, header: PhotoHeader) -> PhotoBox:
        """The box with what is missing filled in from the photo's size: a crop that holds the whole photo."""
        width, height = header.width, header.height
        scale = self.scale or max(width, height) / CROP_SIDE
        centre = self.centre or ((width - 1) / 2, (height - 1) / 2 - CENTRE_SHIFT * scale)
        return replace(self, centre=centre, scale=scale)


def find_photos(paths: Iterable[Path]) -> list[PhotoBox]:
    """A box without bounds for each photo; a folder stands for the photos in it, by name.

    Raises:
        BadInput: where a path does not exist or a folder holds no photo.
    """
    boxes = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.iterdir() if item.suffix.lower() in SUFFIXES and item.is_file())
            if not inside:
                raise BadInput(f"{path}: no photo ({', '.join(SUFFIXES)}) in this folder")
            boxes += map(PhotoBox, inside)
        elif path.is_file():
            boxes.append(PhotoBox(path))
        else:
            raise BadInput(f"{path}: no such file")
    return boxes


def read_list(path: Path) -> list[PhotoBox]:
    """Boxes from a text file, a person a line: `photo x y scale`, separated by tabs, or a photo alone.

    Photos are named from the list's folder. Raises BadInput, naming the line, where it is not of this form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as text ({error})") from error
    boxes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *numbers = line.split("\t")
        try:
            x, y, scale = map(float, numbers) if numbers else (0, 0, 1)
        except ValueError:
            x = y = scale = float("nan")
        if not (np.isfinite([x, y, scale]).all() and scale > 0):
            raise BadInput(f"{path}: line {number}: expected 'photo<TAB>x<TAB>y<TAB>scale', scale above 0: {line[:60]}")
        photo = find_photos([path.parent / name])[0]
        boxes.append(replace(photo, centre=(x, y), scale=scale) if numbers else photo)
    if not boxes:
        raise BadInput(f"{path}: names no photo")
    return boxes


def predict_boxes(network: Network, boxes: list[PhotoBox], size: int, batch: int) -> tuple[People, np.ndarray]:
    """The boxes as people without joints, and their poses (N, K, 2) float64 in image pixels.

    Args:
        size: side of the network's input.
        batch: crops a call of the network.

    Raises:
        BadInput: naming the photo that cannot be read or decoded.
    """
    filled, poses = [], []
    with tqdm(total=len(boxes), desc="predicting", unit="person", disable=None) as progress:
        for ready, crops in batches(cut(boxes, size, batch), batch):
            filled += ready
            poses.append(network(crops)[-1])
            progress.update(len(ready))
    people = as_people(filled)
    to_image = invert_affine(crop_matrices(people.crop_centre, people.crop_side, size))
    return people, apply_affine(to_image, np.concatenate(poses))


def as_people(boxes: list[PhotoBox]) -> People:
    """Boxes with nothing missing as people without joints."""
    return make_people(
        [box.path.name for box in boxes],
        np.full((len(boxes), len(MPII), 2), np.nan),
        centre=np.array([box.centre for box in boxes]),
        scale=np.array([box.scale for box in boxes]),
    )


def cut(boxes: list[PhotoBox], size: int, ahead: int) -> Iterator[tuple[list[PhotoBox], np.ndarray]]:
    """Boxes and crops (P, size, size, 3) photo by photo, in order; threads keep `ahead` photos ready."""
    waiting: deque = deque()
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "photos") as pool:
        for path, persons in groupby(boxes, key=lambda box: box.path):
            waiting.append(pool.submit(cut_photo, path, list(persons), size))
            if len(waiting) > 2 * ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def cut_photo(path: Path, boxes: list[PhotoBox], size: int) -> tuple[list[PhotoBox], np.ndarray]:
    """The crops (P, size, size, 3) uint8 of one photo's persons, and their boxes with nothing missing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    header = read_header(data, str(path))
    boxes = [box.within(header) for box in boxes]
    people = as_people(boxes)
    matrices = crop_matrices(people.crop_centre, people.crop_side, size)
    return boxes, decode_crops(data, str(path), matrices, size, header)


def batches(
    photos: Iterable[tuple[list[PhotoBox], np.ndarray]], batch: int
) -> Iterator[tuple[list[PhotoBox], np.ndarray]]:
    """The same boxes and crops, `batch` of them at a time."""
    boxes: list[PhotoBox] = []
    crops: list[np.ndarray] = []
    for found, cropped in photos:
        boxes += found
        crops += list(cropped)
        while len(boxes) >= batch:
            yield boxes[:batch], np.stack(crops[:batch])
            boxes, crops = boxes[batch:], crops[batch:]
    if boxes:
        yield boxes, np.stack(crops)
