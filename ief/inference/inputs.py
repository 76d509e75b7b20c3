"""Which images and videos to predict: files and folders of them, each once, under names that tell them apart."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from checkpoints import PoseError, log
from checkpoints.files import distinct_names, real_path
from ief.inference.boxes import person_box
from ief.inference.pixels import read_bytes
from ief.inference.stream import ImagePeople
from mpii_tools.images.header import read_header
from mpii_tools.images.index import SUFFIXES, list_passed, walk_files

CODECS = {".avi": "MJPG", ".mp4": "mp4v", ".mov": "mp4v", ".m4v": "mp4v"}  # of videos that are read and written
VIDEOS = (*CODECS, ".mkv", ".webm")


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
        # A file that is missing is told when it is read.
        inside = [*walk_files(path, (*SUFFIXES, *VIDEOS), passed, left_out)] if path.is_dir() else [path]
        if not inside and len(left_out) == before:
            left_out.append(f"{path}: holds {list_passed(passed) or 'nothing'}; give {kinds}")
        elif passed:
            log.warning(f"{path}: {list_passed(passed)} passed over; {kinds} are read")
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
    real = (real_path if os.path.exists(file) else os.path.abspath for file in files)  # a NUL has no real path
    again = [file for path, file in zip(real, files, strict=True) if kept.setdefault(path(file), file) is not file]
    if again:
        log.warning(f"{len(again):,} INPUT given before, first {again[0]}; each is predicted once")
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
    return [(name, copy if copies.count(copy) == 1 else f"{name}.pose{end}")
            for name, copy, end in zip(names, copies, endings, strict=True)]  # fmt: skip


def place_person(image: ImagePeople, center: Sequence[float] | None, scale: float | None) -> ImagePeople:
    """The image with one person at MPII's center (x, y) and scale; None takes those of one who fills the image."""
    try:
        width, height = read_header(read_bytes(image.image), str(image.image)).upright_size
    except PoseError:  # which is told when it is predicted
        return image
    return replace(image, boxes=person_box(width, height, center, scale))
