"""Noise on the poses that a later stage is trained on: a stage errs less on its training images than on others."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, randn

from ief.training.config import StageConfig
from mpii_tools.prepared.batches import generator


def perturb(pose: Tensor, config: StageConfig, step: int, share: slice) -> Tensor:
    """y_t with the noise of a step, a function of seed and step; on x and y, which heatmaps show, never on z.

    Args:
        pose: (B, K, D) or (1, K, D) crop pixels.
        share: which samples of the global batch these are: the noise is drawn for all of it.
    """
    std = config.preset.perturb * config.data.size
    rng = generator(config.stage_seed, "perturb", step)
    noise = randn(config.preset.batch_size, pose.shape[1], 2, generator=rng)[share]
    return pose + F.pad(noise, (0, pose.shape[2] - 2)).to(pose) * std
