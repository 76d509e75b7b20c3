"""A prepared dataset: preprocessed crops and annotations that training reads as they are.

    DIR/prepared.json      name, input size, border, splits: written last, so its presence means that all is there
    DIR/SPLIT.npz          the split's People (see mpii_tools.annotations.people_file)
    DIR/SPLIT-depth.npz    their depths, of people in three dimensions (see mpii_tools.people.Depth)
    DIR/SPLIT-crops.npy    (N, S, S, 3) uint8 RGB, S = input + 2 border: a memory map in use

A split that was prepared again may have `SPLIT-2` in its files' names, as prepared.json then says.

A crop holds the network's input at its own resolution and a border around it, so that rotating and shrinking find
real pixels. numpy and torch are all that is needed to train from it.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np

from checkpoints import PoseError, checksum, flush, name_fault
from mpii_tools.annotations.people_file import depth_path, load_people, read_description, split_files
from mpii_tools.crops import apply_affine, crop_matrices, invert_affine
from mpii_tools.formats.arrays import map_npy
from mpii_tools.people import People

BLOCK = 64  # crops that are written at a time


@dataclass(frozen=True)
class PreparedSplit:
    """One split of a prepared dataset, to train on.

    Attributes:
        people: N people, image pixels.
        crops: (N, S, S, 3) uint8 RGB, S = size + 2 border, a read-only memory map.
        size: side of the network's input.
        border: pixels around it, on every side.
        name: the dataset's name.
        split: the split's name.
        fingerprint: of people, crops, size and border: equal for equal data; None if the folder has no checksums.
    """

    people: People
    crops: np.ndarray
    size: int
    border: int
    name: str
    split: str
    fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.people)

    @property
    def margin(self) -> float:
        """Side of a crop / side of the network's input."""
        return (self.size + 2 * self.border) / self.size

    @property
    def to_crop(self) -> np.ndarray:
        """(N, 2, 3) affines from image pixels to the input's pixels."""
        return crop_matrices(self.people.crop_center, self.people.crop_side, self.size)

    @property
    def dimensions(self) -> int:
        """D of the joints: 3 for people with depths, else 2."""
        return 2 if self.people.depth is None else 3

    @property
    def joints(self) -> np.ndarray:
        """(N, K, D) float32 joints, x, y in the input's pixels and z in mm; NaN for what is missing."""
        return apply_affine(self.to_crop, self.people.coordinates).astype(np.float32)

    def to_image(self, joints: np.ndarray) -> np.ndarray:
        """(N, K, D) joints with x, y in the input's pixels -> image pixels, float64; z stays."""
        return apply_affine(invert_affine(self.to_crop), np.asarray(joints, dtype=np.float64))


def load_prepared(folder: str | Path, split: str, verify: bool = False) -> PreparedSplit:
    """One split of the dataset that `ief prepare` wrote to `folder`.

    Args:
        verify: read all crops, to compare their checksum: as a training does, once, at its start.

    Raises:
        PoseError: when the folder is not (or not completely) prepared, lacks the split, or holds corrupt files, or
            people or crops of another preparation.
    """
    description = read_description(folder)
    if split not in description["splits"]:
        known = ", ".join(description["splits"]) or "none"
        advice = "; say the split when preparing, as in `--annotations train=PATH`" if known == "all" else ""
        raise PoseError(f"{folder}: has no split '{split}'; it has {known}{advice}")
    people_path, depth, path = split_files(folder, split, split in description["second"])
    people = load_people(people_path)
    size, border = description["input"], description["border"]
    with name_fault(path, "corrupt or missing", "run `ief prepare` again", OSError, ValueError, EOFError):
        crops = map_npy(path)
    expected = (len(people), size + 2 * border, size + 2 * border, 3)
    if crops.shape != expected or crops.dtype != np.uint8:
        raise PoseError(f"{path}: holds {crops.dtype} {crops.shape}, expected uint8 {expected}; prepare again")
    if people.depth is None and split in description["depth"]:
        raise PoseError(f"{depth}: missing; run `ief prepare` again")
    fingerprint = None
    if isinstance(sums := description["sums"].get(split), dict):
        there = sum_files(people_path, sum_crops(crops) if verify else sums.get("crops", ""))
        if wrong := [what for what, value in there.items() if value != sums.get(what)]:
            raise PoseError(f"{folder}: the {wrong[0]} of '{split}' are not those that were prepared; prepare again")
        fingerprint = sha256(json.dumps([sums, size, border], sort_keys=True).encode()).hexdigest()[:16]
    return PreparedSplit(people, crops, size, border, description["name"], split, fingerprint)


def sum_files(people: Path, crops: str) -> dict[str, str]:
    """What prepared.json says of a split's bytes: SHA-256 of the file of its people, and of their depths if they have
    some; and `crops`, the CRC-32 of its crops."""
    depth = depth_path(people)
    return {"people": checksum(people), "crops": crops} | ({"depths": checksum(depth)} if depth.is_file() else {})


def write_crops(path: Path, side: int, crops: Iterable[np.ndarray]) -> tuple[int, str]:
    """Write crops (side, side, 3) uint8, and wait until the disk has them; returns their number and `sum_crops`.

    Raises:
        OSError: when the disk refuses.
    """
    count, value, crops = 0, 0, iter(crops)
    with path.open("wb") as file:
        for last in (False, True):  # numpy makes the header as long for any count
            file.seek(0)
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
            np.lib.format.write_array_header_1_0(file, header)
            # Some at a time: after each write and each sum this thread waits for its turn among those that decode.
            while block := [] if last else list(islice(crops, BLOCK)):
                data = np.stack(block)
                file.write(data.data)
                value, count = zlib.crc32(data, value), count + len(block)
    flush(path)
    return count, f"{value:08x}"


def sum_crops(crops: Iterable[np.ndarray]) -> str:
    """CRC-32 of crops (S, S, 3) uint8, in hex: it finds a hole, in half the time of a SHA-256."""
    return f"{reduce(lambda value, crop: zlib.crc32(crop, value), crops, 0):08x}"
