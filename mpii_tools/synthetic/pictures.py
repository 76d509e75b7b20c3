"""A folder of drawn pictures: drawn by several processes, complete or started over.

Picture i is made from the seed and i alone, so the files are the same whatever the number of workers.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from checkpoints.errors import PoseError
from checkpoints.files import read_text, write_bytes
from checkpoints.progress import progress

Item, Drawn = TypeVar("Item"), TypeVar("Drawn")


def image_name(index: int) -> str:
    """File name of image `index`, nine digits as MPII's."""
    return f"{index + 1:09d}.jpg"


def check_counts(folder: Path, counts: dict[str, int]) -> None:
    """Raises PoseError for a negative number of images of a split, or none at all."""
    if min(counts.values()) < 0 or not any(counts.values()):
        raise PoseError(f"{folder}: cannot draw {counts} images; give numbers of at least 0, not all of them 0")


def is_complete(done: Path, parameters: dict[str, object], files: Iterable[Path], images: Path, count: int) -> bool:
    """Whether a folder holds the dataset of these parameters, all of it.

    Args:
        done: the JSON of the parameters, written last.
        files: what must be there besides; images: the folder of the `count` images.
    """
    try:
        same = json.loads(read_text(done)) == parameters
    except (OSError, ValueError):
        return False
    return same and all(f.is_file() for f in files) and len(list(images.glob("*.jpg"))) == count


def start_over(done: Path, images: Path, *files: Path) -> None:
    """Remove what an earlier call left: `done`, the images and `files`. Raises PoseError if it cannot be removed."""
    try:
        done.unlink(missing_ok=True)
        images.mkdir(parents=True, exist_ok=True)
        for left in (*images.glob("*.jpg"), *files):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise PoseError(f"{done.parent}: cannot be written ({error.strerror or error})") from error


def draw_all(draw: Callable[[Item], Drawn], items: Sequence[Item], workers: int | None) -> list[Drawn]:
    """What `draw` returns of every item, in order; it draws and writes a picture.

    `workers` is the number of processes, None for one per core.
    """
    workers = min(workers or os.cpu_count() or 1, len(items))
    counted = partial(progress, total=len(items), desc="drawing people", unit="image")
    if workers == 1:
        return list(counted(map(draw, items)))
    # Fresh processes: a forked one may inherit a lock of a thread pool that the parent runs.
    spawn, ignore_interrupts = multiprocessing.get_context("spawn"), (signal.SIGINT, signal.SIG_IGN)
    pool = ProcessPoolExecutor(workers, spawn, signal.signal, ignore_interrupts)
    try:
        return list(counted(pool.map(draw, items, chunksize=8)))
    finally:
        pool.shutdown(cancel_futures=True)


def write_picture(path: Path, picture: np.ndarray, rng: np.random.Generator) -> None:
    """A picture (H, W, 3) uint8 BGR as a JPEG of common quality."""
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(72, 94))])[1]
    write_bytes(path, jpeg.tobytes(), durable=False)
