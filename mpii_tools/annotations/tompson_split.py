"""Which of MPII's labelled people are Tompson's 2,958 validation people: the split the field reports on.

`tompson_split.npy` holds one 64-bit fingerprint per person, sorted, and nothing of the annotations themselves. It is
`np.unique(fingerprints(images, center))` of the people of MPII's own `annolist` of them.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import numpy as np

from mpii_tools.annotations.split_names import TRAINVAL, split_in_name

FILE = Path(__file__).with_suffix(".npy")


def fingerprints(images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """A person's 64-bit hash (BLAKE2b) of image file name and objpos rounded to whole pixels.

    Args:
        images: (N,) file names; folders before the name do not count.
        center: (N, 2) objpos, 0-based image pixels, finite.

    Returns:
        (N,) uint64, the same on every machine.
    """
    keys = (
        f"{os.path.basename(image)} {x:.0f} {y:.0f}".encode()
        for image, (x, y) in zip(images.tolist(), np.rint(center).tolist(), strict=True)
    )
    digests = b"".join(hashlib.blake2b(key, digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def is_validation(images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """(N,) bool: Tompson's validation people among (N,) images and (N, 2) centers; never those with a NaN center."""
    known = np.isfinite(center).all(axis=1)
    found = np.zeros(len(images), bool)
    found[known] = np.isin(fingerprints(images[known], center[known]), _stored())
    return found


def split_by_name(path: Path, images: np.ndarray, center: np.ndarray) -> np.ndarray:
    """The split of each person in a file that has no such field.

    A file whose name says train, valid or test (`split_in_name`) holds that split. Any other: 'valid' for Tompson's
    people and 'train' for the rest if it holds some of his, '' for all if it holds none.
    """
    word = split_in_name(path.name)
    if word not in (None, TRAINVAL):
        return np.full(len(images), word)
    valid = is_validation(images, center)
    return np.where(valid, "valid", "train" if valid.any() or word else "")


@cache
def _stored() -> np.ndarray:
    return np.load(FILE, allow_pickle=False)
