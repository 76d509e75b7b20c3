"""What kind of file it is, by its first bytes, as endings do not tell; and a JSON file's value."""

import json
import os
from typing import Any

from checkpoints import PoseError, import_extra, name_fault, read_text, require_file

HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES = (0, 512, 1024, 2048)  # MATLAB 7.3 puts its own header of 512 bytes before it
BYTE_ORDER_MARKS = b"\xef\xbb\xbf\xff\xfe\x00"  # of UTF-8 and of UTF-16, whose brackets have a zero byte beside them
MAGIC = {b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"\x93NUMPY": "npy", b"MATLAB": "mat",
         b"\xcd\xf3\x00\x01": "cdf", b"\xcd\xf2\x60\x02": "cdf"}  # fmt: skip


def content(path: str | os.PathLike) -> tuple[str, bytes]:
    """'npz', 'npy', 'mat' (MATLAB 5), 'hdf5' (also MATLAB 7.3), 'json', 'cdf', 'yaml' (by its ending) or '', any
    other; the first bytes.

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
    kind = kind or "yaml" * (path.suffix.lower() in (".yaml", ".yml"))
    hdf5 = head.startswith(b"MATLAB 7.3") or (not kind and any(head.startswith(HDF5, place) for place in HDF5_PLACES))
    return "hdf5" if hdf5 else kind, head


def described(head: bytes) -> str:
    """What the first bytes of a file of another kind are, for a message."""
    if not head:
        return "an empty file"
    return "a pickle, which could run code" if head[:1] == b"\x80" else f"a file that begins with {head[:8]!r}"


def load_json(path: str | os.PathLike) -> Any:
    """A JSON file's value, whatever program wrote it. Raises PoseError if it is missing or not whole."""
    path = require_file(path)
    with name_fault(path, "not a whole JSON file", "copy it again", OSError, ValueError, RecursionError):
        return json.loads(read_text(path))


def load_yaml(path: str | os.PathLike) -> Any:
    """A YAML file's value, of plain types alone. Raises PoseError if it is missing or not whole, or without PyYAML."""
    yaml, path = import_extra("yaml", "yolo"), require_file(path)
    try:
        return yaml.safe_load(read_text(path))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise PoseError(f"{path}: not a whole YAML file ({' '.join(str(error).split())}); copy it again") from error
