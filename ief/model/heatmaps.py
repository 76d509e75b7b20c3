"""Gaussian heatmaps of a pose, exact and sub-pixel, and the convolution over them (the IEF feedback).

A Gaussian is separable: exp(-|p - y|^2 / 2 sigma^2) is the outer product of two 1-D factors. A convolution over the
maps is computed from the factors, so the maps themselves are never rendered.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Beyond 4 sigma a factor is below 3.4e-4. It is cut to zero there: its tail would run into denormal numbers, which
# slow every later layer down two- to threefold on a CPU.
CUT = 4.0


def gaussian_factors(coordinates: Tensor, size: int, sigma: float) -> Tensor:
    """The 1-D factors exp(-(p - y)^2 / 2 sigma^2) at p = 0 .. size - 1, zero beyond 4 sigma.

    Args:
        coordinates: (...) x or y of joints in crop pixels; sub-pixel, may be outside the crop or NaN.
        size: length of the crop's side in pixels.
        sigma: standard deviation in crop pixels.

    Returns:
        (..., size); all zero for a NaN or a joint further than 4 sigma outside. Differentiable in `coordinates`.
    """
    pixels = torch.arange(size, dtype=coordinates.dtype, device=coordinates.device)
    distance = (pixels - coordinates.unsqueeze(-1)) / sigma
    near = distance.abs() <= CUT  # False for NaN
    # The inner `where` keeps NaN out of the gradient too: the outer one alone would give 0 * NaN.
    return torch.where(near, torch.exp(-0.5 * torch.where(near, distance, 0).square()), 0)


def convolve_heatmaps(
    joints: Tensor,
    size: int,
    sigma: float,
    weight: Tensor,
    stride: int,
    padding: tuple[int, int],
    onto: Tensor | None = None,
) -> Tensor:
    """`conv2d(h, weight, None, stride, padding)` of K heatmaps h with peak 1 at the joints, without the maps.

    With h[k] = rows[k] x columns[k], the sum over the kernel's columns involves the column factor alone and gives 1-D
    signals; the sum over joints and kernel rows is then one matrix product per sample. That is about a seventh of the
    multiplications of the convolution over full maps, and no (B, K, size, size) tensor is written.

    Args:
        joints: (B, K, 2) x, y in crop pixels.
        weight: (O, K, k, k) convolution kernel.
        stride, padding: of the convolution; the latter before and behind each row and column.
        onto: (B, O, size', size') to add the result to. If it is channels last, its memory is overwritten, so
            that the sum takes no pass of its own.

    Returns:
        (B, O, size', size'), size' = (size + padding - k) // stride + 1, channels last in memory.
    """
    factors = gaussian_factors(joints, size, sigma).to(weight.dtype)
    windows = F.pad(factors, padding).unfold(-1, weight.shape[-1], stride)  # (B, K, 2, size', k)
    columns, rows = windows.unbind(dim=2)
    across = columns.unsqueeze(2) @ weight.permute(1, 2, 3, 0)  # (B, K, k, size', O): in the order the product needs
    batch, joint_count, kernel, length, out_channels = across.shape
    across = across.view(batch, joint_count * kernel, length * out_channels)
    down = rows.permute(0, 2, 1, 3).reshape(batch, length, joint_count * kernel)
    if onto is None:
        product = down @ across
    else:
        target = onto.permute(0, 2, 3, 1).reshape(batch, length, length * out_channels)
        product = target.baddbmm_(down.to(target.dtype), across.to(target.dtype))
    return product.view(batch, length, length, out_channels).permute(0, 3, 1, 2)
