"""Tensors on disk: safetensors with a description as JSON text in the header, and what `torch.save` wrote.

Any safetensors reader shows both without this project: the tensors under their names, the description under the
metadata key `description`. Loading never runs code from the file, and refuses one whose content does not match the
SHA-256 beside the description: safetensors notices a corrupt header, but not a changed byte.

Weights may take less room, in float16, or in int8 with a scale in float32 per output channel: convolutions and linear
layers are rounded, batch normalizations, biases and statistics stay as they are. A weight w in int8 is stored as
`NAME|q` = round(w / scale) in -127..127 and `NAME|scale` = largest |w| of its output channel / 127.
"""

import json
import os
import warnings
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from zipfile import is_zipfile

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from checkpoints import PoseError, name_fault, require_file, write_bytes

STORAGES = ("int8", "float16")
MARK = "|"  # in no name of a module's parameters


def save_tensors(path: str | os.PathLike, tensors: dict[str, torch.Tensor], description: dict) -> Path:
    """Write tensors and a JSON-able description as one safetensors file, atomically.

    Raises:
        PoseError: when the disk refuses; what `path` held before is still there.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(description)
    metadata = {"format": "pt", "description": text, "sha256": content_digest(tensors, text)}
    # Not safetensors' `save_file`, whose files nobody but their owner may read.
    return write_bytes(path, save(tensors, metadata=metadata))


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors (on the CPU) and the description of a file that `save_tensors` wrote.

    Raises:
        PoseError: when the file is missing, corrupt, changed, not a safetensors file, or has no description.
    """
    tensors, metadata = read_safetensors(path)
    text = metadata.get("description", "")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict):
        raise PoseError(f"{path}: no description in its header, so it is not a stage of this project")
    if metadata.get("sha256") != content_digest(tensors, text):
        fault = "do not fit" if "sha256" in metadata else "lack"
        raise PoseError(f"{path}: its contents {fault} the checksum in its header; copy or train it again")
    return tensors, description


def content_digest(tensors: dict[str, torch.Tensor], text: str) -> str:
    """SHA-256, in hex, over `text` and every tensor's name, type, shape and bytes."""
    digest = sha256(text.encode("utf-8"))
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def read_safetensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors (on the CPU) and the header's metadata of any safetensors file.

    Raises:
        PoseError: when the file is missing, corrupt or not a safetensors file.
    """
    path, what = require_file(path), "corrupt, or not a safetensors file"
    kinds = SafetensorError, OSError, ValueError, RuntimeError
    with name_fault(path, what, "copy or train it again", *kinds), safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


class Ignored:
    """Stands for an object of another program, of which nothing is made."""

    def __init__(self, *state: object) -> None:
        """Whatever it would be made of."""

    __setstate__ = __init__


def load_plain_data(path: str | os.PathLike, ignore_objects: bool = False) -> object:
    """What `torch.save` wrote, on the CPU. Nothing in the file can run code (`weights_only=True`).

    Args:
        ignore_objects: whether the file may hold others' objects in a dict, beside what is looked for: an `Ignored`
            takes the place of each.

    Raises:
        PoseError: when the file is missing, corrupt or holds anything but plain data.
    """
    path = require_file(path)
    try:
        foreign = get_unsafe_globals_in_checkpoint(path) if ignore_objects and is_zipfile(path) else []
        with warnings.catch_warnings(), safe_globals([(Ignored, name) for name in foreign]):
            warnings.simplefilter("ignore")  # about the pickle's protocol, of a file that is then refused
            content = torch.load(path, map_location="cpu", weights_only=True)
        return load_plain_data(path) if isinstance(content, Ignored) else content
    except Exception as error:  # whatever a foreign file sets off in torch's reader
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise PoseError(
            f"{path}: corrupt, or not plain data that torch.save wrote; what could run code is not loaded ({reason})"
        ) from error


def pack(weights: Mapping[str, torch.Tensor], storage: str) -> dict[str, torch.Tensor]:
    """Weights as they are stored, by their names in the file.

    Args:
        weights: floating point, output channels first.
        storage: one of `STORAGES`.

    Raises:
        PoseError: naming a weight that the storage cannot hold.
    """
    packed = {}
    for name, weight in weights.items():
        weight = weight.detach().float()
        if storage == "float16":
            exact = packed[name] = weight.half()
        else:
            scale = weight.flatten(1).abs().amax(dim=1).clamp(min=1e-12) / 127
            exact = (weight.movedim(0, -1) / scale).movedim(-1, 0)
            packed |= {f"{name}{MARK}q": exact.round().to(torch.int8), f"{name}{MARK}scale": scale}
        if not exact.isfinite().all():
            raise PoseError(f"'{name}' has a weight beyond {storage}")
    return packed


def unpack(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A file's tensors with what `pack` stored as float32 again.

    Raises:
        PoseError: int8 without its scale, or with one of another number of output channels.
    """
    whole = {}
    for name, tensor in tensors.items():
        name, mark, part = name.partition(MARK)
        if not mark:
            whole[name] = tensor.float() if tensor.dtype == torch.float16 else tensor
        elif part == "q":
            scale = tensors.get(f"{name}{MARK}scale")
            if scale is None or scale.shape != tensor.shape[:1]:
                raise PoseError(f"'{name}' is stored as int8 without a scale per output channel")
            whole[name] = (tensor.float().movedim(0, -1) * scale).movedim(-1, 0)
    return whole
