"""The optimizer, and the moving average of the weights (EMA)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ief.training.options import Preset


def build_optimizer(network: nn.Module, preset: Preset, new: Sequence[nn.Parameter] = ()) -> torch.optim.Optimizer:
    """The preset's optimizer over all parameters of a network.

    Args:
        new: those of them that learn at `preset.lr_mult_new` times the schedule's rate, which is their group's `mult`.
    """
    faster = {id(value) for value in new}
    groups = [{"params": [value for value in network.parameters() if id(value) not in faster], "mult": 1.0}]
    if new:
        groups.append({"params": list(new), "mult": preset.lr_mult_new})
    if preset.optimizer == "sgd":
        return torch.optim.SGD(groups, preset.lr, 0.9, weight_decay=preset.weight_decay, fused=True)
    return torch.optim.AdamW(groups, preset.lr, weight_decay=preset.weight_decay, fused=True)


def build_ema(network: nn.Module, preset: Preset, steps: int) -> AveragedModel | None:
    """The moving average of a network's weights over `preset.ema` of a training of `steps`; None without one.

    Its time constant grows with the training, so that a short one is not averaged with its random start.
    """
    if not preset.ema:
        return None
    decay = 1 - 1 / max(preset.ema * steps, 1)
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
