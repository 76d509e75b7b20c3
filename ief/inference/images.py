"""Which people of which images to predict, and their poses: threads read, decode and crop while the network works."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from checkpoints.errors import PoseError
from checkpoints.progress import progress
from heads.skeleton import MPII
from ief.inference.predictor import Network
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.images.decode import decode_crops
from mpii_tools.images.header import ImageHeader, read_header
from mpii_tools.images.sources import SUFFIXES
from mpii_tools.people import CENTER_SHIFT, CROP_SIDE, People, make_people


@dataclass(frozen=True)
class ImageBox:
    """A person in an image.

    Attributes:
        path: the image.
        center: MPII's objpos, 0-based pixels; None for the image's center.
        scale: MPII's scale; None if the person fills the image.
    """

    path: Path
    center: tuple[float, float] | None = None
    scale: float | None = None

    def within(self, header: ImageHeader) -> ImageBox:
        """The box with what is missing filled in from the image's size: a crop that holds the whole image."""
        width, height = header.width, header.height
        scale = self.scale or max(width, height) / CROP_SIDE
        center = self.center or ((width - 1) / 2, (height - 1) / 2 - CENTER_SHIFT * scale)
        return replace(self, center=center, scale=scale)


def find_images(paths: Iterable[Path]) -> list[ImageBox]:
    """A box without center and scale for each image; a folder means the images in it, by name.

    Raises:
        PoseError: when a path does not exist or a folder holds no image.
    """
    boxes = []
    for path in paths:
        if path.is_dir():
            inside = sorted(item for item in path.iterdir() if item.suffix.lower() in SUFFIXES and item.is_file())
            if not inside:
                raise PoseError(f"{path}: no image ({', '.join(SUFFIXES)}) in this folder")
            boxes += map(ImageBox, inside)
        elif path.is_file():
            boxes.append(ImageBox(path))
        else:
            raise PoseError(f"{path}: no such file")
    return boxes


def read_list(path: Path) -> list[ImageBox]:
    """Boxes from a text file, one line per person: `image x y scale`, separated by tabs, or an image alone.

    Paths are relative to the list's folder. Raises PoseError, naming the line, if it is not in this format.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PoseError(f"{path}: cannot be read as text ({error})") from error
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
            raise PoseError(
                f"{path}: line {number}: expected 'image<TAB>x<TAB>y<TAB>scale', scale above 0: {line[:60]}"
            )
        image = find_images([path.parent / name])[0]
        boxes.append(replace(image, center=(x, y), scale=scale) if numbers else image)
    if not boxes:
        raise PoseError(f"{path}: names no image")
    return boxes


def predict_boxes(network: Network, boxes: list[ImageBox], size: int, batch_size: int) -> tuple[People, np.ndarray]:
    """The boxes as people without joints, and their poses (N, K, 2) float64 in image pixels.

    Args:
        size: side of the network's input.
        batch_size: crops per call of the network.

    Raises:
        PoseError: naming the image that cannot be read or decoded.
    """
    filled, poses = [], []
    with progress(desc="predicting", total=len(boxes), unit="person") as counter:
        for cropped, crops in batches(cut(boxes, size, batch_size), batch_size):
            filled += cropped
            poses.append(network(crops)[-1])
            counter.update(len(cropped))
    people = as_people(filled)
    to_image = invert_affine(crop_matrices(people.crop_center, people.crop_side, size))
    return people, apply_affine(to_image, np.concatenate(poses))


def as_people(boxes: list[ImageBox]) -> People:
    """Complete boxes as people without joints."""
    return make_people(
        [box.path.name for box in boxes],
        np.full((len(boxes), len(MPII), 2), np.nan),
        center=np.array([box.center for box in boxes]),
        scale=np.array([box.scale for box in boxes]),
    )


def cut(boxes: list[ImageBox], size: int, ahead: int) -> Iterator[tuple[list[ImageBox], np.ndarray]]:
    """Boxes and crops (P, size, size, 3) image by image, in order; threads work `ahead` images ahead."""
    waiting: deque = deque()
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "images") as pool:
        for path, people in groupby(boxes, key=lambda box: box.path):
            waiting.append(pool.submit(cut_image, path, list(people), size))
            if len(waiting) > 2 * ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def cut_image(path: Path, boxes: list[ImageBox], size: int) -> tuple[list[ImageBox], np.ndarray]:
    """The crops (P, size, size, 3) uint8 of one image's people, and their boxes, complete."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror})") from error
    header = read_header(data, str(path))
    boxes = [box.within(header) for box in boxes]
    people = as_people(boxes)
    matrices = crop_matrices(people.crop_center, people.crop_side, size)
    return boxes, decode_crops(data, str(path), matrices, size, header)


def batches(
    images: Iterable[tuple[list[ImageBox], np.ndarray]], batch_size: int
) -> Iterator[tuple[list[ImageBox], np.ndarray]]:
    """The same boxes and crops, `batch_size` of them at a time."""
    boxes: list[ImageBox] = []
    crops: list[np.ndarray] = []
    for of_image, cropped in images:
        boxes += of_image
        crops += list(cropped)
        while len(boxes) >= batch_size:
            yield boxes[:batch_size], np.stack(crops[:batch_size])
            boxes, crops = boxes[batch_size:], crops[batch_size:]
    if boxes:
        yield boxes, np.stack(crops)
