"""Normalization of a regression target by its mean and standard deviation (Eq. 1 and 2 of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_STD = 1e-6


def masked_mean_std(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the samples, per coordinate, counting annotated values only.

    Args:
        values: (N, M, D) in any unit; what the mask leaves out may be NaN.
        mask: (N, M) or (N, M, D) bool.

    Returns:
        mean, std: (M, D) float64, in the unit of `values`; std with N in the denominator. A coordinate that no
        sample has gets mean 0 and the average std of the measured ones: it needs some scale to be regressed at,
        and one like its siblings' keeps it neither frozen nor dominant. std is never 0.
    """
    mask = expand_mask(mask, values)
    values = torch.where(mask, values, torch.zeros_like(values)).double()
    count = mask.sum(dim=0)
    mean = values.sum(dim=0) / count.clamp(min=1)
    deviation = torch.where(mask, values - mean, torch.zeros_like(values))
    std = (deviation.square().sum(dim=0) / count.clamp(min=1)).sqrt()
    measured = count > 0
    sibling = std[measured].mean() if measured.any() else torch.ones_like(std[0, 0])
    std = torch.where(measured, std, sibling)
    return mean, std.clamp(min=SMALLEST_STD)


def normalize(values: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """N(x) = (x - mean) / std (Eq. 1). `values` (..., M, D); `mean` and `std` (M, D)."""
    return (values - mean) / std


def denormalize(values: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The inverse of `normalize`: x = values * std + mean (Eq. 2)."""
    return values * std + mean


def expand_mask(mask: Tensor, values: Tensor) -> Tensor:
    """A mask with or without the coordinate axis, (..., M) or (..., M, D), as bool of `values`' shape."""
    if mask.dim() == values.dim() - 1:
        mask = mask.unsqueeze(-1)
    return mask.bool().expand(values.shape)
