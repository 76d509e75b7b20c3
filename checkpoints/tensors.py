"""A trained stage on disk: safetensors, its description as JSON text in the header.

Any safetensors reader shows both without this project: the tensors under their names, the description under the
metadata key `description`. Loading never runs code from the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from checkpoints.errors import BadCheckpoint
from checkpoints.files import write_atomically


def save_tensors(path: str | os.PathLike, tensors: dict[str, torch.Tensor], description: dict) -> Path:
    """Write tensors and a JSON-able description as one safetensors file, atomically.

    Raises:
        BadCheckpoint: when the disk refuses; what `path` held before is still there.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"format": "pt", "description": json.dumps(description)}

    def write(part: Path) -> None:
        try:
            save_file(tensors, part, metadata=metadata)
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(str(error)) from error

    return write_atomically(path, write)


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors (on the CPU) and the description of a file that `save_tensors` wrote.

    Raises:
        BadCheckpoint: when the file is missing, torn, no safetensors file, or carries no description.
    """
    tensors, metadata = read_safetensors(path)
    try:
        return tensors, json.loads(metadata["description"])
    except (KeyError, json.JSONDecodeError) as error:
        raise BadCheckpoint(f"{path}: no description in its header, so it is no stage of this project") from error


def read_safetensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors (on the CPU) and the header's metadata of any safetensors file.

    Raises:
        BadCheckpoint: when the file is missing, torn or no safetensors file.
    """
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise BadCheckpoint(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise BadCheckpoint(f"{path}: torn, or no safetensors file ({error}); copy or train it again") from error
