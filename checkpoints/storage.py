"""Weights in less room: float16, or int8 with a scale in float32 per output channel.

Convolutions and linear layers are rounded; batch normalizations, biases and statistics stay as they are. A weight w in
int8 is stored as `NAME|q` = round(w / scale) in -127..127 and `NAME|scale` = largest |w| of its output channel / 127.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from checkpoints import PoseError

STORAGES = ("int8", "float16")
MARK = "|"  # in no name of a module's parameters


def pack(weights: Mapping[str, Tensor], storage: str) -> dict[str, Tensor]:
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
            exact = weight / _beside(scale, weight)
            packed |= {f"{name}{MARK}q": exact.round().to(torch.int8), f"{name}{MARK}scale": scale}
        if not exact.isfinite().all():
            raise PoseError(f"'{name}' has a weight beyond {storage}")
    return packed


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
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
            whole[name] = tensor.float() * _beside(scale, tensor)
    return whole


def _beside(scale: Tensor, weight: Tensor) -> Tensor:
    """A number per output channel (C,) in the shape of a weight (C, ...)."""
    return scale.view(-1, *[1] * (weight.ndim - 1))
