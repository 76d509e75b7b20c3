"""A trained stage on disk: safetensors, its description as JSON text in the header.

Any safetensors reader shows both without this project: the tensors under their names, the description under the
metadata key `description`. Loading never runs code from the file, and refuses one whose content does not fit the
SHA-256 beside the description: safetensors notices a corrupt header, but not a changed byte.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from checkpoints.errors import PoseError
from checkpoints.files import write_atomically


def save_tensors(path: str | os.PathLike, tensors: dict[str, torch.Tensor], description: dict) -> Path:
    """Write tensors and a JSON-able description as one safetensors file, atomically.

    Raises:
        PoseError: when the disk refuses; what `path` held before is still there.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(description)
    metadata = {"format": "pt", "description": text, "sha256": content_digest(tensors, text)}

    def write(part: Path) -> None:
        try:
            save_file(tensors, part, metadata=metadata)
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(str(error)) from error

    return write_atomically(path, write)


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors (on the CPU) and the description of a file that `save_tensors` wrote.

    Raises:
        PoseError: when the file is missing, corrupt, changed, no safetensors file, or carries no description.
    """
    tensors, metadata = read_safetensors(path)
    try:
        text = metadata["description"]
        description = json.loads(text)
        if not isinstance(description, dict):
            raise KeyError("description")
    except (KeyError, json.JSONDecodeError, RecursionError) as error:
        raise PoseError(f"{path}: no description in its header, so it is no stage of this project") from error
    if metadata.get("sha256") != content_digest(tensors, text):
        found = "do not fit" if "sha256" in metadata else "lack"
        raise PoseError(f"{path}: its contents {found} the checksum in its header; copy or train it again")
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
        PoseError: when the file is missing, corrupt or no safetensors file.
    """
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise PoseError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise PoseError(f"{path}: corrupt, or no safetensors file ({error}); copy or train it again") from error
