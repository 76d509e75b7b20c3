"""Which of MPII's labelled persons are Tompson's 2,958 validation persons: the split the field reports on.

`tompson_split.npy` holds one 64-bit fingerprint a person, sorted, and nothing of the annotations themselves. It was
written once by `save_fingerprints` from the people of MPII's `annolist` of those persons.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import numpy as np

from mpii_tools.formats.files import atomic_path

FILE = Path(__file__).with_suffix(".npy")


def fingerprints(images: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """A person's 64-bit hash (BLAKE2b) of image file name and objpos rounded to whole pixels.

    Args:
        images: (N,) file names; folders before the name do not count.
        centre: (N, 2) objpos, 0-based image pixels, finite.

    Returns:
        (N,) uint64, the same on every machine.
    """
    keys = (
        f"{os.path.basename(image)} {x:.0f} {y:.0f}".encode()
        for image, (x, y) in zip(images.tolist(), np.rint(centre).tolist(), strict=True)
    )
    digests = b"".join(hashlib.blake2b(key, digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def is_validation(images: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(N,) bool: Tompson's validation persons among (N,) images and (N, 2) centres. NaN is nobody's centre."""
    known = np.isfinite(centre).all(axis=1)
    found = np.zeros(len(images), bool)
    found[known] = np.isin(fingerprints(images[known], centre[known]), _stored())
    return found


def split_by_name(path: Path, images: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The split of each person in a file that has no such field.

    A file called train, valid or test holds that split. Any other: 'valid' for Tompson's persons and 'train' for
    the rest if it holds some of them, '' for all if it holds none.
    """
    if path.stem in ("train", "valid", "test"):
        return np.full(len(images), path.stem)
    valid = is_validation(images, centre)
    return np.where(valid, "valid", "train" if valid.any() else "")


def save_fingerprints(images: np.ndarray, centre: np.ndarray, path: str | os.PathLike = FILE) -> None:
    """Writes the sorted fingerprints of (N,) images and (N, 2) centres as .npy: how FILE was made."""
    with atomic_path(path) as part:
        np.save(part, np.unique(fingerprints(images, centre)))


@cache
def _stored() -> np.ndarray:
    return np.load(FILE, allow_pickle=False)
