"""A split's crops on disk: a .npy that is written crop by crop, and the checksum of what it holds."""

import zlib
from collections.abc import Iterable
from functools import reduce
from itertools import islice
from pathlib import Path

import numpy as np

from checkpoints.files import flush

BLOCK = 64  # crops that are written at a time


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
