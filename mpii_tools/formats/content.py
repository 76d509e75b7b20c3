"""What kind of file it is, by its first bytes: endings do not tell."""

import os

from checkpoints.errors import PoseError
from checkpoints.files import require_file

HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES = (0, 512, 1024, 2048)  # MATLAB 7.3 puts its own header of 512 bytes before it
BYTE_ORDER_MARKS = b"\xef\xbb\xbf\xff\xfe\x00"  # of UTF-8 and of UTF-16, whose brackets have a zero byte beside them
MAGIC = {b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"\x93NUMPY": "npy", b"MATLAB": "mat",
         b"\xcd\xf3\x00\x01": "cdf", b"\xcd\xf2\x60\x02": "cdf"}  # fmt: skip


def content(path: str | os.PathLike) -> tuple[str, bytes]:
    """'npz', 'npy', 'mat' (MATLAB 5 and 7.3), 'hdf5', 'json', 'cdf' or '' for any other; and a file's first bytes.

    Raises:
        PoseError: no such file, or one that cannot be read.
    """
    path = require_file(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HDF5_PLACES[-1] + len(HDF5))
    except OSError as error:
        raise PoseError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
    if not kind and head.lstrip(BYTE_ORDER_MARKS + b" \t\r\n")[:1] in (b"[", b"{"):
        kind = "json"
    return "hdf5" if not kind and is_hdf5(head) else kind, head


def is_hdf5(head: bytes) -> bool:
    """Whether the first bytes of a file hold HDF5's mark, at one of the places where it may be."""
    return any(head.startswith(HDF5, place) for place in HDF5_PLACES)


def described(head: bytes) -> str:
    """What the first bytes of a file of another kind are, for a message."""
    if not head:
        return "an empty file"
    return "a pickle, which could run code" if head[:1] == b"\x80" else f"a file that begins with {head[:8]!r}"
