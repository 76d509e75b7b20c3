"""Normalization of a regression target by its mean and standard deviation (Eq. 1 and 2 of the paper)."""

import torch
from torch import Tensor

SMALLEST_STD = 1e-6  # in any unit: what varies less does not vary


def masked_mean_std(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the samples, per coordinate, counting annotated values only.

    Args:
        values: (N, M, D) in any unit; what the mask leaves out may be NaN.
        mask: (N, M) or (N, M, D) bool.

    Returns:
        mean, std: (M, D) float64, in the unit of `values`; std with N in the denominator. A value that no sample has
        gets mean 0. One that no sample has, or all have alike (the root's z), gets the average std of the others of
        its coordinate: it needs some scale to be regressed at, and one like its siblings' keeps it neither frozen nor
        dominant. Pixels borrow from pixels, millimeters from millimeters. A coordinate without any spread has std 1.
    """
    mask = expand_mask(mask, values)
    values = torch.where(mask, values, torch.zeros_like(values)).double()
    count = mask.sum(dim=0)
    mean = values.sum(dim=0) / count.clamp(min=1)
    deviation = torch.where(mask, values - mean, torch.zeros_like(values))
    std = (deviation.square().sum(dim=0) / count.clamp(min=1)).sqrt()
    spread = std > SMALLEST_STD
    known = spread.sum(dim=0)
    sibling = torch.where(known > 0, torch.where(spread, std, 0).sum(dim=0) / known.clamp(min=1), 1)
    return mean, torch.where(spread, std, sibling)


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


def find_annotated(joints: Tensor, visible: Tensor | None = None) -> Tensor:
    """Which values of joints (..., K, D) are annotated, as bool of their shape; NaN never is.

    Args:
        visible: (..., K) or (..., K, D), not zero where annotated; None for all but (0, ..., 0). If it is given, zeros
            are values like others: in poses about their root, (0, 0, 0) is the root.
    """
    return expand_mask(joints.ne(0).any(dim=-1) if visible is None else visible, joints) & joints.isfinite()


def mask_joints(joints: Tensor, visible: Tensor | None, count: int) -> Tensor:
    """Ground truth (N, K, D), tensor or array, as float32 with NaN for what is not annotated (`find_annotated`).

    Raises:
        ValueError: of another shape or number of joints than `count`, or without any annotated one.
    """
    joints = torch.as_tensor(joints).float()
    if joints.dim() != 3 or joints.shape[1] != count:
        raise ValueError(f"joints of shape {tuple(joints.shape)}, expected (N, {count}, D)")
    visible = None if visible is None else torch.as_tensor(visible, device=joints.device)
    joints = torch.where(find_annotated(joints, visible), joints, torch.nan)
    if joints.isnan().all():
        raise ValueError(f"{len(joints)} people without any annotated joint")
    return joints
