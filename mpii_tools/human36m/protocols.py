"""Who trains and who tests, which frames of a video count, and which sequences are damaged."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

PROTOCOLS = {
    1: {"train": ("S1", "S5", "S6", "S7", "S8", "S9"), "valid": ("S11",)},
    2: {"train": ("S1", "S5", "S6", "S7", "S8"), "valid": ("S9", "S11")},
}
EVERY = {"train": 5, "valid": 64}  # the paper tests every 64th frame, and does not say which it trains on
DAMAGED = ("S9 Greeting 2", "S9 SittingDown 2", "S9 Waiting 1")  # labels drift
NO_VIDEO = ("S11 Directions 2", re.compile(r"54138969|ca_01"))  # of this camera
FRAME = re.compile(r"\d+(\.\w+)?$")


def split_of(subjects: Sequence[str], protocol: int = 2) -> np.ndarray:
    """(N,) 'train' or 'valid'; '' for subjects whom the protocol has not."""
    of = {subject: split for split, members in PROTOCOLS[protocol].items() for subject in members}
    return np.array([of.get(subject, "") for subject in subjects], dtype=np.str_)


def protocol_of(subjects: Sequence[str], split: np.ndarray) -> int | None:
    """The protocol, 2 before 1, that gives everybody the split (N,) that they have; None if neither does."""
    return next((number for number in (2, 1) if np.array_equal(split_of(subjects, number), split)), None)


def describe_protocol(number: int, every: int, leave_out_damaged: bool) -> str:
    """A protocol in words: its number, and where the images it tests on are not the paper's."""
    words = [f"Protocol {number}"]
    words += [f"but 1 of {every} frames"] if every != EVERY["valid"] else []
    words += ["without damaged sequences"] if leave_out_damaged else []
    return ", ".join(words)


def every_frame(images: np.ndarray, frames: np.ndarray, every: np.ndarray) -> np.ndarray:
    """(N,) bool: the first frame of each `every` (N,) in a video, counted from its first frame there.

    Of whole videos that is every N-th; of those from which frames were taken before, the nearest that are left. Frames
    that are one video have names that differ by their last number alone.

    Args:
        images: (N,) image file names.
        frames: (N,) numbers within the video.
        every: (N,) 1 or above.
    """
    _, video = np.unique([FRAME.sub("", image) for image in images.tolist()], return_inverse=True)
    first = np.full(video.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, video, frames)
    piece = (frames - first[video]) // every
    order = np.lexsort((frames, piece, video))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(video[order]) != 0) | (np.diff(piece[order]) != 0)
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order] = new
    return chosen


def is_damaged(sequences: np.ndarray, images: np.ndarray) -> np.ndarray:
    """(N,) bool: images of sequences whose labels or video are damaged. The paper names none left out."""
    name, camera = NO_VIDEO
    dark = sequences == name
    dark[dark] = [camera.search(image) is not None for image in images[dark].tolist()]
    return np.isin(sequences, DAMAGED) | dark
